"""A small network that says who a face is, by a file of weights of ours.

`zoo.training.tasks.embedder` trains it; the identity loss of training and a metric of its own use
it. It only holds the design, and writes and reads the file.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional

from zoo.networks.config import Size, network_config
from zoo.weights.builtin import shipped_card, weights_path
from zoo.weights.download import sha256_of
from zoo.weights.files import WeightsMissing, WeightsRefused, load_safetensors
from zoo.weights.header import ENTRY, write_trained_file

__all__ = [
    "DESCRIPTORS",
    "DescriptorConfig",
    "FaceDescriptor",
    "load_descriptor",
    "save_descriptor",
    "shipped_descriptor",
]

DESCRIPTORS = ("arcface-small",)
"""Names of those that come with Relume."""


@dataclass(frozen=True, slots=True)
class DescriptorConfig:
    """The size of the network."""

    size: Size = 64  # side in pixels that faces are brought to
    # Of the levels, the finest first; each halves the side
    channels: Annotated[tuple[Size, ...], Meta(min_length=1)] = (32, 64, 112, 144)
    features: Size = 128  # numbers that describe a face

    def __post_init__(self) -> None:
        if self.size % 2 ** len(self.channels):
            raise ValueError(
                f"size {self.size} cannot be halved {len(self.channels)} times, once for each of "
                "channels"
            )


class FaceDescriptor(nn.Module):
    """Aligned faces of the template ``tight`` → unit vectors; their cosine says how alike.

    A residual network (He et al. 2016, arXiv 1603.05027, with PReLU and batch norms placed as
    in ArcFace's "IR" block, arXiv 1801.07698, section 3.1), one block a level, and in the end
    MobileFaceNet's global depthwise convolution (Chen et al. 2018, arXiv 1804.07573): where in
    the face a feature is found has a weight of its own. 0.93 M parameters by default.

    Parameters
    ----------
    config
        Sizes.
    """

    def __init__(self, config: DescriptorConfig) -> None:
        super().__init__()
        self.config = config
        widths = list(config.channels)
        self.levels = nn.ModuleList(
            _DescriptorLevel(before, after, blocks=min(number, 1))
            for number, (before, after) in enumerate(itertools.pairwise([3, *widths]))
        )
        side = config.size // 2 ** len(widths)
        self.gathered = nn.Conv2d(widths[-1], widths[-1], side, groups=widths[-1], bias=False)
        self.norm = nn.BatchNorm2d(widths[-1])
        self.last = nn.Linear(widths[-1], config.features, bias=False)
        self.centred = nn.BatchNorm1d(config.features)

    def forward(self, faces: Tensor) -> Tensor:
        """Return ``(n, features)`` of length 1 for ``(n, 3, side, side)`` RGB in [0, 1].

        float32, under `torch.autocast` too.
        """
        if faces.shape[2] != self.config.size:
            faces = functional.interpolate(
                faces, (self.config.size,) * 2, mode="bilinear", antialias=True
            )
        x = faces * 2 - 1
        for level in self.levels:
            x = level(x)
        described = self.centred(self.last(self.norm(self.gathered(x)).flatten(1)))
        normal: Tensor = functional.normalize(described.float(), dim=1)
        return normal


class _DescriptorLevel(nn.Sequential):
    """A convolution that halves the side, normed and activated, and residual blocks."""

    def __init__(self, before: int, after: int, blocks: int) -> None:
        super().__init__(
            nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.PReLU(after),
            *(_DescriptorBlock(after) for _ in range(blocks)),
        )


class _DescriptorBlock(nn.Module):
    """BN, convolution, BN, PReLU, convolution, BN, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            nn.BatchNorm2d(width),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` changed, of the same shape ``(n, width, side, side)``."""
        changed: Tensor = x + self.change(x)
        return changed


def save_descriptor(
    network: FaceDescriptor, path: Path, values: Mapping[str, Any] | None = None
) -> None:
    """Write the weights as 16-bit safetensors with the sizes in the header.

    Parameters
    ----------
    network
        Has the weights.
    path
        The file.
    values
        What else the header says, JSON-ready, such as how it was trained.
    """
    write_trained_file(network, path, {**(values or {}), "descriptor": asdict(network.config)})


def load_descriptor(path: Path) -> FaceDescriptor:
    """Return the network of a file that `save_descriptor` wrote, frozen, on the CPU, float32.

    Raises WeightsRefused for any other file.
    """
    from safetensors import safe_open

    tensors = load_safetensors(path)
    with safe_open(path, framework="pt") as file:
        entry = (file.metadata() or {}).get(ENTRY, "{}")
    try:
        config = network_config(json.loads(entry)["descriptor"], {"descriptor": DescriptorConfig})
        with torch.device("meta"):
            network = FaceDescriptor(config)
        wide = {
            name: value.float() if value.is_floating_point() else value
            for name, value in tensors.items()
        }
        network.load_state_dict(wide, assign=True)
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsRefused(f"{path} holds no face descriptor of Relume's: {reason}") from None
    return network.requires_grad_(False).eval()


def shipped_descriptor(name: str) -> FaceDescriptor:
    """Return one of `DESCRIPTORS`, which come with Relume, frozen, on the CPU.

    Raises
    ------
    WeightsMissing
        Its file is gone from Relume's folder of weights.
    WeightsRefused
        Its file is not the one that its card tells of.
    """
    path = weights_path(name)
    if not path.is_file():
        raise WeightsMissing(f"{path} is not there: install relume again")
    if sha256_of(path) != shipped_card(name).card.sha256:
        raise WeightsRefused(f"{path} is not the file of its card: install relume again")
    return load_descriptor(path)

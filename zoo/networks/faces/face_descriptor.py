"""A small network that says who a face is, by a file of weights of ours.

`zoo.training.tasks.embedder` trains it; the identity loss of training and a metric of its own use
it. It only holds the design, and writes and reads the file.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from degrade.images import atomic_file
from zoo.weights.files import WeightsRefused, load_safetensors

__all__ = ["DescriptorConfig", "FaceDescriptor", "load_descriptor", "save_descriptor"]


@dataclass(frozen=True, slots=True)
class DescriptorConfig:
    """The size of the network.

    Attributes
    ----------
    size
        Side in pixels that faces are brought to.
    channels
        Of the levels, the finest first; each halves the side.
    features
        Numbers that describe a face.
    """

    size: int = 64
    channels: Sequence[int] = (32, 64, 112, 144)
    features: int = 128

    def __post_init__(self) -> None:
        numbers = (self.size, self.features, *self.channels)
        if not self.channels or any(type(n) is not int or n < 1 for n in numbers):
            raise ValueError("size, channels and features are whole numbers from 1 on")
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
            _Level(before, after, blocks=min(place, 1))
            for place, (before, after) in enumerate(itertools.pairwise([3, *widths]))
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


class _Level(nn.Sequential):
    """A convolution that halves the side, normed and activated, and residual blocks."""

    def __init__(self, before: int, after: int, blocks: int) -> None:
        super().__init__(
            nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.PReLU(after),
            *(_Block(after) for _ in range(blocks)),
        )


class _Block(nn.Module):
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
    network: FaceDescriptor, path: Path, told: Mapping[str, Any] | None = None
) -> None:
    """Write the weights as 16-bit safetensors with the sizes in the header.

    Parameters
    ----------
    network
        Has the weights.
    path
        The file.
    told
        What else the header tells, JSON-ready, such as how it was trained.
    """
    from safetensors.torch import save

    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous().cpu()
        for name, value in network.state_dict().items()
    }
    about = {**(told or {}), "descriptor": asdict(network.config)}
    with atomic_file(path) as file:
        file.write(save(tensors, metadata={"relume": json.dumps(about, sort_keys=True)}))


def load_descriptor(path: Path) -> FaceDescriptor:
    """Return the network of a file that `save_descriptor` wrote, frozen, on the CPU, float32.

    Raises WeightsRefused for any other file.
    """
    from safetensors import safe_open

    tensors = load_safetensors(path)
    with safe_open(path, framework="pt") as file:
        told = (file.metadata() or {}).get("relume", "{}")
    try:
        sizes = json.loads(told)["descriptor"]
        config = DescriptorConfig(**{**sizes, "channels": tuple(sizes["channels"])})
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

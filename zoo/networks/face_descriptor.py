"""A small network that says who a face is, by a file of weights of ours.

For the identity loss of training and never for judging: scores come from other networks. It only
holds the design and reads the file; no such file is shipped yet.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional

from degrade.images import atomic_file
from zoo.networks.plain import PlainBlock
from zoo.weights import WeightsRefused, load_safetensors

__all__ = ["DescriptorConfig", "FaceDescriptor", "load_descriptor", "save_descriptor"]

_SLOPE = 0.2


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

    size: int = 112
    channels: Sequence[int] = (32, 64, 128, 256)
    features: int = 128


class FaceDescriptor(nn.Module):
    """Aligned faces → unit vectors; the cosine of two tells how alike they are.

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
            nn.Sequential(nn.Conv2d(before, after, 3, stride=2, padding=1), PlainBlock(after))
            for before, after in itertools.pairwise([3, *widths])
        )
        side = config.size // 2 ** len(widths)
        self.last = nn.Linear(widths[-1] * side**2, config.features)

    def forward(self, faces: Tensor) -> Tensor:
        """Return ``(n, features)`` of length 1 for ``(n, 3, side, side)`` RGB in [0, 1]."""
        if faces.shape[2] != self.config.size:
            faces = functional.interpolate(
                faces, (self.config.size,) * 2, mode="bilinear", antialias=True
            )
        x = faces * 2 - 1
        for level in self.levels:
            x = functional.leaky_relu(level(x), _SLOPE)
        described: Tensor = functional.normalize(self.last(x.flatten(1)), dim=1)
        return described


def save_descriptor(network: FaceDescriptor, path: Path) -> None:
    """Write the weights as safetensors with the sizes in the header."""
    from safetensors.torch import save

    tensors = {name: value.contiguous() for name, value in network.state_dict().items()}
    told = json.dumps({"descriptor": asdict(network.config)}, sort_keys=True)
    with atomic_file(path) as file:
        file.write(save(tensors, metadata={"relume": told}))


def load_descriptor(path: Path) -> FaceDescriptor:
    """Return the network of a file that `save_descriptor` wrote, frozen, on the CPU.

    Raises WeightsRefused for any other file.
    """
    from safetensors import safe_open

    tensors = load_safetensors(path)
    with safe_open(path, framework="pt") as file:
        told = (file.metadata() or {}).get("relume", "{}")
    try:
        network = FaceDescriptor(DescriptorConfig(**json.loads(told)["descriptor"]))
        network.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsRefused(f"{path} holds no face descriptor of Relume's: {error}") from None
    return network.requires_grad_(False).eval()

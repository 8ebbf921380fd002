"""IR-SE50, the ArcFace network of pSp's identity loss, so that its published weights load.

ArcFace's "IR" residual block (Deng et al. 2019, arXiv 1801.07698, section 3.1) with squeeze and
excitation (Hu et al. 2018, arXiv 1709.01507). The names of the modules are those of
TreB1eN/InsightFace_Pytorch, ``model.py``, whose file ``model_ir_se50.pth`` is (facexlib's
``recognition_arcface_ir_se50.pth`` is the same file).
"""

from __future__ import annotations

import itertools
from pathlib import Path

import torch
from torch import Tensor, nn

from zoo.weights.files import WeightsRefused, load_state_dict

__all__ = ["SIDE", "IrSe50", "load_irse50"]

SIDE = 112
"""Side of its input in pixels."""
_LEVELS = ((64, 3), (128, 4), (256, 14), (512, 3))
"""Channels and blocks; the first block of each level halves the side."""
_REDUCTION = 16


class _Excitation(nn.Module):
    """Channels weighted by what their means say."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // _REDUCTION, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // _REDUCTION, channels, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        means = maps.mean(dim=(2, 3), keepdim=True)
        weighted: Tensor = maps * self.fc2(self.fc1(means).relu()).sigmoid()
        return weighted


class _IrSeBlock(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.shortcut_layer: nn.Module = nn.MaxPool2d(1, stride)
        if before != after:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(before),
            nn.Conv2d(before, after, 3, padding=1, bias=False),
            nn.PReLU(after),
            nn.Conv2d(after, after, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(after),
            _Excitation(after),
        )

    def forward(self, maps: Tensor) -> Tensor:
        changed: Tensor = self.res_layer(maps) + self.shortcut_layer(maps)
        return changed


class IrSe50(nn.Module):
    """Faces → 512 numbers of length 1; 43.8 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64)
        )
        widths = [64, *itertools.chain(*([width] * count for width, count in _LEVELS))]
        halving = {sum(count for _, count in _LEVELS[:level]) for level in range(len(_LEVELS))}
        self.body = nn.Sequential(
            *(
                _IrSeBlock(before, after, 2 if number in halving else 1)
                for number, (before, after) in enumerate(itertools.pairwise(widths))
            )
        )
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(512),
            nn.Dropout(0.6),
            nn.Flatten(),
            nn.Linear(512 * 7 * 7, 512),
            nn.BatchNorm1d(512),
        )

    def forward(self, faces: Tensor) -> Tensor:
        """Return ``(n, 512)`` for ``(n, 3, 112, 112)`` RGB in [-1, 1]."""
        described = self.output_layer(self.body(self.input_layer(faces)))
        return nn.functional.normalize(described, dim=1)


def load_irse50(path: Path) -> IrSe50:
    """Return the network of a file of weights, frozen, on the CPU.

    Raises WeightsRefused for a file of another network, a damaged one, or one with code.
    """
    tensors = load_state_dict(path)
    with torch.device("meta"):
        network = IrSe50()
    try:
        network.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip()
        raise WeightsRefused(f"{path} holds no IR-SE50: {reason}") from None
    return network.float().requires_grad_(False).eval()

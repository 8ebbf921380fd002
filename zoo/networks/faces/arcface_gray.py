"""The grey ResNet-18 of the papers' ``Deg.`` column, so that its published weights load.

A ResNet-18 of "IR" blocks without squeeze and excitation on one grey channel of 128 pixels. The
names of the modules are those of ronghuaiyang/arcface-pytorch (``resnet18_110.pth``), which
GFPGAN keeps as ``arcface_resnet18.pth`` (``gfpgan/archs/arcface_arch.py``, ``ResNetArcFace``).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from zoo.weights.files import WeightsRefused, load_state_dict

__all__ = ["SIDE", "GrayArcFace", "grey", "load_gray"]

SIDE = 128
"""Side of its input in pixels."""
_LUMA = (0.2989, 0.5870, 0.1140)
"""GFPGAN, ``gfpgan/models/gfpgan_model.py``, ``gray_resize_for_identity``."""


class _GrayBlock(nn.Module):
    """One slope for both activations, the second behind the sum."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.bn0 = nn.BatchNorm2d(before)
        self.conv1 = nn.Conv2d(before, before, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(before)
        self.prelu = nn.PReLU()
        self.conv2 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, maps: Tensor) -> Tensor:
        inner = self.prelu(self.bn1(self.conv1(self.bn0(maps))))
        around = maps if self.downsample is None else self.downsample(maps)
        changed: Tensor = self.prelu(self.bn2(self.conv2(inner)) + around)
        return changed


def _level(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(_GrayBlock(before, after, stride), _GrayBlock(after, after, 1))


class GrayArcFace(nn.Module):
    """Grey faces → 512 numbers; 25.6 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.prelu = nn.PReLU()
        self.layer1 = _level(64, 64, 1)
        self.layer2 = _level(64, 128, 2)
        self.layer3 = _level(128, 256, 2)
        self.layer4 = _level(256, 512, 2)
        self.bn4 = nn.BatchNorm2d(512)
        self.fc5 = nn.Linear(512 * 8 * 8, 512)
        self.bn5 = nn.BatchNorm1d(512)

    def forward(self, faces: Tensor) -> Tensor:
        """Return ``(n, 512)``, of no particular length, for ``(n, 1, 128, 128)`` in [-1, 1]."""
        maps = self.prelu(self.bn1(self.conv1(faces)))
        maps = nn.functional.max_pool2d(maps, 2)
        for level in (self.layer1, self.layer2, self.layer3, self.layer4):
            maps = level(maps)
        described: Tensor = self.bn5(self.fc5(self.bn4(maps).flatten(1)))
        return described


def grey(faces: Tensor) -> Tensor:
    """Return ``(n, 1, side, side)`` luma of ``(n, 3, side, side)`` RGB, in the same range."""
    luma = torch.tensor(_LUMA, dtype=faces.dtype, device=faces.device)
    return (faces * luma[:, None, None]).sum(dim=1, keepdim=True)


def load_gray(path: Path) -> GrayArcFace:
    """Return the network of a file of weights, frozen, on the CPU.

    Names may begin with ``module.``, as `torch.nn.DataParallel` leaves them.

    Raises WeightsRefused for a file of another network, a damaged one, or one with code.
    """
    stored = load_state_dict(path)
    tensors = {name.removeprefix("module."): tensor for name, tensor in stored.items()}
    with torch.device("meta"):
        network = GrayArcFace()
    try:
        network.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip()
        raise WeightsRefused(f"{path} holds no grey ArcFace ResNet-18: {reason}") from None
    return network.float().requires_grad_(False).eval()

"""The Inception network behind FID, from torchvision's blocks with FID's three differences.

The published FID is defined on TensorFlow's graph of 2015-12-05, which is not torchvision's
Inception: another network gives another metric. Nothing here downloads.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor, nn
from torchvision.models.inception import Inception3, InceptionA, InceptionC, InceptionE

CLASSES = 1008
INPUT_SIZE = 299


def average_inside(maps: Tensor) -> Tensor:
    """Return the 3 x 3 mean at stride 1 over the positions inside the map only.

    TensorFlow leaves padding out of the mean; torchvision counts it as zeros.
    """
    return F.avg_pool2d(maps, 3, stride=1, padding=1, count_include_pad=False)


class _BlockA(InceptionA):  # type: ignore[misc]
    def _forward(self, x: Tensor) -> list[Tensor]:
        narrow = self.branch5x5_2(self.branch5x5_1(x))
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return [self.branch1x1(x), narrow, double, self.branch_pool(average_inside(x))]


class _BlockC(InceptionC):  # type: ignore[misc]
    def _forward(self, x: Tensor) -> list[Tensor]:
        single, double = x, x
        for number in (1, 2, 3):
            single = getattr(self, f"branch7x7_{number}")(single)
        for number in (1, 2, 3, 4, 5):
            double = getattr(self, f"branch7x7dbl_{number}")(double)
        return [self.branch1x1(x), single, double, self.branch_pool(average_inside(x))]


class _BlockE(InceptionE):  # type: ignore[misc]
    def _forward(self, x: Tensor) -> list[Tensor]:
        single = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        wide = [self.branch3x3_2a(single), self.branch3x3_2b(single)]
        deep = [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)]
        pooled = self.branch_pool(self.pool(x))
        return [self.branch1x1(x), torch.cat(wide, 1), torch.cat(deep, 1), pooled]

    def pool(self, x: Tensor) -> Tensor:
        return average_inside(x)


class _LastBlock(_BlockE):
    def pool(self, x: Tensor) -> Tensor:
        """Take the maximum, as the TensorFlow graph does in this one block."""
        return F.max_pool2d(x, 3, stride=1, padding=1)


class FidInception(nn.Module):
    """The ``pool3`` features of FID-Inception, frozen and in evaluation mode.

    The three differences from torchvision's network (pytorch-fid, ``inception.py``): 1008
    classes, means without padding in every mixed block, a maximum in the last. The state dict is
    that of ``pt_inception-2015-12-05-6726825d.pth``.
    """

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        network = Inception3(num_classes=CLASSES, aux_logits=False, init_weights=False)
        for name, features in (("5b", 32), ("5c", 64), ("5d", 64)):
            channels = {"5b": 192, "5c": 256, "5d": 288}[name]
            setattr(network, f"Mixed_{name}", _BlockA(channels, pool_features=features))
        for name, width in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
            setattr(network, f"Mixed_{name}", _BlockC(768, channels_7x7=width))
        network.Mixed_7b, network.Mixed_7c = _BlockE(1280), _LastBlock(2048)
        network.load_state_dict(dict(state))
        network.fc = nn.Identity()
        self.network = network
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(n, 2048)`` features of ``(n, 3, height, width)`` images in [0, 1].

        Resized to 299 x 299 bilinearly without antialiasing and scaled to [-1, 1], as
        pytorch-fid does.
        """
        sized = F.interpolate(
            images, (INPUT_SIZE, INPUT_SIZE), mode="bilinear", align_corners=False
        )
        return self.pool3(2 * sized - 1)

    def pool3(self, sized: Tensor) -> Tensor:
        """Return ``(n, 2048)`` features of ``(n, 3, 299, 299)`` images scaled to [-1, 1]."""
        features: Tensor = self.network(sized)
        return features

"""Networks whose inner maps losses and judges compare, each with the distance that belongs to it.

EfficientNet-Lite0 and VGG19 serve losses, EfficientNet-Lite2 and MobileNet-V2 judge; Lite0 and
Lite2 come with packages, the others need their published weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from zoo.weights.files import known_weights, load_state_dict, locate

__all__ = ["FeatureNetwork", "UnitFeatures", "Vgg19", "load_features"]

_EPSILON = 1e-10
_LOSSES = ("efficientnet-lite0", "vgg19")


class FeatureNetwork(Protocol):
    """A frozen network as the losses see it."""

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the maps of ``(n, 3, height, width)`` RGB in [0, 1], fine to coarse."""

    def distance(self, restored: Sequence[Tensor], hq: Sequence[Tensor]) -> Tensor:
        """Return how far apart two images' maps are: a scalar, 0 for equal ones."""

    def middle(self, maps: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return the maps at 1/4, 1/8 and 1/16 of the image, where there are that many."""


class UnitFeatures:
    """An EfficientNet or MobileNet-V2, its maps scaled to unit length at every place.

    The distance is that of LPIPS (Zhang et al. 2018, arXiv 1801.03924, eq. 1) with every channel
    weighted alike.

    Parameters
    ----------
    name
        ``efficientnet-lite0``, the loss; ``efficientnet-lite2`` or ``mobilenet-v2``, a judge.
    stages
        How many maps from 1/2 on, 1 to 5.
    device
        Where the images will be.
    """

    def __init__(self, name: str, stages: int, device: torch.device) -> None:
        from zoo.networks.features import efficientnet, mobilenet

        if name == "mobilenet-v2":
            self._network, self._maps = mobilenet.load_mobilenet(), mobilenet.stage_maps
        else:
            self._network = efficientnet.load_efficientnet(name)
            self._maps = efficientnet.stage_maps
        self._network.to(device)
        self._stages = stages

    def maps(self, images: Tensor) -> list[Tensor]:
        """See `FeatureNetwork.maps`."""
        return self.maps_and_pooled(images)[0]

    def maps_and_pooled(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return `maps`, and ``(n, 1280)``: the mean over the last map's places."""
        maps, last = self._maps(self._network, images)
        return [_unit(stage.float()) for stage in maps[: self._stages]], last.mean(dim=(2, 3))

    def distance(self, restored: Sequence[Tensor], hq: Sequence[Tensor]) -> Tensor:
        """Return the squared distance, the mean over images, places and maps; at most 4."""
        return self.distances(restored, hq).mean()

    def distances(self, restored: Sequence[Tensor], hq: Sequence[Tensor]) -> Tensor:
        """Return ``(n,)``: the squared distance of each image, the mean over places and maps."""
        per_map = [
            (a - b).square().sum(dim=1).mean(dim=(1, 2)) for a, b in zip(restored, hq, strict=True)
        ]
        return torch.stack(per_map).mean(dim=0)

    def middle(self, maps: Sequence[Tensor]) -> Sequence[Tensor]:
        """See `FeatureNetwork.middle`."""
        return maps[1:4]


class Vgg19:
    """VGG19's last convolution of each of its five blocks, before the activation.

    The layers, their weights and the mean absolute difference are those with which GFPGAN is
    trained (TencentARC/GFPGAN @7552a77, options/train_gfpgan_v1.yml, ``perceptual_opt``); maps
    before the activation are ESRGAN's (Wang et al. 2018, arXiv 1809.00219, section 3.3).
    PSFRGAN compares the same five (chaofengc/PSFRGAN @ab853cd, models/loss.py,
    ``feature_layers``).

    Parameters
    ----------
    features
        The convolutional part of torchvision's VGG19, see `load_features`.
    """

    _LAYERS = (2, 7, 16, 25, 34)
    """conv1_2, conv2_2, conv3_4, conv4_4 and conv5_4 of ``torchvision.models.vgg19().features``."""
    _WEIGHTS = (0.1, 0.1, 1.0, 1.0, 1.0)
    _MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    """Of ImageNet, as torchvision's networks were trained."""

    def __init__(self, features: nn.Sequential) -> None:
        self._features = features.eval().requires_grad_(False)
        for layer in features:
            if isinstance(layer, nn.ReLU):
                # In place it would overwrite the very map that is kept.
                layer.inplace = False

    def maps(self, images: Tensor) -> list[Tensor]:
        """See `FeatureNetwork.maps`."""
        mean = images.new_tensor(self._MEAN).view(1, 3, 1, 1)
        x = (images - mean) / images.new_tensor(self._DEVIATION).view(1, 3, 1, 1)
        maps = []
        for index, layer in enumerate(self._features):
            x = layer(x)
            if index in self._LAYERS:
                maps.append(x)
            if index == self._LAYERS[-1]:
                break
        return maps

    def distance(self, restored: Sequence[Tensor], hq: Sequence[Tensor]) -> Tensor:
        """Return the weighted sum over the maps of their mean absolute difference."""
        apart = [(a - b).abs().mean() for a, b in zip(restored, hq, strict=True)]
        return torch.stack([w * a for w, a in zip(self._WEIGHTS, apart, strict=True)]).sum()

    def middle(self, maps: Sequence[Tensor]) -> Sequence[Tensor]:
        """See `FeatureNetwork.middle`."""
        return maps[2:5]


def load_features(name: str, stages: int, device: torch.device) -> FeatureNetwork:
    """Return a network for a loss with its weights.

    Parameters
    ----------
    name
        ``efficientnet-lite0`` or ``vgg19``.
    stages
        See `UnitFeatures`; VGG19's five maps are fixed.
    device
        Where the images will be.

    Raises
    ------
    WeightsMissing
        VGG19's weights are not here and cannot be fetched; the message says how to get them.
    ValueError
        Another name.
    """
    if name == "efficientnet-lite0":
        return UnitFeatures(name, stages, device)
    if name != "vgg19":
        raise ValueError(f"{name!r} is not one of {', '.join(_LOSSES)}")
    from torchvision.models import vgg19

    with torch.device("meta"):
        network = vgg19(weights=None)
    network.load_state_dict(load_state_dict(locate(known_weights("vgg19"))), assign=True)
    return Vgg19(network.features.to(device, memory_format=torch.channels_last))


def _unit(maps: Tensor) -> Tensor:
    # The root is taken of a sum that is never 0: its slope there has no end.
    return maps / (maps.square().sum(dim=1, keepdim=True) + _EPSILON).sqrt()

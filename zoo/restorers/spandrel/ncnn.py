"""Read Real-ESRGAN's weights as ncnn stores them, into the names that spandrel knows.

A ``.bin`` file holds numbers alone: for each convolution a tag, weights of 16 bits filled up to
four bytes, and biases of 32 bits, in the order of the network (Tencent/ncnn, src/modelbin.cpp).
What belongs where is said by the ``.param`` file beside it, which is that of ESRGAN's 23 blocks.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.weights.files import WeightsRefused

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SUFFIX", "read_esrgan"]

SUFFIX = ".bin"
_HALF_PRECISION = b"\x47\x6b\x30\x01"
"""0x01306B47, little-endian: weights of 16 bits follow (ncnn, src/modelbin.cpp)."""


def read_esrgan(path: Path) -> dict[str, Tensor]:
    """Return the state dict of ESRGAN with 64 filters, 23 blocks and scale 4, float32.

    Raises
    ------
    WeightsRefused
        The file is not that network's: another length, tag, or number that is not finite.
    """
    import torch
    from spandrel.architectures.ESRGAN import ESRGAN

    with torch.device("meta"):
        network = ESRGAN(num_filters=64, num_blocks=23, scale=4)
    data, start = path.read_bytes(), 0
    state: dict[str, Tensor] = {}
    for name, module in network.named_modules():
        if not isinstance(module, torch.nn.Conv2d) or module.bias is None:
            continue
        count, biases = module.weight.numel(), module.bias.numel()
        weights_at, biases_at = start + 4, start + 4 + (2 * count + 3) // 4 * 4
        end = biases_at + 4 * biases
        if end > len(data) or data[start:weights_at] != _HALF_PRECISION:
            raise _refused(path)
        weight = np.frombuffer(data, "<f2", count, weights_at).astype(np.float32)
        bias = np.frombuffer(data, "<f4", biases, biases_at).astype(np.float32)
        if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
            raise _refused(path)
        state[f"{name}.weight"] = torch.from_numpy(weight.reshape(module.weight.shape))
        state[f"{name}.bias"] = torch.from_numpy(bias)
        start = end
    if start != len(data):
        raise _refused(path)
    return state


def _refused(path: Path) -> WeightsRefused:
    return WeightsRefused(
        f"{path} is not Real-ESRGAN's x4plus network as ncnn stores it: "
        "run `zoo fetch realesrgan-x4plus`"
    )

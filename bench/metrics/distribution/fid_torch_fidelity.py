"""The Fréchet Inception distance as torch-fidelity computes it, which PMRF's scripts call.

Another resize than pytorch-fid's and clean-fid's, hence a column of its own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.metrics.distribution.fid import FID, Fid
from bench.metrics.distribution.inception_judge import load_inception
from bench.metrics.metric import Measurement, Sample

__all__ = [
    "FID_TORCH_FIDELITY",
    "FidTorchFidelity",
    "load_fid_torch_fidelity",
    "resize_tensorflow",
]

FID_TORCH_FIDELITY = replace(
    FID,
    name="fid_torch_fidelity",
    signature="fid|inception-2015-12-05|torch-fidelity|tf1-bilinear299|pool3-2048",
    source="Heusel et al. 2017 (arXiv 1706.08500), inception-v3-compat of torch-fidelity",
    feature="inception-pool3-tf1",
)


class FidTorchFidelity(Fid):
    """`bench.metrics.distribution.fid.Fid` behind TensorFlow 1's bilinear resize.

    The resized levels, not rounded, are taken off 128 and divided by 128 (torch-fidelity
    ``feature_extractor_inceptionv3.py``).
    """

    __slots__ = ()

    def describe(self, sample: Sample) -> NDArray[np.float64] | Measurement:
        """Return the ``(2048,)`` features of a uint8 HWC RGB image of any size."""
        return sample.feature(self.feature, self._described)

    def _described(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        import torch

        from bench.metrics.distribution.inception import INPUT_SIZE

        pixels = torch.from_numpy(resize_tensorflow(image, INPUT_SIZE)).permute(2, 0, 1)[None]
        with torch.inference_mode():
            return np.asarray(self._network.pool3((pixels - 128) / 128)[0].double().numpy())


def resize_tensorflow(image: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """Return ``(side, side, 3)`` float32 levels as TensorFlow 1's ``resize_bilinear`` has them.

    Pixel k of the result stands at ``k * size / side`` of the image, with no half pixel added,
    and is the mean of the four neighbours there, however much the image shrinks
    (tensorflow/core/kernels/image_resizer_state.h and resize_bilinear_op.cc, v1).
    """
    levels = image.astype(np.float32)
    for axis in (1, 0):
        size = image.shape[axis]
        places = np.arange(side, dtype=np.float32) * np.float32(size / side)
        low = places.astype(np.intp)
        high = np.minimum(low + 1, size - 1)
        shape = [-1 if each == axis else 1 for each in range(3)]
        weight = (places - low.astype(np.float32)).reshape(shape)
        first, second = levels.take(low, axis), levels.take(high, axis)
        levels = first + (second - first) * weight
    return levels


def load_fid_torch_fidelity() -> FidTorchFidelity:
    """Return ``fid_torch_fidelity``; WeightsMissing when its network is not here."""
    return FidTorchFidelity(FID_TORCH_FIDELITY, load_inception())

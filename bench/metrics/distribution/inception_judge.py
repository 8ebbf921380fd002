"""FID-Inception as the judge of sets: one pass an image and resize, shared by FID and KID.

Two resizes to the network's 299 pixels are in use, and they give other values: pytorch-fid's,
from which the BasicSR family of face papers descends, and clean-fid's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.metrics.described import Described
from bench.metrics.metric import Measurement, MetricEntry, Sample

if TYPE_CHECKING:
    from bench.metrics.distribution.inception import FidInception

__all__ = [
    "CLEAN",
    "JUDGE",
    "LEGACY",
    "PACKAGES",
    "WEIGHTS",
    "InceptionSetMetric",
    "load_inception",
    "resize_clean",
]

JUDGE = "inception-v3"
PACKAGES = ("torch", "torchvision", "safetensors")
WEIGHTS = "fid-inception"
LEGACY = "inception-pool3"
CLEAN = "inception-pool3-clean"
"""The vectors behind the distances between sets, by how the image was resized."""


class InceptionSetMetric(Described):
    """The half of a distance between sets that describes one image.

    Parameters
    ----------
    entry
        The facts; ``feature`` is `LEGACY` or `CLEAN` and says how the image is resized.
    network
        `FidInception` with its weights.
    """

    __slots__ = ("_network",)

    def __init__(self, entry: MetricEntry, network: FidInception) -> None:
        super().__init__(entry)
        self._network = network

    def describe(self, sample: Sample) -> NDArray[np.float64] | Measurement:
        """Return the ``(2048,)`` features of a uint8 HWC RGB image of any size."""
        return sample.feature(self.feature, self._clean if self.feature == CLEAN else self._legacy)

    def _legacy(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        import torch

        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
        with torch.inference_mode():
            return np.asarray(self._network(pixels.float() / 255)[0].double().numpy())

    def _clean(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        import torch

        pixels = torch.from_numpy(resize_clean(image)).permute(2, 0, 1)[None]
        with torch.inference_mode():
            # clean-fid's network takes 128 for the middle of the levels, pytorch-fid's 127.5.
            return np.asarray(self._network.pool3((pixels - 128) / 128)[0].double().numpy())


def resize_clean(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return ``(299, 299, 3)`` float32 levels 0-255, as clean-fid resizes.

    Each channel by Pillow's antialiasing bicubic filter in float, cut to 0-255, not rounded
    (Parmar et al. 2022, arXiv 2104.11222; GaParmar/clean-fid, cleanfid/resize.py).
    """
    from PIL import Image

    from bench.metrics.distribution.inception import INPUT_SIZE

    size = INPUT_SIZE, INPUT_SIZE
    planes = [
        Image.fromarray(np.ascontiguousarray(image[:, :, channel], np.float32)).resize(
            size, Image.Resampling.BICUBIC
        )
        for channel in range(3)
    ]
    return np.stack([np.asarray(plane, np.float32) for plane in planes], axis=2).clip(0, 255)


def load_inception() -> FidInception:
    """Return the network with its weights; WeightsMissing when they are not here."""
    from bench.metrics.distribution.inception import FidInception
    from zoo.weights.files import known_weights, load_state_dict, locate

    return FidInception(load_state_dict(locate(known_weights(WEIGHTS), offline=True)))

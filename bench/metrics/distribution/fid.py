"""FID and KID: Fréchet and kernel distance on Inception's features, by the resize that each uses.

``fid`` is pytorch-fid's protocol ("legacy" in clean-fid and pyiqa), from which the BasicSR family
of face papers descends; ``fid_clean`` and ``fid_torch_fidelity`` resize otherwise and give other
values. KID is over all pairs of images: libraries draw subsets, most of them unseeded, and refuse
or shrink sets of fewer than 1000; their mean estimates what is computed here at once. Papers often
print it times 1000.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.metrics.distribution.distances import (
    FRECHET_PEER,
    KERNEL_PEER,
    SetDistanceMetric,
)
from bench.metrics.entry import MetricEntry, Peer
from bench.metrics.metric import Measurement, Sample

if TYPE_CHECKING:
    from bench.metrics.networks.inception import FidInception

LEGACY = "inception-pool3"
CLEAN = "inception-pool3-clean"
TORCH_FIDELITY = "inception-pool3-tf1"
"""The vectors behind the distances between sets, by how the image was resized."""

_WEIGHTS = "fid-inception"
_FID = "Heusel et al. 2017 (arXiv 1706.08500)"
_KID = "Binkowski et al. 2018 (arXiv 1801.01401), unbiased MMD² of Gretton et al. 2012"
_KERNEL = "pool3-2048|poly3-gamma1/d-coef1|unbiased|all-pairs-of-photographs"


def _entry(
    name: str,
    signature: str,
    source: str,
    feature: str,
    *,
    protocols: Mapping[str, str] = MappingProxyType({}),
    peers: tuple[Peer, ...] = (),
) -> MetricEntry:
    is_kernel = name.startswith("kid")
    return MetricEntry(
        name,
        "set",
        "lower",
        "",
        signature,
        source,
        "bench.metrics.distribution.fid:load_inception_distance",
        judge="inception-v3",
        packages=("torch", "torchvision", "safetensors"),
        weights=_WEIGHTS,
        feature=feature,
        distance="kernel" if is_kernel else "frechet",
        protocols=protocols,
        equal=None if is_kernel else (0.0, 1e-4),
        peers=peers,
    )


ENTRIES = (
    _entry(
        "fid",
        "fid|inception-2015-12-05|pytorch-fid-legacy|bilinear299|pool3-2048",
        f"{_FID}, protocol and weights of pytorch-fid 0.3.0",
        LEGACY,
        protocols=dict.fromkeys(("strict", "basicsr", "vqfr", "restoreformer"), "fid"),
        peers=(FRECHET_PEER,),
    ),
    _entry(
        "fid_clean",
        "fid|inception-2015-12-05|clean|pil-bicubic299|pool3-2048",
        f"{_FID}, protocol of clean-fid (arXiv 2104.11222), weights of pytorch-fid",
        CLEAN,
        protocols={"pyiqa": "fid"},
        peers=(FRECHET_PEER,),
    ),
    _entry(  # as torch-fidelity computes it, which PMRF's scripts call
        "fid_torch_fidelity",
        "fid|inception-2015-12-05|torch-fidelity|tf1-bilinear299|pool3-2048",
        f"{_FID}, inception-v3-compat of torch-fidelity",
        TORCH_FIDELITY,
        protocols={"pmrf": "fid"},
    ),
    _entry(
        "kid",
        f"kid|inception-2015-12-05|pytorch-fid-legacy|bilinear299|{_KERNEL}",
        f"{_KID}; features as for fid",
        LEGACY,
        protocols={"strict": "kid"},
        peers=(KERNEL_PEER,),
    ),
    _entry(
        "kid_clean",
        f"kid|inception-2015-12-05|clean|pil-bicubic299|{_KERNEL}",
        f"{_KID}; features as for fid_clean",
        CLEAN,
        peers=(KERNEL_PEER,),
    ),
)


class InceptionDistance(SetDistanceMetric):
    """Fréchet or kernel distance of Inception's pool3 features, of 2048 dimensions.

    The entry's ``feature`` is `LEGACY`, `CLEAN` or `TORCH_FIDELITY`.
    """

    __slots__ = ("_network",)

    def __init__(self, entry: MetricEntry, network: FidInception) -> None:
        super().__init__(entry)
        self._network = network

    def describe(self, sample: Sample) -> NDArray[np.float64] | Measurement:
        """Return the ``(2048,)`` features of a uint8 HWC RGB image of any size."""
        return sample.feature(self.feature, self._pool3)

    def _pool3(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        import torch

        from bench.metrics.networks.inception import INPUT_SIZE

        resize = {CLEAN: resize_clean, TORCH_FIDELITY: resize_tensorflow}.get(self.feature)
        levels = np.ascontiguousarray(image) if resize is None else resize(image, INPUT_SIZE)
        pixels = torch.from_numpy(levels).permute(2, 0, 1)[None]
        with torch.inference_mode():
            if resize is None:
                pool3 = self._network(pixels.float() / 255)
            else:
                # Their networks take 128 for the middle of the levels, pytorch-fid's 127.5
                # (torch-fidelity, feature_extractor_inceptionv3.py).
                pool3 = self._network.pool3((pixels - 128) / 128)
            return np.asarray(pool3[0].double().numpy())


def load_inception_distance(entry: MetricEntry) -> InceptionDistance:
    """Return one of `ENTRIES`; WeightsMissing when its network is not here."""
    return InceptionDistance(entry, load_inception())


def load_inception() -> FidInception:
    """Return the network with its weights; WeightsMissing when they are not here."""
    from bench.metrics.networks.inception import FidInception
    from zoo.weights.files import known_weights, load_state_dict, locate

    return FidInception(load_state_dict(locate(known_weights(_WEIGHTS), offline=True)))


def resize_clean(image: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """Return ``(side, side, 3)`` float32 levels 0-255, as clean-fid resizes.

    Each channel by Pillow's antialiasing bicubic filter in float, cut to 0-255, not rounded
    (Parmar et al. 2022, arXiv 2104.11222; GaParmar/clean-fid, cleanfid/resize.py).
    """
    from PIL import Image

    planes = [
        Image.fromarray(np.ascontiguousarray(image[:, :, channel], np.float32)).resize(
            (side, side), Image.Resampling.BICUBIC
        )
        for channel in range(3)
    ]
    return np.stack([np.asarray(plane, np.float32) for plane in planes], axis=2).clip(0, 255)


def resize_tensorflow(image: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """Return ``(side, side, 3)`` float32 levels as TensorFlow 1's ``resize_bilinear`` has them.

    Pixel k of the result stands at ``k * size / side`` of the image, with no half pixel added,
    and is the mean of the four neighbours there, however much the image shrinks
    (tensorflow/core/kernels/image_resizer_state.h and resize_bilinear_op.cc, v1). It is not
    rounded.
    """
    levels = image.astype(np.float32)
    for axis in (1, 0):
        size = image.shape[axis]
        positions = np.arange(side, dtype=np.float32) * np.float32(size / side)
        low = positions.astype(np.intp)
        high = np.minimum(low + 1, size - 1)
        shape = [-1 if each == axis else 1 for each in range(3)]
        weight = (positions - low.astype(np.float32)).reshape(shape)
        first, second = levels.take(low, axis), levels.take(high, axis)
        levels = first + (second - first) * weight
    return levels

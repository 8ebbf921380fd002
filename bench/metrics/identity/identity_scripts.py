"""Identity as two published scripts measure it: one grey network, two ways to feed it.

``metric_paper/calculate_cos_dist.py`` of TencentARC/VQFR (which GFPGAN points to and PMRF took
over), and ``scripts/metrics/cal_identity_distance.py`` of wzhouxiff/RestoreFormer. Neither aligns
the face nor looks for one: the whole image goes in.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import MetricEntry, Status
from bench.metrics.identity.identity_dlib import cosine, degrees
from bench.metrics.metric import Measurement, RegisteredMetric, Sample, refuse_sizes

if TYPE_CHECKING:
    from torch import Tensor

LEAST_DEGREES = 1.0
"""Pairs below this are "almost identical to original" and left out of VQFR's mean."""

_FILE = "arcface_resnet18.pth"
_SIDE = 128
_LUMA = (0.2989, 0.5870, 0.1140)
"""RestoreFormer's ``gray_resize_for_identity``: meant for R, G, B, given B, G, R."""

_PNG_WEIGHTS = (9797, 19234, 3737)
"""Of red, green and blue, over 32768: OpenCV asks libpng for .299 and .587 (grfmt_png.cpp), which
are cut to 15 bits (pngrtran.c, ``png_set_rgb_to_gray_fixed``)."""


def _entry(name: str, unit: str, protocol: str, source: str, **facts: Any) -> MetricEntry:
    return MetricEntry(
        name,
        "pair",
        "lower",
        unit,
        f"identity|arcface-resnet18|{protocol}|whole-image",
        source,
        "bench.metrics.identity.identity_scripts:load_script_identity",
        judge="arcface-resnet18",
        packages=("torch",),
        file=_FILE,
        error="value",
        **facts,
    )


ENTRIES = (
    _entry(
        "identity_vqfr",
        "°",
        "degrees|png-grey128-u8|below1-left-out",
        "VQFR metric_paper/calculate_cos_dist.py, the Deg. of GFPGAN, VQFR and PMRF",
        protocols={"vqfr": "identity", "pmrf": "identity"},
    ),
    _entry(
        "identity_restoreformer",
        "rad",
        "radians|bgr-luma|unit-range|grey128",
        "RestoreFormer scripts/metrics/cal_identity_distance.py, its IDD",
        protocols={"restoreformer": "identity"},
        equal=(0.0, 1e-3),
    ),
)


class ScriptIdentity(RegisteredMetric):
    """The angle between a network's descriptors of two whole images.

    ``grey`` turns uint8 HWC RGB into ``(128, 128)`` float32, ``network`` takes
    ``(n, 1, 128, 128)``, ``of_cosine`` turns a cosine into the script's value.
    """

    __slots__ = ("_grey", "_network", "_of_cosine")

    def __init__(
        self,
        entry: MetricEntry,
        network: Callable[[Tensor], Tensor],
        grey: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
        of_cosine: Callable[[float], Measurement],
    ) -> None:
        super().__init__(entry)
        self._network, self._grey, self._of_cosine = network, grey, of_cosine

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Compare two uint8 HWC RGB images of equal size."""
        refused = refuse_sizes(restored, hq)
        if refused:
            return refused
        described = (each.feature(self.signature, self._describe) for each in (restored, hq))
        return self._of_cosine(cosine(*described))

    def _describe(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        import torch

        with torch.inference_mode():
            described = self._network(torch.from_numpy(self._grey(image))[None, None])
        return np.asarray(described[0].double().numpy())


def grey_vqfr(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return ``(128, 128)`` in [-1, 1]: uint8 luma, resized bilinearly without antialiasing.

    The script lets OpenCV decode PNG to grey, which libpng does, rounding down
    (`_PNG_WEIGHTS`): half a level darker than OpenCV converts, which moves an angle by up to 1 %.
    """
    import cv2

    red, green, blue = (image[..., channel].astype(np.int32) for channel in range(3))
    weighted = _PNG_WEIGHTS[0] * red + _PNG_WEIGHTS[1] * green + _PNG_WEIGHTS[2] * blue
    luma = (weighted >> 15).astype(np.uint8)
    small = cv2.resize(luma, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR)
    return np.asarray((small.astype(np.float32) - 127.5) / 127.5)


def degrees_from_one(value: float) -> Measurement:
    """Return the angle of a cosine in degrees, and no value below `LEAST_DEGREES`."""
    angle = degrees(value)
    if angle < LEAST_DEGREES:
        text = f"{angle:.4f}° is below {LEAST_DEGREES:g}°: the script leaves the pair out"
        return Measurement(None, Status.LEFT_OUT, text)
    return Measurement(angle)


def grey_restoreformer(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return ``(128, 128)`` in [0, 1]: luma with red and blue exchanged, resized bilinearly.

    The network was trained on [-1, 1] and never saw such luma.
    """
    import torch

    levels = torch.from_numpy(np.ascontiguousarray(image[..., ::-1])).float() / 255
    luma = (levels * torch.tensor(_LUMA)).sum(dim=2)[None, None]
    small = torch.nn.functional.interpolate(
        luma, (_SIDE, _SIDE), mode="bilinear", align_corners=False
    )
    return np.asarray(small[0, 0].numpy())


def radians(value: float) -> Measurement:
    """Return the angle of a cosine in radians; nothing is left out."""
    return Measurement(math.acos(value))


def load_script_identity(entry: MetricEntry) -> ScriptIdentity:
    """Return one of `ENTRIES`; WeightsMissing when its network is not here."""
    from zoo.networks.faces.arcface_gray import load_gray
    from zoo.weights.files import own_file

    network = load_gray(own_file(entry.file))
    if entry.unit == "°":
        return ScriptIdentity(entry, network, grey_vqfr, degrees_from_one)
    return ScriptIdentity(entry, network, grey_restoreformer, radians)

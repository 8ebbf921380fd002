"""LPIPS as RestoreFormer's script feeds it: OpenCV's BGR order, once in [-1, 1], once in [0, 1].

``scripts/metrics/cal_psnr_ssim.py`` of wzhouxiff/RestoreFormer prints both. The network there is
the repository's VGG-16, or pip's ``lpips`` with AlexNet where that is installed, as the folder of
the former comes last in ``sys.path``; here it is VGG-16.
"""

from __future__ import annotations

from dataclasses import replace

from bench.metrics.metric import MetricEntry
from bench.metrics.perceptual.lpips import LPIPS_VGG, Lpips, build_network

__all__ = [
    "LPIPS_BGR",
    "LPIPS_BGR_UNIT",
    "load_lpips_bgr",
    "load_lpips_bgr_unit",
]

_SOURCE = "RestoreFormer scripts/metrics/cal_psnr_ssim.py, BGR"

LPIPS_BGR = replace(
    LPIPS_VGG,
    name="lpips_restoreformer",
    signature="lpips|vgg|v0.1|bgr|native-size",
    source=f"{_SOURCE}, scaled to [-1, 1]: its norm_lpips",
)
LPIPS_BGR_UNIT = replace(
    LPIPS_VGG,
    name="lpips_restoreformer_unit",
    signature="lpips|vgg|v0.1|bgr|unit-range|native-size",
    source=f"{_SOURCE}, left in [0, 1]: its lpips; the network sees half the contrast",
)


def load_lpips_bgr() -> Lpips:
    """Return ``lpips_restoreformer``; WeightsMissing when VGG-16 is not here."""
    return _load(LPIPS_BGR, unit=False)


def load_lpips_bgr_unit() -> Lpips:
    """Return ``lpips_restoreformer_unit``; WeightsMissing when VGG-16 is not here."""
    return _load(LPIPS_BGR_UNIT, unit=True)


def _load(entry: MetricEntry, *, unit: bool) -> Lpips:
    from zoo.weights.files import known_weights, load_state_dict, locate

    path = locate(known_weights(entry.weights), offline=True)
    return Lpips(entry, build_network(load_state_dict(path), "vgg"), bgr=True, unit=unit)

"""What each metric says of a picture and itself: known without any implementation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from bench.metrics.metric import PairMetric, Sample, SetMetric
from bench.metrics.registry import describe_metrics, load_metric
from bench.validate.cases import photograph
from bench.validate.check import Check, check_pair, check_value, skipped

__all__ = ["EQUAL", "known_answers"]

_EXACT, _FLOAT32 = 1e-12, 1e-6

EQUAL: Mapping[str, tuple[float, float]] = {
    "psnr": (math.inf, 0.0), "psnr_eps": (80.0, 1e-9), "psnr_crop4": (math.inf, 0.0),
    "psnr_y": (math.inf, 0.0), "psnr_y_eps": (80.0, 1e-9), "psnr_y_rounded": (math.inf, 0.0),
    "psnr_y_limited": (math.inf, 0.0),
    "ssim": (1.0, _EXACT), "ssim_rgb_clamped": (1.0, _EXACT), "ssim_y": (1.0, _EXACT),
    "ssim_y_rounded_clamped": (1.0, _EXACT), "ssim_y_limited": (1.0, _EXACT),
    "ssim_vqfr": (1.0, _EXACT), "ssim_piq": (1.0, _EXACT),
    "ms_ssim": (1.0, _EXACT), "ms_ssim_y_rounded_clamped": (1.0, _EXACT),
    "ms_ssim_torchmetrics": (1.0, _EXACT),
    "perceptual_efficientnet": (0.0, _FLOAT32),
    "perceptual_mobilenet": (0.0, _FLOAT32),
    "lpips": (0.0, _FLOAT32), "lpips_vgg": (0.0, _FLOAT32), "dists": (0.0, _FLOAT32),
    "lpips_restoreformer": (0.0, _FLOAT32), "lpips_restoreformer_unit": (0.0, _FLOAT32),
    "identity_dlib": (1.0, _FLOAT32), "identity_dlib_strict": (1.0, _FLOAT32),
    "identity_dlib_degrees": (0.0, 0.1), "identity_arcface_small": (1.0, _FLOAT32),
    "identity_restoreformer": (0.0, 1e-3), "face_found": (1.0, 0.0),
    "landmark_distance": (0.0, _EXACT),
    "fd_efficientnet": (0.0, 1e-4), "fd_mobilenet": (0.0, 1e-4), "fid": (0.0, 1e-4),
    "fid_clean": (0.0, 1e-4), "fid_torch_fidelity": (0.0, 1e-4),
}  # fmt: skip
"""Column to its value for a picture and itself, or a set and itself, and the tolerance: angles
near 0 are the arccosine of numbers near 1, where float32 is good to about .03°."""


def known_answers(load: Callable[[str], PairMetric]) -> Iterator[Check]:
    """Yield every check of this kind; a column that cannot run here is a skipped one.

    Parameters
    ----------
    load
        Returns a pair metric by name.
    """
    face = photograph("astronaut.png", 0, 96, 256, 256)
    available = {entry.name: entry for entry in describe_metrics()}
    for column, (expected, tolerance) in EQUAL.items():
        entry = available[column]
        if not entry.available:
            yield skipped("known answer", column, "equal", entry.status, entry.detail)
        elif entry.kind == "pair":
            pair = Sample(face), Sample(face.copy())
            source = "a picture and itself"
            yield check_pair(
                "known answer", load(column), "equal", pair, expected, tolerance, source
            )
        else:
            yield _set_and_itself(column, expected, tolerance)


def _set_and_itself(column: str, expected: float, tolerance: float) -> Check:
    metric = load_metric(column)
    assert isinstance(metric, SetMetric)
    tiles = [photograph("astronaut.png", 64 * place, 96, 128, 128) for place in range(3)]
    vectors = np.stack([np.asarray(metric.describe(Sample(tile))) for tile in tiles])
    found = metric.compare(vectors, vectors.copy())
    return check_value(
        "known answer", column, "equal sets", found, expected, tolerance, "a set and itself"
    )

"""Pictures whose scores follow from the definition by a line of arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from bench.metrics.distribution.distances import frechet_distance, kernel_distance
from bench.metrics.identity.identity_dlib import degrees
from bench.metrics.metric import PairMetric, Sample, SetMetric
from bench.metrics.registry import describe_metrics, load_metric
from bench.validate.check import CalibrationCheck, check_pair, check_value, skipped
from bench.validate.shipped import sample_crop

_EXACT = 1e-9
_C1 = (0.01 * 255) ** 2
"""Wang et al. 2004, eq. 13."""
_LIMITED = 219 / 255
"""Levels of limited-range luma for one of full range."""

_Case = tuple[str, str, tuple[Sample, Sample], float, str]


def closed_forms(load: Callable[[str], PairMetric]) -> Iterator[CalibrationCheck]:
    """Yield every check of this kind; ``load`` returns a pair metric by name."""
    for column, case, pair, expected, formula in (*_psnr(), *_ssim()):
        yield check_pair("closed form", load(column), case, pair, expected, _EXACT, formula)
    yield from _sets()
    value = degrees(0.5)
    yield check_value(
        "closed form", "identity_dlib_degrees", "cosine 0.5", value, 60.0, _EXACT, "arccos 0.5"
    )


def _psnr() -> Iterator[_Case]:
    hq, brighter = _flat(100), _flat(105)
    five = 20 * math.log10(255 / 5)
    yield "psnr", "5 levels brighter", (brighter, hq), five, "20 log10(255 / 5)"
    yield "psnr", "equal", (hq, hq), math.inf, "no error"
    yield "psnr_eps", "equal", (hq, hq), 80.0, "-10 log10(1e-8)"
    expected = -10 * math.log10((5 / 255) ** 2 + 1e-8)
    yield "psnr_eps", "5 levels brighter", (brighter, hq), expected, "-10 log10((5/255)² + 1e-8)"
    framed = _flat(100).image.copy()
    framed[:4] += 50
    yield "psnr_crop4", "wrong in 4 rows", (Sample(framed), hq), math.inf, "the rows are cropped"
    expected = 20 * math.log10(255 / 50 / math.sqrt(4 / 192))
    yield "psnr", "wrong in 4 rows", (Sample(framed), hq), expected, "4 of 192 rows are 50 off"
    red = _flat(100).image.copy()
    red[..., 0] += 10
    pair = Sample(red), hq
    yield "psnr", "red + 10", pair, 20 * math.log10(255 * math.sqrt(3) / 10), "a third of 10²"
    yield "psnr_y", "red + 10", pair, 20 * math.log10(255 / 2.99), "luma + .299 · 10"
    expected = -10 * math.log10((2.99 / 255) ** 2 + 1e-8)
    yield "psnr_y_eps", "red + 10", pair, expected, "luma + .299 · 10, + 1e-8"
    yield "psnr_y_rounded", "red + 10", pair, 20 * math.log10(255 / 3), "102.99 rounds to 103"
    expected = 20 * math.log10(255 / (10 * 65.481 / 255))
    yield "psnr_y_limited", "red + 10", pair, expected, "luma + 65.481 / 255 · 10"
    halved = Sample(_stripes(0, 64)), Sample(_stripes(0, 128))
    yield "psnr_vqfr", "half the contrast", halved, math.inf, "mean and deviation are given back"
    yield "psnr", "half the contrast", halved, 20 * math.log10(255 / math.sqrt(2048)), "64² / 2"


def _ssim() -> Iterator[_Case]:
    grey = _flat(120), _flat(100)
    full, limited = _luminance(120, 100), _luminance(*(16 + _LIMITED * x for x in (120, 100)))
    formula = "(2ab + c1) / (a² + b² + c1)"
    for column in ("ssim", "ssim_rgb_clamped", "ssim_y", "ssim_y_rounded_clamped", "ssim_piq"):
        yield column, "two greys", grey, full, formula
    yield "ssim_y_limited", "two greys", grey, limited, f"{formula}, 16-235"
    for column in ("ms_ssim", "ms_ssim_y_rounded_clamped", "ms_ssim_torchmetrics"):
        yield column, "two greys", grey, full**0.1333, f"({formula}) ^ .1333"
    halved = Sample(_stripes(0, 64)), Sample(_stripes(0, 128))
    yield "ssim_vqfr", "half the contrast", halved, 1.0, "mean and deviation are given back"
    board = np.indices((512, 512)).sum(axis=0) % 2
    hq = np.repeat((100 + 40 * board).astype(np.uint8)[..., None], 3, axis=2)
    inverse = Sample(np.asarray(240 - hq, np.uint8)), Sample(hq)
    yield "ssim_rgb_clamped", "inverted board", inverse, 0.0, "negative structure is cut off"
    yield "ssim_piq", "inverted board", inverse, 1.0, "2 × 2 means are equal"


def _sets() -> Iterator[CalibrationCheck]:
    rows = np.array([[1.0, 2.0], [-1.0, 0.0], [3.0, -2.0], [-3.0, 0.0]])
    moved = frechet_distance(rows + np.array([3.0, 4.0]), rows)
    yield check_value("closed form", "fid", "a set moved by (3, 4)", moved, 25, _EXACT, "|shift|²")
    wider = frechet_distance(2 * rows, rows)
    spread = float(np.trace(np.cov(rows, rowvar=False)))
    formula = "tr(S + 4S - 4S), centred"
    yield check_value("closed form", "fid", "a set twice as wide", wider, spread, _EXACT, formula)
    apart = kernel_distance(np.ones((2, 1)), np.zeros((2, 1)))
    yield check_value("closed form", "kid", "ones against zeros", apart, 7, _EXACT, "2³ + 1 - 2")


def _luminance(a: float, b: float) -> float:
    return (2 * a * b + _C1) / (a * a + b * b + _C1)


def _flat(level: int) -> Sample:
    return Sample(np.full((192, 192, 3), level, np.uint8))


def _stripes(low: int, high: int) -> NDArray[np.uint8]:
    """Return two levels in turn, as often the one as the other, in columns."""
    image = np.full((192, 192, 3), low, np.uint8)
    image[:, ::2] = high
    return image


def known_answers(load: Callable[[str], PairMetric]) -> Iterator[CalibrationCheck]:
    """Yield a check of each metric that knows its value for an image and itself, skipped or not."""
    face = sample_crop("astronaut.png", 0, 96, 256, 256)
    for entry in describe_metrics():
        if entry.equal is None:
            continue
        if not entry.available:
            yield skipped("known answer", entry.name, "equal", entry.status, entry.detail)
        elif entry.kind == "pair":
            pair, source = (Sample(face), Sample(face.copy())), "an image and itself"
            metric = load(entry.name)
            yield check_pair("known answer", metric, "equal", pair, *entry.equal, source)
        else:
            yield _set_and_itself(entry.name, *entry.equal)


def _set_and_itself(column: str, expected: float, tolerance: float) -> CalibrationCheck:
    metric = load_metric(column)
    assert isinstance(metric, SetMetric)
    tiles = [sample_crop("astronaut.png", 64 * index, 96, 128, 128) for index in range(3)]
    vectors = np.stack([np.asarray(metric.describe(Sample(tile))) for tile in tiles])
    measured = metric.compare(vectors, vectors.copy())
    return check_value(
        "known answer", column, "equal sets", measured, expected, tolerance, "a set and itself"
    )

"""Time scoring against pyiqa's metrics called in a loop, and what the harness itself costs.

Scoring: both images of a pair are read and PSNR and SSIM computed, by ours with each image decoded
once and by pyiqa as its documentation calls a metric, with two paths. Pair by pair in turn, CPU
time of one thread. The values of both sides are checked to be equal. The files are in the page
cache, so no disk is measured.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.metrics.metric import PairMetric
from bench.metrics.registry import load_metric
from bench.report.tables import aligned
from bench.runner.measure import Samples
from bench.speed.harness import HarnessLine, measure_harness
from bench.speed.timing import Ratio, machine_text, met_text, one_core, thread_text
from degrade import apply, load_recipe, plan
from degrade.errors import DependencyError, UserError
from degrade.images import read_image, write_png
from degrade.random import Stream, StreamKey

__all__ = [
    "BAR",
    "CASES",
    "SHARE",
    "Scoring",
    "ScoringLine",
    "ScoringReport",
    "as_record",
    "as_text",
    "measure_scoring",
]

BAR = 3.0
"""pyiqa's time over ours, at least."""
SHARE = 0.10
"""The harness's own part of a run, at most."""
_AGREE = 2e-4
"""Relative: pyiqa computes the mean squared error in float32, its SSIM in float64."""
_SIDE, _SEED = 512, 7


@dataclass(frozen=True, slots=True)
class Scoring:
    """Metrics of ours and the same of pyiqa, by name."""

    name: str
    ours: tuple[str, ...]
    theirs: tuple[str, ...]


CASES = (
    Scoring("luma", ("psnr_eps", "ssim_y_rounded_clamped"), ("psnr", "ssim")),
    Scoring("rgb", ("psnr_eps", "ssim_rgb_clamped"), ("psnr", "ssimc")),
)
"""pyiqa's ``psnr`` and ``ssim`` as they are by default, and with SSIM on three channels."""


@dataclass(frozen=True, slots=True)
class ScoringLine:
    """One case: milliseconds a pair of both sides and pyiqa / ours, over the pairs."""

    case: Scoring
    ratio: Ratio

    @property
    def met(self) -> bool:
        """Whether the median of the ratios meets the bar."""
        return self.ratio.median >= BAR


@dataclass(frozen=True, slots=True)
class ScoringReport:
    """The whole table.

    Attributes
    ----------
    environment
        From `bench.store.environment`.
    core
        The one that was used, None where the system cannot bind a process.
    pairs
        Of each case and of the harness.
    lines
        One a case.
    harness
        With and without the cache.
    """

    environment: dict[str, Any]
    core: int | None
    pairs: int
    lines: tuple[ScoringLine, ...]
    harness: tuple[HarnessLine, ...]


def measure_scoring(
    cases: Sequence[str] = (),
    *,
    pairs: int = 40,
    tell: Callable[[str], None] = lambda line: None,
) -> ScoringReport:
    """Return the measured table.

    Parameters
    ----------
    cases
        Names of `CASES`, or ``harness``; all when empty.
    pairs
        512 × 512, crops of scikit-image's astronaut under the recipe gfpgan.
    tell
        Gets the name of every case that is done.

    Raises
    ------
    UserError
        No case has that name, pyiqa is not installed, or it gives another value.
    """
    from bench.store.environment import environment

    known = [case.name for case in CASES]
    unknown = sorted(set(cases) - {*known, "harness"})
    if unknown:
        raise UserError(f"there is no case {unknown[0]}: use {', '.join([*known, 'harness'])}")
    chosen = [case for case in CASES if not cases or case.name in cases]
    if chosen and importlib.util.find_spec("pyiqa") is None:
        raise DependencyError(
            "scoring is timed against pyiqa: run `pip install 'relume[pyiqa]'` (for noncommercial "
            "use only), or `--case harness`"
        )
    with tempfile.TemporaryDirectory(prefix="relume-speed-") as text, one_core() as core:
        columns_of = _write_pairs(Path(text), pairs)
        lines = []
        for case in chosen:
            lines.append(ScoringLine(case, _in_turn(case, columns_of)))
            tell(case.name)
        harness: tuple[HarnessLine, ...] = ()
        if not cases or "harness" in cases:
            harness = measure_harness(Path(text) / "hq", Path(text) / "runs")
            tell("harness")
    return ScoringReport(environment(), core, pairs, tuple(lines), harness)


def _write_pairs(folder: Path, count: int) -> list[tuple[Path, Path]]:
    """Write pairs as PNG and return ``(restored, hq)`` of each."""
    import cv2
    import skimage.data

    astronaut = skimage.data.astronaut()  # type: ignore[no-untyped-call]  # has no types
    large = cv2.resize(astronaut, (768, 768), interpolation=cv2.INTER_CUBIC)
    recipe, columns_of = load_recipe("gfpgan"), []
    for number in range(count):
        stream = Stream(StreamKey(_SEED, number, 0), 0)
        top, left = (stream.integer(0, large.shape[0] - _SIDE) for _ in range(2))
        hq = np.ascontiguousarray(large[top : top + _SIDE, left : left + _SIDE], dtype=np.uint8)
        name = f"{number:05d}.png"
        lq = apply(plan(recipe, seed=_SEED, image_id=name, size=hq.shape[:2]), hq)
        columns_of.append((folder / "lq" / name, folder / "hq" / name))
        for path, image in zip(columns_of[-1], (lq, hq), strict=True):
            write_png(path, image)
    return columns_of


def _in_turn(case: Scoring, columns_of: Sequence[tuple[Path, Path]]) -> Ratio:
    import torch

    metrics = [load_metric(name) for name in case.ours]
    peers = [_peer(name) for name in case.theirs]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    ours, theirs = [], []
    try:
        for number, (restored, hq) in enumerate([columns_of[0], *columns_of]):  # the first warms up
            start = time.process_time()
            own = _score(metrics, restored, hq)
            middle = time.process_time()
            other = [float(peer(str(restored), str(hq))) for peer in peers]
            end = time.process_time()
            _check_equal(case, own, other)
            if number:
                ours.append(middle - start)
                theirs.append(end - middle)
    finally:
        torch.set_num_threads(threads)
    return Ratio.of(ours, theirs)


def _score(metrics: Sequence[Any], restored: Path, hq: Path) -> list[float]:
    """Return the values of one pair as a run computes them: every image read once."""
    samples = Samples()
    first, second = samples.of(read_image(restored)), samples.of(read_image(hq))
    times: list[float] = []
    for metric in metrics:
        assert isinstance(metric, PairMetric)
        value = metric.measure(first, second).value
        assert value is not None
        times.append(value)
    return times


def _peer(name: str) -> Any:
    import pyiqa

    from bench.metrics.no_reference.pyiqa_metric import network_shut

    with network_shut():
        return pyiqa.create_metric(name, device="cpu")


def _check_equal(case: Scoring, ours: Sequence[float], theirs: Sequence[float]) -> None:
    for names, own, other in zip(
        zip(case.ours, case.theirs, strict=True), ours, theirs, strict=True
    ):
        if abs(own - other) > _AGREE * abs(other):
            raise UserError(
                f"{names[0]} is {own:.6f} and pyiqa's {names[1]} {other:.6f}: not the same "
                "metric, so their times are not compared; run `bench crosscheck`"
            )


_HEADINGS = ("metrics", "ours ms", "pyiqa ms", "ratio", "min-max", "bar", "met")
_HARNESS = ("run", "run ms", "loop ms", "harness", "bar", "met")


def as_text(report: ScoringReport) -> str:
    """Return aligned tables with the machine above."""
    pyiqa = report.environment["libraries"].get("pyiqa", "not installed")
    lines = [
        f"{machine_text(report.environment)}, pyiqa {pyiqa}",
        f"512 × 512 PNG; {thread_text(report.core)}; CPU time, medians, both sides in turn",
    ]
    if report.lines:
        rows = [
            (
                f"{' + '.join(line.case.theirs)} of pyiqa",
                f"{line.ratio.ours_ms:.1f}",
                f"{line.ratio.reference_ms:.1f}",
                f"{line.ratio.median:.1f}×",
                f"{line.ratio.low:.1f}-{line.ratio.high:.1f}",
                f"{BAR:g}×",
                met_text(line.met),
            )
            for line in report.lines
        ]
        lines += ["", f"scoring a pair, both images read; n = {report.pairs} pairs, equal values"]
        lines.append(aligned([_HEADINGS, *rows]))
    if report.harness:
        lines += [
            "",
            "a restored image in a run (read, degrade, restore, write, PSNR, SSIM) and in a loop "
            f"that does the same; n = {report.harness[0].images} restored images",
        ]
        lines.append(aligned([_HARNESS, *(_harness_cells(each) for each in report.harness)]))
    return "\n".join(lines)


def _harness_cells(line: Any) -> tuple[str, ...]:
    barred = line.name != "full cache"
    return (
        line.name,
        f"{line.run_ms:.1f}",
        f"{line.work_ms:.1f}",
        f"{line.share:.1%}" if line.share > 0 else "-",
        f"{SHARE:.0%}" if barred else "",
        met_text(line.share <= SHARE if barred else None),
    )


def as_record(report: ScoringReport) -> dict[str, Any]:
    """Return the report as JSON values; ``ratio`` is pyiqa / ours, ``share`` of the run."""
    return {
        "environment": report.environment,
        "core": report.core,
        "pairs": report.pairs,
        "bars": {"ratio": BAR, "share": SHARE},
        "lines": [{**asdict(line), "met": line.met} for line in report.lines],
        "harness": [{**asdict(each), "share": each.share} for each in report.harness],
    }

"""The table ``scoring``: ours against pyiqa's metrics in a loop, and the harness's own cost.

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

from bench.metrics.metric import PairMetric
from bench.metrics.registry import load_metric
from bench.runner.measure import Samples
from bench.speed.harness import HarnessLine, measure_harness
from bench.speed.images import SEED, astronaut_crops
from bench.speed.timing import Ratio, machine_text, met_text, one_core, thread_text
from degrade import apply, load_recipe, plan
from degrade.errors import DependencyError, UserError
from degrade.images import read_image, write_png
from degrade.terminal import columns

BAR = 3.0
"""pyiqa's time over ours, at least."""
SHARE = 0.10
"""The harness's own part of a run, at most."""
_AGREE = 2e-4
"""Relative: pyiqa computes the mean squared error in float32, its SSIM in float64."""
_HEADINGS = ("metrics", "ours ms", "pyiqa ms", "ratio", "min-max", "bar", "met")
_HARNESS = ("run", "run ms", "loop ms", "harness", "bar", "met")


@dataclass(frozen=True, slots=True)
class ScoringCase:
    """Metrics of ours and the same of pyiqa, by name."""

    name: str
    ours: tuple[str, ...]
    theirs: tuple[str, ...]


CASES = (
    ScoringCase("luma", ("psnr_eps", "ssim_y_rounded_clamped"), ("psnr", "ssim")),
    ScoringCase("rgb", ("psnr_eps", "ssim_rgb_clamped"), ("psnr", "ssimc")),
)
"""pyiqa's ``psnr`` and ``ssim`` as they are by default, and with SSIM on three channels."""


@dataclass(frozen=True, slots=True)
class ScoringLine:
    """One case: milliseconds a pair of both sides and pyiqa / ours, over the pairs."""

    case: ScoringCase
    ratio: Ratio

    @property
    def met(self) -> bool:
        """Whether the median of the ratios meets the bar."""
        return self.ratio.median >= BAR

    def cells(self) -> tuple[str, ...]:
        """Return the line of the table."""
        return (
            f"{' + '.join(self.case.theirs)} of pyiqa",
            f"{self.ratio.ours_ms:.1f}",
            f"{self.ratio.reference_ms:.1f}",
            f"{self.ratio.median:.1f}×",
            f"{self.ratio.low:.1f}-{self.ratio.high:.1f}",
            f"{BAR:g}×",
            met_text(self.met),
        )


@dataclass(frozen=True, slots=True)
class ScoringReport:
    """The table ``scoring``; ``pairs`` of each case and of the harness.

    ``core`` is None where the system cannot bind a process.
    """

    environment: dict[str, Any]
    core: int | None
    pairs: int
    lines: tuple[ScoringLine, ...]
    harness: tuple[HarnessLine, ...]

    def text(self) -> str:
        """Return aligned tables with the machine above."""
        pyiqa = self.environment["libraries"].get("pyiqa", "not installed")
        lines = [
            f"{machine_text(self.environment)}, pyiqa {pyiqa}",
            f"512 × 512 PNG; {thread_text(self.core)}; CPU time, medians, both sides in turn",
        ]
        if self.lines:
            lines += [
                "",
                f"scoring a pair, both images read; n = {self.pairs} pairs, equal values",
                *columns([_HEADINGS, *(line.cells() for line in self.lines)], left=(0,)),
            ]
        if self.harness:
            lines += [
                "",
                "a restored image in a run (read, degrade, restore, write, PSNR, SSIM) and in a "
                f"loop that does the same; n = {self.harness[0].images} restored images",
                *columns([_HARNESS, *map(_harness_cells, self.harness)], left=(0,)),
            ]
        return "\n".join(lines)

    def record(self) -> dict[str, Any]:
        """Return JSON values; ``ratio`` is pyiqa / ours, ``share`` of the run."""
        return {
            "environment": self.environment,
            "core": self.core,
            "pairs": self.pairs,
            "bars": {"ratio": BAR, "share": SHARE},
            "lines": [{**asdict(line), "met": line.met} for line in self.lines],
            "harness": [{**asdict(each), "share": each.share} for each in self.harness],
        }


def _harness_cells(line: HarnessLine) -> tuple[str, ...]:
    barred = line.name != "full cache"
    return (
        line.name,
        f"{line.run_ms:.1f}",
        f"{line.work_ms:.1f}",
        f"{line.share:.1%}" if line.share > 0 else "-",
        f"{SHARE:.0%}" if barred else "",
        met_text(line.share <= SHARE if barred else None),
    )


def measure_scoring(
    cases: Sequence[str] = (),
    *,
    pairs: int = 40,
    tell: Callable[[str], None] = lambda line: None,
) -> ScoringReport:
    """Measure the cases of these names, or ``harness``; all when empty.

    ``pairs`` are `astronaut_crops` under the recipe gfpgan. ``tell`` gets the name of every case
    that is done. UserError for an unknown name, without pyiqa, or where it gives another value.
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
        paths = _write_pairs(Path(text), pairs)
        lines = []
        for case in chosen:
            lines.append(ScoringLine(case, _in_turn(case, paths)))
            tell(case.name)
        harness: tuple[HarnessLine, ...] = ()
        if not cases or "harness" in cases:
            harness = measure_harness(Path(text) / "hq", Path(text) / "runs")
            tell("harness")
    return ScoringReport(environment(), core, pairs, tuple(lines), harness)


def _write_pairs(folder: Path, count: int) -> list[tuple[Path, Path]]:
    """Write pairs as PNG and return ``(restored, hq)`` of each."""
    recipe, paths = load_recipe("gfpgan"), []
    for number, hq in enumerate(astronaut_crops(count)):
        name = f"{number:05d}.png"
        lq = apply(plan(recipe, seed=SEED, image_id=name, size=hq.shape[:2]), hq)
        paths.append((folder / "lq" / name, folder / "hq" / name))
        for path, image in zip(paths[-1], (lq, hq), strict=True):
            write_png(path, image)
    return paths


def _in_turn(case: ScoringCase, paths: Sequence[tuple[Path, Path]]) -> Ratio:
    import torch

    metrics = [load_metric(name) for name in case.ours]
    peers = [_peer(name) for name in case.theirs]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    ours, theirs = [], []
    try:
        for number, (restored, hq) in enumerate([paths[0], *paths]):  # the first warms up
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
    values: list[float] = []
    for metric in metrics:
        assert isinstance(metric, PairMetric)
        value = metric.measure(first, second).value
        assert value is not None
        values.append(value)
    return values


def _peer(name: str) -> Any:
    import pyiqa

    from bench.metrics.no_reference.pyiqa_metric import network_shut

    with network_shut():
        return pyiqa.create_metric(name, device="cpu")


def _check_equal(case: ScoringCase, ours: Sequence[float], theirs: Sequence[float]) -> None:
    for names, own, other in zip(
        zip(case.ours, case.theirs, strict=True), ours, theirs, strict=True
    ):
        if abs(own - other) > _AGREE * abs(other):
            raise UserError(
                f"{names[0]} is {own:.6f} and pyiqa's {names[1]} {other:.6f}: not the same "
                "metric, so their times are not compared; run `bench crosscheck`"
            )

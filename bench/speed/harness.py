"""What the harness costs: a run of a suite against the same work written as a loop.

The loop opens the data set and the recipe, reads, degrades, restores, writes the restored image
and scores, and nothing else. What a run takes more is its own: the copy of HQ for the report,
rows, plans, digests, the record, the table, the cache.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from bench.metrics.metric import PairMetric, Sample
from bench.metrics.registry import load_metric
from bench.runner.restored_images import match_size
from bench.runner.run import execute
from bench.suite.conditions import open_conditions
from bench.suite.suite import Suite
from degrade.images import write_png
from zoo.registry.registry import load
from zoo.restorer import Restorer

_RESTORERS = ("input", "bicubic-sharpen", "nlmeans", "bilateral")
_METRICS = ("psnr", "ssim")
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class HarnessLine:
    """One way to run: median milliseconds of CPU time a restored image, of the run and the loop.

    ``no cache``, ``empty cache`` (everything is kept; of images that two restorers made equal, one
    is measured) or ``full cache`` (all is there). ``images`` are the restored images of a run.
    """

    name: str
    run_ms: float
    work_ms: float
    images: int

    @property
    def share(self) -> float:
        """The harness's part of the run; below 0 where the run skips work."""
        return 1 - self.work_ms / self.run_ms


def measure_harness(images: Path, runs: Path) -> tuple[HarnessLine, ...]:
    """Time runs on a folder of clean images, four restorers of the suite demo, PSNR and SSIM.

    Run and loop take turns, three of each kind of run; every image is used, under the recipe
    gfpgan. Runs are written to ``runs``.
    """
    suite = Suite("speed", (str(images),), ("gfpgan",), _RESTORERS, _METRICS)
    restorers = [load(name) for name in _RESTORERS]
    metrics = [load_metric(name) for name in _METRICS]
    pairs = [metric for metric in metrics if isinstance(metric, PairMetric)]
    ((condition,),) = open_conditions(suite)
    count = len(condition.addresses) * len(restorers)
    taken: dict[str, list[float]] = {}

    def timed(name: str, start: float) -> None:
        taken.setdefault(name, []).append((time.process_time() - start) / count * 1e3)

    for turn in range(-1, _ROUNDS):  # the first warms up
        cache = runs / f"cache{turn}"
        for name, folder in (("no cache", None), ("empty cache", cache), ("full cache", cache)):
            start = time.process_time()
            _loop(suite, restorers, pairs, runs / f"loop-{turn}")
            timed(f"loop beside {name}", start)
            start = time.process_time()
            out = runs / f"{name}{turn}".replace(" ", "-")
            execute(suite, open_conditions(suite), restorers, metrics, out, cache=folder)
            timed(name, start)
    medians = {name: statistics.median(times[1:]) for name, times in taken.items()}
    return tuple(
        HarnessLine(name, medians[name], medians[f"loop beside {name}"], count)
        for name in ("no cache", "empty cache", "full cache")
    )


def _loop(suite: Suite, restorers: list[Restorer], metrics: list[PairMetric], out: Path) -> None:
    ((condition,),) = open_conditions(suite)
    for index in range(len(condition.addresses)):
        pair = condition.pairs[index]
        hq = Sample(pair.hq)
        for restorer in restorers:
            (restored,) = restorer.restore([match_size(pair.lq, pair.hq.shape[:2])])
            write_png(out / restorer.card.name / f"{index}.png", restored)
            sample = Sample(restored)
            for metric in metrics:
                metric.measure(sample, hq)

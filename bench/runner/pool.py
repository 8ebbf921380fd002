"""The workers of a run: images handed to one worker here, or to several processes.

Nobody but this process writes the log, so rows never mix; no value depends on who computed it.
"""

from __future__ import annotations

import functools
import platform
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.metrics.registry import load_metric
from bench.runner.cache import Cache
from bench.runner.efficiency import facts_of_seconds
from bench.runner.results import ResultsLog
from bench.runner.worker import Worker
from bench.store.environment import environment
from bench.store.images import photographs
from bench.store.rows import RowBuffer, ScoreRow
from bench.suite.conditions import Condition, open_conditions
from bench.suite.suite import Suite
from degrade.errors import UserError
from degrade.executors import Engine, run_tasks
from degrade.executors.worker import describe_difference
from degrade.terminal import Progress
from zoo.registry.registry import load
from zoo.restorers.placement import HERE, Placement, require_device

_ONE_AT_A_TIME = threading.Lock()
"""A cluster's worker may have several threads; neither dlib's detector nor the memory that is
measured is made for two at once."""

_MOST_BATCHES = 8
"""Of a task: where no number of images fills batches, an eighth of the last one is wasted."""

Versions = tuple[tuple[int, ...], ...]
"""Of each original, the indices of its degraded versions."""


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """All that another process needs to open and load the same things.

    A worker with other libraries (that values depend on) or without the placement's device is
    refused. ``threads`` are torch's; None where nothing uses it.
    """

    suite: Suite
    out: str
    threads: int | None
    cache: str | None = None
    libraries: tuple[tuple[str, str], ...] = ()
    placement: Placement = HERE


@dataclass(frozen=True, slots=True)
class _PoolTask:
    """Images of one group, mostly one, and the rows that are known of them and of whole sets."""

    setup: WorkerSetup
    group: int
    versions: Versions
    rows: tuple[ScoreRow, ...]


class WorkerPool:
    """Scores the images of a run's groups of conditions, in this process or with others."""

    def __init__(
        self,
        worker: Worker,
        groups: Sequence[Sequence[Condition]],
        results: ResultsLog,
        setup: WorkerSetup,
        engine: Engine,
    ) -> None:
        self._worker, self._groups, self._results = worker, groups, results
        self._setup, self._engine = setup, engine

    def score(self, position: int, progress: Progress) -> None:
        """Score every image of one group."""
        group = self._groups[position]
        if self._engine.workers <= 1 and self._engine.scheduler is None:
            self._worker.score(group, _by_original(group[0]), self._results, progress)
            return
        with closing(run_tasks(_score, self._tasks(position), self._engine)) as scored:
            for results, images in scored:
                self._results.take(results)
                progress.advance(images)

    def _tasks(self, position: int) -> Iterator[_PoolTask]:
        group = self._groups[position]
        conditions = {each.id for each in group}
        rows: dict[tuple[str, int], list[ScoreRow]] = {}
        for row in self._results.known.values():
            if (row.dataset, row.recipe) in conditions:
                rows.setdefault((row.key, row.variant), []).append(row)
        of_sets = rows.get(("", 0), [])
        batch = self._setup.placement.batch
        for versions in _in_tasks(_by_original(group[0]), len(group), batch):
            addresses = (group[0].addresses[i] for indices in versions for i in indices)
            own = (row for address in addresses for row in rows.get(address, ()))
            yield _PoolTask(self._setup, position, versions, (*of_sets, *own))


def _in_tasks(
    originals: Sequence[tuple[int, ...]], conditions: int, batch: int
) -> Iterator[Versions]:
    """Yield as few originals as fill batches of images; a task leaves its last one unfilled."""
    task: list[tuple[int, ...]] = []
    images = 0
    for indices in originals:
        task.append(indices)
        images += len(indices) * conditions
        if images % batch == 0 or images >= _MOST_BATCHES * batch:
            yield tuple(task)
            task, images = [], 0
    if task:
        yield tuple(task)


def _by_original(condition: Condition) -> list[tuple[int, ...]]:
    """Return the indices of each original's versions, in the order of the first of them."""
    names = photographs(condition.addresses)
    versions: dict[str, list[int]] = {}
    for index, address in enumerate(condition.addresses):
        versions.setdefault(names[address], []).append(index)
    return [tuple(indices) for indices in versions.values()]


def _score(task: _PoolTask) -> tuple[ResultsLog, int]:
    """Score images in a process of their own; return the results and how many images."""
    with _ONE_AT_A_TIME:
        worker, groups = _opened(task.setup)
        seconds = facts_of_seconds(task.setup.placement)["signature"]
        results = ResultsLog(task.setup.suite.name, seconds, RowBuffer(task.rows))
        worker.score(groups[task.group], task.versions, results)
    images = sum(map(len, task.versions)) * len(groups[task.group])
    results.rows.forget_known()
    return results, images * len(task.setup.suite.restorers)


@functools.lru_cache(maxsize=1)
def _opened(setup: WorkerSetup) -> tuple[Worker, list[list[Condition]]]:
    """Open and load everything once in each process."""
    here = dict(setup.libraries)
    difference = describe_difference(here, environment()["libraries"]) if here else ""
    if difference:
        raise UserError(
            f"a worker on {platform.node()} would give other values: {difference}; make them equal"
        )
    require_device(setup.placement.device)
    suite = setup.suite
    groups = open_conditions(suite)
    restorers = [load(name) for name in suite.restorers]
    metrics = [load_metric(name) for name in suite.metrics]
    if setup.threads is not None:
        import torch  # as whoever began the run has: its threads are in the cache's keys

        torch.set_num_threads(setup.threads)
    worker = Worker(
        restorers,
        metrics,
        Path(setup.out),
        truths=suite.reference is None,
        cache=Cache(Path(setup.cache) if setup.cache else None),
        placement=setup.placement,
    )
    return worker, groups

"""The crew of a run: photographs handed to one worker here, or to several processes.

Nobody but this process writes the log, so rows never mix; no value depends on who computed it.
"""

from __future__ import annotations

import functools
import platform
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.metrics.registry import load_metric
from bench.runner.cache import Cache
from bench.runner.efficiency import Calls
from bench.runner.worker import Worker
from bench.store.data_digest import DataDigests
from bench.store.environment import environment
from bench.store.features import FeatureStore
from bench.store.photographs import photographs
from bench.store.plans import PlanStore
from bench.store.rows import Row, RowBuffer, RowLog
from bench.suite.conditions import Condition, open_conditions
from bench.suite.suite import Suite
from degrade.errors import UserError
from degrade.executors import Engine, run_tasks
from degrade.executors.worker import describe_difference
from degrade.terminal import Progress
from zoo.registry.registry import load
from zoo.restorers.placement import HERE, Placement, require_device

__all__ = ["Crew", "Setting"]

_ONE_AT_A_TIME = threading.Lock()
"""A cluster's worker may have several threads; neither dlib's detector nor the memory that is
measured is made for two at once."""

_MOST_BATCHES = 8
"""Of a task: where no number of photographs fills batches, an eighth of the last one is wasted."""


@dataclass(frozen=True, slots=True)
class Setting:
    """All that another process needs to open and load the same things.

    Attributes
    ----------
    suite
        With the names of everything.
    out
        The folder of the run.
    threads
        Of torch; None where nothing uses it.
    cache
        The folder of the cache; None for none.
    libraries
        ``(name, version)`` of those that values depend on; a worker with others is refused.
    placement
        Where restorers compute; a worker without that device is refused.
    """

    suite: Suite
    out: str
    threads: int | None
    cache: str | None = None
    libraries: tuple[tuple[str, str], ...] = ()
    placement: Placement = HERE


@dataclass(frozen=True, slots=True)
class _Task:
    """Photographs of one group, mostly one, and what is known of them and of whole sets."""

    setting: Setting
    group: int
    versions: tuple[tuple[int, ...], ...]
    known: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Done:
    rows: tuple[Row, ...]
    features: FeatureStore
    plans: PlanStore
    calls: Calls
    digests: DataDigests
    images: int


class Crew:
    """Scores the photographs of a run's groups.

    Parameters
    ----------
    worker
        Of this process.
    groups
        The conditions, those of the same images in one group.
    log
        Where rows go.
    setting
        For the other processes.
    engine
        Where photographs are scored; one process is this one.

    Attributes
    ----------
    plans
        Of every image scored so far.
    calls, digests
        What each restorer's calls took, and the digests of the images, so far.
    """

    def __init__(
        self,
        worker: Worker,
        groups: Sequence[Sequence[Condition]],
        log: RowLog,
        setting: Setting,
        engine: Engine,
    ) -> None:
        self._worker, self._groups, self._log = worker, groups, log
        self._setting, self._engine = setting, engine
        self.plans = PlanStore()
        self.calls, self.digests = worker.calls, worker.digests

    def score(self, position: int, shown: Progress) -> FeatureStore:
        """Score every photograph of one group; return the vectors that set metrics still want."""
        group, features = self._groups[position], FeatureStore()
        chunks = _by_photograph(group[0])
        if self._engine.workers <= 1 and self._engine.scheduler is None:
            self._worker.photographs(group, chunks, self._log, features, self.plans, shown)
            return features
        tasks = (_Task(self._setting, position, *each) for each in self._known(position))
        for done in run_tasks(_score, tasks, self._engine):
            for row in done.rows:
                self._log.append(row)
            features.take(done.features)
            self.plans.take(done.plans)
            self.calls.take(done.calls)
            self.digests.take(done.digests)
            shown.advance(done.images)
        return features

    def _known(
        self, position: int
    ) -> Iterator[tuple[tuple[tuple[int, ...], ...], tuple[Row, ...]]]:
        """Yield photographs' indices with the rows of them, and of whole sets, so far."""
        group = self._groups[position]
        places = {(each.dataset, each.recipe) for each in group}
        rows: dict[tuple[str, int], list[Row]] = {}
        for row in self._log.rows.values():
            if (row.dataset, row.recipe) in places:
                rows.setdefault((row.key, row.variant), []).append(row)
        sets = rows.get(("", 0), [])
        batch = self._setting.placement.batch
        for versions in _in_tasks(_by_photograph(group[0]), len(group), batch):
            addresses = (group[0].addresses[i] for indices in versions for i in indices)
            own = [row for address in addresses for row in rows.get(address, ())]
            yield versions, (*sets, *own)


def _in_tasks(
    photographs: Sequence[tuple[int, ...]], conditions: int, batch: int
) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Yield as few photographs as fill batches of images; a task leaves its last one unfilled."""
    task: list[tuple[int, ...]] = []
    images = 0
    for indices in photographs:
        task.append(indices)
        images += len(indices) * conditions
        if images % batch == 0 or images >= _MOST_BATCHES * batch:
            yield tuple(task)
            task, images = [], 0
    if task:
        yield tuple(task)


def _by_photograph(condition: Condition) -> list[tuple[int, ...]]:
    """Return the indices of each photograph's versions, in the order of the first of them."""
    names = photographs(condition.addresses)
    chunks: dict[str, list[int]] = {}
    for index, address in enumerate(condition.addresses):
        chunks.setdefault(names[address], []).append(index)
    return [tuple(indices) for indices in chunks.values()]


def _score(task: _Task) -> _Done:
    """Score photographs in a process of their own."""
    with _ONE_AT_A_TIME:
        worker, groups = _opened(task.setting)
        log, features, plans = RowBuffer(task.known), FeatureStore(), PlanStore()
        group = groups[task.group]
        worker.digests = DataDigests()
        worker.photographs(group, task.versions, log, features, plans)
        calls, digests = worker.calls.copy(), worker.digests
    scored = sum(map(len, task.versions)) * len(group)
    images = scored * len(task.setting.suite.restorers)
    return _Done(log.new, features, plans, calls, digests, images)


@functools.lru_cache(maxsize=1)
def _opened(setting: Setting) -> tuple[Worker, list[list[Condition]]]:
    """Open and load everything once in each process."""
    here = dict(setting.libraries)
    difference = describe_difference(here, environment()["libraries"]) if here else ""
    if difference:
        raise UserError(
            f"a worker on {platform.node()} would give other values: {difference}; make them equal"
        )
    require_device(setting.placement.device)
    suite = setting.suite
    groups = open_conditions(suite)
    restorers = [load(name) for name in suite.restorers]
    metrics = [load_metric(name) for name in suite.metrics]
    if setting.threads is not None:
        import torch  # as whoever began the run has: its threads are in the cache's keys

        torch.set_num_threads(setting.threads)
    worker = Worker(
        suite.name,
        restorers,
        metrics,
        Path(setting.out),
        truths=suite.reference is None,
        cache=Cache(Path(setting.cache) if setting.cache else None),
        placement=setting.placement,
    )
    return worker, groups

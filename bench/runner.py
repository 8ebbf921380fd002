"""Run a suite: open what it names, let workers score every photograph, and close the books.

The scoring of one photograph is the worker's; the arithmetic of scores and the reports are
elsewhere.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from bench.cache import Cache
from bench.conditions import Condition, open_conditions
from bench.crew import Crew, Setting
from bench.efficiency import MemoryPeaks, efficiencies
from bench.features import TRUTH, FeatureStore
from bench.measuring import compare_sets
from bench.metrics.metric import PairMetric, SetMetric
from bench.metrics.registry import load_metric
from bench.protocols.choosing import choose_columns
from bench.record import SECONDS, Run, build_record, load_run, resume_or_start, write_record
from bench.reference import Reference, open_reference, refer
from bench.restoring import Gallery
from bench.rows import Row, RowLog, rows_csv
from bench.scores import BASELINE
from bench.suite import ALL, Suite, SuiteError, load_suite
from bench.truthless import refuse_metrics_of_truths
from bench.worker import Worker
from degrade.datasets import list_datasets
from degrade.errors import DatasetError, UserError
from degrade.executors import Engine
from degrade.images import atomic_file
from degrade.terminal import Progress
from zoo.registry import cards, load
from zoo.restorer import Restorer

__all__ = ["execute", "run"]

_HERE = Engine()


def run(
    suite: Suite | str | Path,
    out: str | Path | None = None,
    *,
    restorers: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    limit: int | None = None,
    datasets: Sequence[str | Path] = (),
    pairs: Sequence[str | Path] = (),
    reference: str | Path | None = None,
    masks: str | None = None,
    protocol: Sequence[str] = (),
    threads: int | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    cache: str | Path | None = None,
) -> Run:
    """Score restorers as a suite says, and return the run.

    Every value is in ``OUT/rows.jsonl`` the moment it is known, or, with several workers, as
    soon as its photograph is done. The same call goes on where an interrupted one stopped,
    and tries again what failed or lacked its weights.

    Parameters
    ----------
    suite
        A `Suite`, the name of a shipped one, or a YAML file.
    out
        The folder of the run; ``runs/<suite>`` when left out.
    restorers, metrics, limit, reference, masks
        In place of the suite's. A restorer may be a weights file that `zoo.load` takes.
    datasets
        Folders or names of clean images in place of the suite's.
    pairs
        Stored paired data sets (folders with ``metadata.parquet``) in place of the suite's.
    protocol
        Names of protocols in place of the suite's: what ``psnr`` or ``identity`` stands for.
    threads
        Threads that torch uses from here on; None leaves it. A value may change in its last
        digits with their number, so this is recorded, and the command ``bench run`` uses one.
    workers
        Processes that score photographs side by side; no value but the seconds depends on it.
    scheduler
        Of a running Dask cluster, whose workers score instead: its address, or the file it wrote.
        Data, weights and ``out`` must be at the same paths for all of them.
    cache
        A folder in which restored images, values and vectors are looked for before they are
        computed, and kept for other runs; None for none. `bench.cache.default_cache` is the one
        of the command ``bench run``.

    Raises
    ------
    UserError
        The suite, a name in it or the folder cannot be used; a restorer or metric that
        fails while running becomes rows of status ``error`` instead.
    """
    if not isinstance(suite, Suite):
        suite = load_suite(suite)
    if pairs and not suite.truths:
        raise SuiteError(f"the suite '{suite.name}' is for photographs without truths, not pairs")
    protocol = tuple(protocol) or suite.protocol
    suite = dataclasses.replace(
        suite,
        datasets=tuple(str(path) for path in (pairs or datasets)) or suite.datasets,
        metrics=choose_columns(metrics or suite.metrics, protocol),
        protocol=protocol,
        limit=limit or suite.limit,
        reference=str(reference) if reference else suite.reference,
        masks=masks or suite.masks,
    )
    groups = open_conditions(suite)
    chosen = _restorer_names(restorers or suite.restorers, groups)
    suite = dataclasses.replace(suite, restorers=chosen)
    loaded = [load(name) for name in suite.restorers]
    measures = [load_metric(name) for name in suite.metrics]
    refuse_metrics_of_truths(suite, measures)
    if threads is not None and "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    place = Path(out or Path("runs") / suite.name)
    against = open_reference(suite.reference, suite.size) if suite.reference else None
    return execute(
        suite,
        groups,
        loaded,
        measures,
        place,
        against,
        engine=Engine(workers, scheduler),
        cache=Path(cache) if cache else None,
    )


def execute(
    suite: Suite,
    groups: Sequence[Sequence[Condition]],
    restorers: Sequence[Restorer],
    metrics: Sequence[PairMetric | SetMetric],
    out: Path,
    reference: Reference | None = None,
    *,
    engine: Engine = _HERE,
    cache: Path | None = None,
) -> Run:
    """Do the work of `run` with everything already opened and loaded.

    With several workers each opens and loads all of it again, as the suite names it. With a
    ``cache`` every restorer and metric must be the one that its name loads.
    """
    names = [restorer.card.name for restorer in restorers]
    _refuse_equal_names(names)
    conditions = [condition for group in groups for condition in group]
    _refuse_equal_places(Gallery(out / "restored"), conditions)
    out.mkdir(parents=True, exist_ok=True)
    if reference is not None:
        metrics = refer(metrics, reference, out)
    cards_used = [restorer.card for restorer in restorers]
    fresh = build_record(suite, conditions, cards_used, metrics, reference)
    record = resume_or_start(out, fresh)
    _tell_unusable(conditions)
    with RowLog(out / "rows.jsonl") as log:
        worker = Worker(
            suite.name, restorers, metrics, out, truths=reference is None, cache=Cache(cache)
        )
        worker.peaks.take(MemoryPeaks.of(record.get("efficiency", ())))
        kept = str(cache.resolve()) if cache else None
        told = _as_others_find_it(suite) if engine.scheduler else suite
        libraries = tuple(record["environment"]["libraries"].items()) if engine.scheduler else ()
        setting = Setting(told, str(out.resolve()), _threads(), kept, libraries)
        crew = Crew(worker, groups, log, setting, engine)
        total = sum(len(condition.addresses) for condition in conditions) * len(restorers)
        with Progress(total, f"bench {suite.name}") as shown:
            for position, group in enumerate(groups):
                features = crew.score(position, shown)
                _compare_sets(worker, group, names, log, features, out)
        crew.plans.save(out)
        rows = _in_order(log.rows.values(), conditions, names, suite.metrics)
    pixels = [crew.digests.of((c.dataset, c.recipe), c.addresses) for c in conditions]
    _refuse_changed_pixels(record, pixels, out)
    with atomic_file(out / "rows.csv") as file:
        file.write(rows_csv(rows).encode("utf-8", "backslashreplace"))
    costs = efficiencies(rows, restorers, SECONDS["name"], crew.peaks)
    record["efficiency"] = [each.as_record() for each in costs]
    for told_of, digest in zip(record["conditions"], pixels, strict=True):
        told_of["pixels_sha256"] = digest
    write_record(out, record, finished=True)
    return load_run(out)


def _refuse_changed_pixels(
    record: Mapping[str, Any], pixels: Sequence[str | None], out: Path
) -> None:
    """Refuse to finish a run whose images are no more those of its rows; SuiteError."""
    for before, now in zip(record["conditions"], pixels, strict=True):
        known = before.get("pixels_sha256")
        if known and now and known != now:
            raise SuiteError(
                f"the images of {before['dataset']} under {before['recipe']} changed since {out} "
                "was begun, its values are of the old ones: choose another --out"
            )


def _compare_sets(
    worker: Worker,
    group: Sequence[Condition],
    restorers: Sequence[str],
    log: RowLog,
    features: FeatureStore,
    out: Path,
) -> None:
    """Write the rows of whole sets; the vectors are on disk before the first of them."""
    wanted = [
        (condition, restorer, metric)
        for condition in group
        for restorer in restorers
        for metric in worker.set_metrics
        if worker.wants(condition, restorer, metric, log)
    ]
    rows = []
    for condition, restorer, metric in wanted:
        home = condition.dataset, condition.recipe
        truth = features.at((*home, TRUTH, metric.feature)) if worker.truths else None
        restored = features.at((*home, restorer, metric.feature))
        value, count = compare_sets(metric, restored, truth, worker.errors)
        rows.append(worker.row_of_set(condition, restorer, metric, value, count))
    features.save(out)
    for row in rows:
        log.append(row)


def _as_others_find_it(suite: Suite) -> Suite:
    """Return the suite with whole paths: a cluster's workers have working folders of their own."""

    def whole(name: str) -> str:
        return str(Path(name).resolve()) if Path(name).exists() else name

    own = list_datasets()
    return dataclasses.replace(
        suite,
        datasets=tuple(name if name in own else whole(name) for name in suite.datasets),
        recipes=tuple(whole(n) if n.endswith((".yaml", ".yml")) else n for n in suite.recipes),
        restorers=tuple(whole(n) if Path(n).is_file() else n for n in suite.restorers),
    )


def _restorer_names(names: Sequence[str], groups: Sequence[Sequence[Condition]]) -> tuple[str, ...]:
    """Return the names without repetition; the baseline is always among them, and first.

    ``all`` are those that take faces of the size of the first one that can be read.
    """
    if tuple(names) == (ALL,):
        size = _first_size(groups)
        names = [card.name for card in cards() if size is None or card.input_size in (None, size)]
    return tuple(dict.fromkeys([BASELINE, *names]))


def _first_size(groups: Sequence[Sequence[Condition]]) -> tuple[int, int] | None:
    for condition in (condition for group in groups for condition in group):
        for index in range(len(condition.addresses)):
            try:
                height, width = condition.pairs[index].hq.shape[:2]
            except UserError:
                continue  # becomes rows of status error when it is scored
            return height, width
    return None


def _refuse_equal_names(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SuiteError(f"two restorers are called '{twice[0]}': rename one of the weights files")


def _refuse_equal_places(gallery: Gallery, conditions: Sequence[Condition]) -> None:
    """Refuse names that would leave the gallery, or share a file in it."""
    taken: set[Path] = set()
    for condition in conditions:
        for key, _ in condition.addresses:
            path = gallery.path(condition.dataset, condition.recipe, TRUTH, key)
            if path in taken:
                raise DatasetError(
                    f"'{key}' in {condition.dataset} stands there twice, or its name is equal "
                    "to another's but for signs that file names cannot keep: rename it"
                )
            taken.add(path)


def _tell_unusable(conditions: Sequence[Condition]) -> None:
    told = {each.dataset: each.unusable for each in conditions if each.unusable}
    for dataset, unusable in told.items():
        click.echo(f"{dataset}: {len(unusable)} inputs cannot be used:", err=True)
        for _, message in unusable[:5]:
            click.echo(f"  {message}", err=True)
        if len(unusable) > 5:
            click.echo(f"  and {len(unusable) - 5} more; all are in run.json", err=True)


def _threads() -> int | None:
    return int(sys.modules["torch"].get_num_threads()) if "torch" in sys.modules else None


def _in_order(
    rows: Iterable[Row],
    conditions: Sequence[Condition],
    restorers: Sequence[str],
    metrics: Sequence[str],
) -> list[Row]:
    """Return rows in the suite's order, whatever order they were computed in."""
    places = {(c.dataset, c.recipe): i for i, c in enumerate(conditions)}
    of_restorer = {name: i for i, name in enumerate(restorers)}
    of_metric = {name: i for i, name in enumerate((*metrics, SECONDS["name"]))}
    return sorted(
        rows,
        key=lambda row: (
            places[row.dataset, row.recipe], row.key, row.variant,
            of_restorer[row.restorer], of_metric[row.metric],
        ),
    )  # fmt: skip

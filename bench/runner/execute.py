"""Execute a suite that is open: let workers score every photograph, and close the books.

The scoring of one photograph is the worker's; the arithmetic of scores and the reports are
elsewhere.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from bench.metrics.metric import PairMetric, SetMetric
from bench.runner.cache import Cache
from bench.runner.efficiency import Calls, efficiencies, facts_of_seconds
from bench.runner.lock import held
from bench.runner.measure import compare_sets
from bench.runner.pool import Crew, Setting
from bench.runner.restored_output import Gallery
from bench.runner.resume import resume_or_start
from bench.runner.worker import Worker
from bench.store.features import TRUTH, FeatureStore
from bench.store.record import SECONDS, Run, build_record, load_run, placement_facts, write_record
from bench.store.rows import Row, RowLog, rows_csv
from bench.suite.conditions import Condition
from bench.suite.reference import Reference, keep_in_run, refer
from bench.suite.restorers import as_others_find_it, refuse_equal_names, refuse_equal_places
from bench.suite.suite import Suite, SuiteError
from degrade.executors import Engine
from degrade.images import atomic_file
from degrade.terminal import Progress
from zoo.restorer import Restorer
from zoo.restorers.placement import HERE, Placement

__all__ = ["execute"]

_ALONE = Engine()


def execute(
    suite: Suite,
    groups: Sequence[Sequence[Condition]],
    restorers: Sequence[Restorer],
    metrics: Sequence[PairMetric | SetMetric],
    out: Path,
    reference: Reference | None = None,
    *,
    engine: Engine = _ALONE,
    cache: Path | None = None,
    placement: Placement = HERE,
) -> Run:
    """Do the work of `bench.run` with everything already opened and loaded.

    With several workers each opens and loads all of it again, as the suite names it. With a
    ``cache`` every restorer and metric must be the one that its name loads.

    Raises
    ------
    SuiteError
        The folder holds another run, another process works in it, or the images are no more
        those that the run was begun with.
    """
    names = [restorer.card.name for restorer in restorers]
    refuse_equal_names(names)
    conditions = [condition for group in groups for condition in group]
    refuse_equal_places(Gallery(out / "restored"), conditions)
    out.mkdir(parents=True, exist_ok=True)
    with held(out):
        known = Cache(cache)
        if reference is not None:
            metrics = refer(metrics, reference, out, known)
        cards = [restorer.card for restorer in restorers]
        fresh = build_record(suite, conditions, cards, metrics, reference)
        fresh["placement"] = placement_facts(placement, on_cluster=engine.scheduler is not None)
        fresh["metrics"][SECONDS["name"]] = facts_of_seconds(placement)
        record = {"placement": fresh["placement"], **resume_or_start(out, fresh)}
        keep_in_run(metrics, out)
        _tell_unusable(conditions)
        truths = reference is None
        with RowLog(out / "rows.jsonl") as log:
            worker = Worker(
                suite.name, restorers, metrics, out,
                truths=truths, cache=known, placement=placement,
            )  # fmt: skip
            worker.calls.take(Calls.of(record.get("efficiency", ())))
            setting = _setting(suite, record, out, cache, engine, placement)
            crew = Crew(worker, groups, log, setting, engine)
            _score(crew, worker, groups, names, log, out)
            rows = _in_order(log.rows.values(), conditions, names, suite.metrics)
        record["efficiency"] = [
            each.as_record() for each in efficiencies(rows, restorers, crew.calls, placement)
        ]
        _close(record, rows, conditions, crew, out)
        known.tidy()
    return load_run(out)


def _setting(
    suite: Suite,
    record: Mapping[str, Any],
    out: Path,
    cache: Path | None,
    engine: Engine,
    placement: Placement,
) -> Setting:
    """Return what other processes need to do the same."""
    kept = str(cache.resolve()) if cache else None
    told = as_others_find_it(suite) if engine.scheduler else suite
    libraries = tuple(record["environment"]["libraries"].items()) if engine.scheduler else ()
    threads = sys.modules["torch"].get_num_threads() if "torch" in sys.modules else None
    return Setting(told, str(out.resolve()), threads, kept, libraries, placement)


def _score(
    crew: Crew,
    worker: Worker,
    groups: Sequence[Sequence[Condition]],
    restorers: Sequence[str],
    log: RowLog,
    out: Path,
) -> None:
    """Score every image and compare every set; plans are kept at the end."""
    images = sum(len(condition.addresses) for group in groups for condition in group)
    with Progress(images * len(restorers), f"bench {worker.suite}") as shown:
        for position, group in enumerate(groups):
            features = crew.score(position, shown)
            _compare_sets(worker, group, restorers, log, features, out)
    crew.plans.save(out)


def _close(
    record: dict[str, Any],
    rows: Sequence[Row],
    conditions: Sequence[Condition],
    crew: Crew,
    out: Path,
) -> None:
    """Write the table and the record of a run whose rows are all there."""
    pixels = [crew.digests.of((c.dataset, c.recipe), c.addresses) for c in conditions]
    _refuse_changed_pixels(record, pixels, out)
    with atomic_file(out / "rows.csv") as file:
        file.write(rows_csv(rows).encode("utf-8", "backslashreplace"))
    hardware = sorted({device for each in record["efficiency"] for device in each["devices"]})
    record["placement"] = {**record["placement"], "hardware": hardware}
    for told_of, digest in zip(record["conditions"], pixels, strict=True):
        told_of["pixels_sha256"] = digest
    write_record(out, record, finished=True)


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


def _tell_unusable(conditions: Sequence[Condition]) -> None:
    told = {each.dataset: each.unusable for each in conditions if each.unusable}
    for dataset, unusable in told.items():
        click.echo(f"{dataset}: {len(unusable)} inputs cannot be used:", err=True)
        for _, message in unusable[:5]:
            click.echo(f"  {message}", err=True)
        if len(unusable) > 5:
            click.echo(f"  and {len(unusable) - 5} more; all are in run.json", err=True)


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

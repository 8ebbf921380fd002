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
from bench.choosing import (
    as_others_find_it,
    refuse_equal_names,
    refuse_equal_places,
    restorer_names,
)
from bench.conditions import Condition, open_conditions, refuse_unpaired
from bench.crew import Crew, Setting
from bench.efficiency import Calls, efficiencies, facts_of_seconds
from bench.features import TRUTH, FeatureStore
from bench.measuring import compare_sets
from bench.metrics.metric import PairMetric, SetMetric
from bench.metrics.registry import load_metric
from bench.protocols.choosing import choose_columns
from bench.record import SECONDS, Run, build_record, load_run, placement_facts, write_record
from bench.reference import Reference, keep_in_run, open_reference, refer
from bench.restoring import Gallery
from bench.resuming import resume_or_start
from bench.rows import Row, RowLog, rows_csv
from bench.suite import Suite, SuiteError, load_suite
from bench.truthless import refuse_metrics_of_truths
from bench.worker import Worker
from degrade.executors import Engine
from degrade.images import atomic_file
from degrade.terminal import Progress
from zoo.placement import CPU, HERE, Placement, parse_device, require_device
from zoo.registry import load
from zoo.restorer import Restorer

__all__ = ["execute", "run"]

_ALONE = Engine()


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
    device: str = CPU,
    batch: int = 1,
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
    device
        Where networks restore: ``cpu``, ``cuda``, or ``cuda:1`` of several GPUs. Each of several
        workers loads a copy onto its own machine's. What has no network, and every metric,
        computes on the CPU.
    batch
        Images that a network restores at once. Values may change in their last digits with both,
        so they are recorded, and a run does not go on with others.

    Raises
    ------
    UserError
        The suite, a name in it or the folder cannot be used; a restorer or metric that
        fails while running becomes rows of status ``error`` instead.
    """
    placement = Placement(parse_device(device), batch)
    if scheduler is None:
        require_device(placement.device)
    if not isinstance(suite, Suite):
        suite = load_suite(suite)
    if pairs and not suite.truths:
        raise SuiteError(f"the suite '{suite.name}' is for photographs without truths, not pairs")
    refuse_unpaired(pairs)
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
    chosen = restorer_names(restorers or suite.restorers, groups)
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
        placement=placement,
    )


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
    """Do the work of `run` with everything already opened and loaded.

    With several workers each opens and loads all of it again, as the suite names it. With a
    ``cache`` every restorer and metric must be the one that its name loads.
    """
    names = [restorer.card.name for restorer in restorers]
    refuse_equal_names(names)
    conditions = [condition for group in groups for condition in group]
    refuse_equal_places(Gallery(out / "restored"), conditions)
    out.mkdir(parents=True, exist_ok=True)
    known = Cache(cache)
    if reference is not None:
        metrics = refer(metrics, reference, out, known)
    cards_used = [restorer.card for restorer in restorers]
    fresh = build_record(suite, conditions, cards_used, metrics, reference)
    fresh["placement"] = placement_facts(placement, on_cluster=engine.scheduler is not None)
    fresh["metrics"][SECONDS["name"]] = facts_of_seconds(placement)
    record = resume_or_start(out, fresh)
    keep_in_run(metrics, out)
    _tell_unusable(conditions)
    with RowLog(out / "rows.jsonl") as log:
        worker = Worker(
            suite.name,
            restorers,
            metrics,
            out,
            truths=reference is None,
            cache=known,
            placement=placement,
        )
        worker.calls.take(Calls.of(record.get("efficiency", ())))
        kept = str(cache.resolve()) if cache else None
        told = as_others_find_it(suite) if engine.scheduler else suite
        libraries = tuple(record["environment"]["libraries"].items()) if engine.scheduler else ()
        setting = Setting(told, str(out.resolve()), _threads(), kept, libraries, placement)
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
    costs = efficiencies(rows, restorers, crew.calls, placement)
    record["efficiency"] = [each.as_record() for each in costs]
    hardware = sorted({device for each in costs for device in each.devices})
    record["placement"] = {**record.get("placement", fresh["placement"]), "hardware": hardware}
    for told_of, digest in zip(record["conditions"], pixels, strict=True):
        told_of["pixels_sha256"] = digest
    write_record(out, record, finished=True)
    known.tidy()
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

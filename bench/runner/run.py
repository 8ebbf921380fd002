"""Run a suite: open and load what it names, let workers score every image, and write the tables.

The scoring of one image is `bench.runner.worker`'s; the arithmetic of scores and the reports are
elsewhere.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from bench.metrics.metric import PairMetric, SetMetric
from bench.metrics.registry import load_metric
from bench.runner.cache import Cache
from bench.runner.efficiency import Calls, efficiencies, facts_of_seconds
from bench.runner.measure import compare_sets
from bench.runner.pool import WorkerPool, WorkerSetup
from bench.runner.reference import Reference, keep_in_run, open_reference, refer
from bench.runner.results import ResultsLog
from bench.runner.session import build_record, placement_facts, resume_or_start
from bench.runner.worker import Worker
from bench.store.images import HQ, RestoredFiles, digest_of_pairs
from bench.store.plans import write_plans
from bench.store.record import SECONDS, Run, load_run, write_record
from bench.store.rows import RowLog, ScoreRow, rows_csv
from bench.suite.conditions import (
    Condition,
    open_conditions,
    refuse_reference_metrics,
    refuse_unpaired,
)
from bench.suite.protocols import choose_columns
from bench.suite.restorers import (
    refuse_equal_names,
    refuse_equal_paths,
    restorer_names,
    with_whole_paths,
)
from bench.suite.suite import Suite, SuiteError, load_suite
from degrade.dataset.folder_lock import hold_folder
from degrade.executors import Engine
from degrade.images import atomic_file
from degrade.terminal import Progress
from zoo.registry.registry import load
from zoo.restorer import Restorer
from zoo.restorers.placement import CPU, HERE, Placement, parse_device, require_device

_ONE_PROCESS = Engine()


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
        computed, and kept for other runs; None for none. `bench.runner.cache.default_cache` is the
        one of the command ``bench run``.
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
        raise SuiteError(f"the suite '{suite.name}' is for images without HQ, not pairs")
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
    loaded_metrics = [load_metric(name) for name in suite.metrics]
    refuse_reference_metrics(suite, loaded_metrics)
    if threads is not None and "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    return execute(
        suite,
        groups,
        loaded,
        loaded_metrics,
        Path(out or Path("runs") / suite.name),
        open_reference(suite.reference, suite.size) if suite.reference else None,
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
    engine: Engine = _ONE_PROCESS,
    cache: Path | None = None,
    placement: Placement = HERE,
) -> Run:
    """Do the work of `bench.run` with everything already opened and loaded.

    With several workers each opens and loads all of it again, as the suite names it. With a
    ``cache`` every restorer and metric must be the one that its name loads. Raises SuiteError where
    the folder holds another run or is in use, or the images are no more those of its beginning.
    """
    names = [restorer.card.name for restorer in restorers]
    refuse_equal_names(names)
    conditions = [condition for group in groups for condition in group]
    refuse_equal_paths(RestoredFiles(out / "restored"), conditions)
    with hold_folder(out):
        opened_cache = Cache(cache)
        if reference is not None:
            metrics = refer(metrics, reference, out, opened_cache)
        cards = [restorer.card for restorer in restorers]
        fresh = build_record(suite, conditions, cards, metrics, reference)
        fresh["placement"] = placement_facts(placement, on_cluster=engine.scheduler is not None)
        fresh["metrics"][SECONDS["name"]] = facts_of_seconds(placement)
        record = {"placement": fresh["placement"], **resume_or_start(out, fresh)}
        keep_in_run(metrics, out)
        _print_unusable(conditions)
        worker = Worker(
            restorers,
            metrics,
            out,
            truths=reference is None,
            cache=opened_cache,
            placement=placement,
        )
        with RowLog(out / "rows.jsonl") as rows:
            results = ResultsLog(suite.name, facts_of_seconds(placement)["signature"], rows)
            results.calls.take(Calls.of(record.get("efficiency", ())))
            setup = _setup(suite, record, out, cache, engine, placement)
            pool = WorkerPool(worker, groups, results, setup, engine)
            _score(pool, worker, groups, names, results, out)
            ordered = _in_order(results.known.values(), conditions, names, suite.metrics)
        record["efficiency"] = [
            each.as_record() for each in efficiencies(ordered, restorers, results.calls, placement)
        ]
        _finish(record, ordered, conditions, results, out)
        opened_cache.tidy()
    return load_run(out)


def _setup(
    suite: Suite,
    record: Mapping[str, Any],
    out: Path,
    cache: Path | None,
    engine: Engine,
    placement: Placement,
) -> WorkerSetup:
    """Return what other processes need to do the same."""
    whole = with_whole_paths(suite) if engine.scheduler else suite
    libraries = tuple(record["environment"]["libraries"].items()) if engine.scheduler else ()
    threads = sys.modules["torch"].get_num_threads() if "torch" in sys.modules else None
    folder = str(cache.resolve()) if cache else None
    return WorkerSetup(whole, str(out.resolve()), threads, folder, libraries, placement)


def _score(
    pool: WorkerPool,
    worker: Worker,
    groups: Sequence[Sequence[Condition]],
    restorers: Sequence[str],
    results: ResultsLog,
    out: Path,
) -> None:
    """Score every image and compare every set; plans are kept at the end."""
    images = sum(len(condition.addresses) for group in groups for condition in group)
    with Progress(images * len(restorers), f"bench {results.suite}") as progress:
        for position, group in enumerate(groups):
            pool.score(position, progress)
            _compare_sets(worker, group, restorers, results, out)
    write_plans(out, results.plans)


def _compare_sets(
    worker: Worker,
    group: Sequence[Condition],
    restorers: Sequence[str],
    results: ResultsLog,
    out: Path,
) -> None:
    """Write the rows of whole sets; the vectors are on disk before the first of them."""
    lacking = [
        (condition, restorer, metric)
        for condition in group
        for restorer in restorers
        for metric in worker.set_metrics
        if worker.lacks(condition, restorer, metric, results)
    ]
    values = []
    for condition, restorer, metric in lacking:
        hq = results.features.at((*condition.id, HQ, metric.feature)) if worker.truths else None
        restored = results.features.at((*condition.id, restorer, metric.feature))
        values.append(compare_sets(metric, restored, hq, worker.errors))
    results.features.save(out)
    for (condition, restorer, metric), (value, count) in zip(lacking, values, strict=True):
        results.append(condition, None, restorer, metric, value, count)


def _finish(
    record: dict[str, Any],
    rows: Sequence[ScoreRow],
    conditions: Sequence[Condition],
    results: ResultsLog,
    out: Path,
) -> None:
    """Write the table and the record of a run whose rows are all there."""
    pixels = [digest_of_pairs(results.digests, c.id, c.addresses) for c in conditions]
    for before, now in zip(record["conditions"], pixels, strict=True):
        known = before.get("pixels_sha256")
        if known and now and known != now:
            raise SuiteError(
                f"the images of {before['dataset']} under {before['recipe']} changed since {out} "
                "was begun, its values are of the old ones: choose another --out"
            )
    with atomic_file(out / "rows.csv") as file:
        file.write(rows_csv(rows).encode("utf-8", "backslashreplace"))
    hardware = sorted({device for each in record["efficiency"] for device in each["devices"]})
    record["placement"] = {**record["placement"], "hardware": hardware}
    for facts, digest in zip(record["conditions"], pixels, strict=True):
        facts["pixels_sha256"] = digest
    write_record(out, record, finished=True)


def _print_unusable(conditions: Sequence[Condition]) -> None:
    datasets = {each.dataset: each.unusable for each in conditions if each.unusable}
    for dataset, unusable in datasets.items():
        click.echo(f"{dataset}: {len(unusable)} inputs cannot be used:", err=True)
        for _, message in unusable[:5]:
            click.echo(f"  {message}", err=True)
        if len(unusable) > 5:
            click.echo(f"  and {len(unusable) - 5} more; all are in run.json", err=True)


def _in_order(
    rows: Iterable[ScoreRow],
    conditions: Sequence[Condition],
    restorers: Sequence[str],
    metrics: Sequence[str],
) -> list[ScoreRow]:
    """Return rows in the suite's order, whatever order they were computed in."""
    of_condition = {each.id: i for i, each in enumerate(conditions)}
    of_restorer = {name: i for i, name in enumerate(restorers)}
    of_metric = {name: i for i, name in enumerate((*metrics, SECONDS["name"]))}
    return sorted(
        rows,
        key=lambda row: (
            of_condition[row.dataset, row.recipe], row.key, row.variant,
            of_restorer[row.restorer], of_metric[row.metric],
        ),
    )  # fmt: skip

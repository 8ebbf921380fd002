"""Run a suite: open and load what it names, and execute it."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.metrics.registry import load_metric
from bench.runner.execute import execute
from bench.store.record import Run
from bench.suite.conditions import open_conditions, refuse_unpaired
from bench.suite.no_reference import refuse_metrics_of_truths
from bench.suite.protocols.selection import choose_columns
from bench.suite.reference import open_reference
from bench.suite.restorers import restorer_names
from bench.suite.suite import Suite, SuiteError, load_suite
from degrade.executors import Engine
from zoo.registry.registry import load
from zoo.restorers.placement import CPU, Placement, parse_device, require_device

__all__ = ["run"]


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

"""Run a suite: open what it names, let the worker fill the log of rows, and close the books.

The loops over images are the worker's; the arithmetic of scores and the reports are elsewhere.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.conditions import Condition, open_conditions
from bench.metrics.metric import PairMetric, SetMetric
from bench.metrics.registry import load_metric
from bench.record import SECONDS, Run, build_record, load_run, resume_or_start, write_record
from bench.rows import Row, RowLog, rows_csv
from bench.scores import BASELINE
from bench.suite import ALL, Suite, load_suite
from bench.worker import Worker
from degrade.images import atomic_file
from degrade.terminal import Progress
from zoo.registry import cards, load
from zoo.restorer import Restorer

__all__ = ["execute", "run"]


def run(
    suite: Suite | str | Path,
    out: str | Path | None = None,
    *,
    restorers: Sequence[str] | None = None,
    metrics: Sequence[str] | None = None,
    limit: int | None = None,
    pairs: Sequence[str | Path] = (),
    threads: int | None = None,
) -> Run:
    """Score restorers as a suite says, and return the run.

    Every value is in ``OUT/rows.jsonl`` the moment it is known. The same call goes on where
    an interrupted one stopped, and tries again what failed or lacked its weights.

    Parameters
    ----------
    suite
        A `Suite`, the name of a shipped one, or a YAML file.
    out
        The folder of the run; ``runs/<suite>`` when left out.
    restorers, metrics, limit
        In place of the suite's.
    pairs
        Stored paired data sets (folders with ``metadata.parquet``) in place of the suite's.
    threads
        Threads that torch uses from here on; None leaves it. A value may change in its last
        digits with their number, so this is recorded, and the command ``bench run`` uses one.

    Raises
    ------
    UserError
        The suite, a name in it or the folder cannot be used; a restorer or metric that
        fails while running becomes rows of status ``error`` instead.
    """
    if not isinstance(suite, Suite):
        suite = load_suite(suite)
    if pairs:
        suite = dataclasses.replace(suite, datasets=tuple(str(path) for path in pairs))
    suite = dataclasses.replace(
        suite,
        restorers=_restorer_names(restorers or suite.restorers),
        metrics=tuple(dict.fromkeys(metrics or suite.metrics)),
        limit=limit or suite.limit,
    )
    groups = open_conditions(suite)
    loaded = [load(name) for name in suite.restorers]
    measures = [load_metric(name) for name in suite.metrics]
    if threads is not None and "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    return execute(suite, groups, loaded, measures, Path(out or Path("runs") / suite.name))


def execute(
    suite: Suite,
    groups: Sequence[Sequence[Condition]],
    restorers: Sequence[Restorer],
    metrics: Sequence[PairMetric | SetMetric],
    out: Path,
) -> Run:
    """Do the work of `run` with everything already opened and loaded."""
    out.mkdir(parents=True, exist_ok=True)
    conditions = [condition for group in groups for condition in group]
    cards_used = [restorer.card for restorer in restorers]
    record = resume_or_start(out, build_record(suite, conditions, cards_used, metrics))
    with RowLog(out / "rows.jsonl") as log:
        worker = Worker(suite.name, restorers, metrics, log, out)
        total = sum(len(condition.addresses) for condition in conditions) * len(restorers)
        with Progress(total, f"bench {suite.name}") as shown:
            for group in groups:
                worker.group(group, shown)
        rows = _in_order(log.rows.values(), conditions, suite)
    with atomic_file(out / "rows.csv") as file:
        file.write(rows_csv(rows).encode("utf-8", "backslashreplace"))
    write_record(out, record, finished=True)
    return load_run(out)


def _restorer_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names without repetition; the baseline is always among them, and first."""
    every = [card.name for card in cards()]
    chosen = every if tuple(names) == (ALL,) else list(names)
    return tuple(dict.fromkeys([BASELINE, *chosen]))


def _in_order(rows: Iterable[Row], conditions: Sequence[Condition], suite: Suite) -> list[Row]:
    """Return rows in the suite's order, whatever order they were computed in."""
    places = {(c.dataset, c.recipe): i for i, c in enumerate(conditions)}
    restorers = {name: i for i, name in enumerate(suite.restorers)}
    metrics = {name: i for i, name in enumerate((*suite.metrics, SECONDS["name"]))}
    return sorted(
        rows,
        key=lambda row: (
            places[row.dataset, row.recipe], row.key, row.variant,
            restorers[row.restorer], metrics[row.metric],
        ),
    )  # fmt: skip

"""``run.json``: what was run, on what and with what, so that a number can be traced and resumed.

Reads and writes the record; `bench.runner.session` makes one, or resumes a run.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.metrics.entry import MetricEntry
from bench.metrics.registry import recorded_entry
from bench.store.rows import ScoreRow, read_rows
from degrade.errors import DatasetError
from degrade.images import atomic_file

SECONDS: Mapping[str, str] = {
    "name": "seconds",
    "kind": "pair",
    "feature": "",
    "direction": "lower",
    "unit": "s",
    "signature": "seconds|wall|batch1",
    "source": "wall time of one restore call of one image on the machine below",
    "judge": "",
}
"""The time of a restoration is kept as one more metric of every image."""

FILE = "run.json"
"""The record's name in the folder of a run."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it lies in its folder.

    Attributes
    ----------
    folder
        Where it lies: ``run.json``, ``rows.jsonl``, ``rows.csv``, ``plans.jsonl``, ``features/``
        and ``restored/``.
    record
        The content of ``run.json``.
    rows
        One row for each image, restorer and metric, the latest of each.
    filed_under
        Of restorers that stand here under another name the one that files have, see
        `bench.stats.successors`.
    """

    folder: Path
    record: Mapping[str, Any]
    rows: tuple[ScoreRow, ...]
    filed_under: Mapping[str, str] = field(default_factory=dict)

    @property
    def suite(self) -> str:
        """The suite's name."""
        return str(self.record["suite"]["name"])

    @property
    def metrics(self) -> dict[str, MetricEntry]:
        """The metrics by name, in the order of tables; the seconds are the last."""
        return {name: recorded_entry(facts) for name, facts in self.record["metrics"].items()}

    @property
    def complete(self) -> bool:
        """Whether the run reached its end."""
        return self.record["finished"] is not None

    @property
    def failed(self) -> int:
        """How many rows have the status ``error``."""
        return sum(row.status == "error" for row in self.rows)

    @property
    def unusable(self) -> tuple[tuple[str, str], ...]:
        """``(name, message)`` of inputs that were found and could not be used, each once."""
        every = [
            tuple(pair) for each in self.record["conditions"] for pair in each.get("unusable", [])
        ]
        return tuple(dict.fromkeys((str(name), str(message)) for name, message in every))


def write_record(folder: Path, record: Mapping[str, Any], *, finished: bool = False) -> None:
    """Write ``run.json``, whole or not at all."""
    content = {**record, "finished": now()} if finished else record
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    with atomic_file(folder / FILE) as file:
        file.write(text.encode())


def holds_run(folder: Path) -> bool:
    """Say whether a folder is there and holds a run, complete or not."""
    return (folder / FILE).is_file()


def load_run(folder: str | Path) -> Run:
    """Return the run in a folder, complete or not.

    Raises
    ------
    DatasetError
        The folder holds no run, or files that are none of ours.
    """
    folder = Path(folder)
    if not holds_run(folder):
        raise DatasetError(f"{folder} holds no run: give a folder that `bench run` wrote")
    return Run(folder, read_record(folder), tuple(read_rows(folder / "rows.jsonl")))


def read_record(folder: Path) -> dict[str, Any]:
    """Return the record in a folder; DatasetError where it is damaged or none of ours."""
    path = folder / FILE
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as problem:
        raise DatasetError(f"{path} is not readable: delete the folder and run again") from problem
    needed = {"suite", "conditions", "restorers", "metrics", "environment", "resumed", "finished"}
    if not isinstance(record, dict) or needed - record.keys():
        raise DatasetError(f"{path} is not the record of a run: give a folder of `bench run`")
    return record


def now() -> str:
    """Return the time in UTC, to the second, as records have it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")

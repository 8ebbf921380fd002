"""``run.json``: what was run, on what and with what, so that a number can be traced and resumed.

Builds, reads and writes the record; whether a run may be gone on with is `bench.runner.resume`'s
affair.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.metrics.judge_weights import judge_weights
from bench.metrics.metric import PairMetric, SetMetric
from bench.store.environment import environment, relume_version
from bench.store.photographs import photographs
from bench.store.rows import Row, read_rows
from bench.suite.conditions import Condition
from bench.suite.suite import Suite
from degrade.errors import DatasetError
from degrade.images import atomic_file
from zoo.restorer import Card
from zoo.restorers.placement import PRECISION, Placement, device_facts

if TYPE_CHECKING:
    from bench.suite.reference import Reference

__all__ = [
    "FILE",
    "SECONDS",
    "Run",
    "build_record",
    "holds_run",
    "load_run",
    "now",
    "placement_facts",
    "read_record",
    "write_record",
]

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
    rows: tuple[Row, ...]
    filed_under: Mapping[str, str] = field(default_factory=dict)

    @property
    def suite(self) -> str:
        """The suite's name."""
        return str(self.record["suite"]["name"])

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
            tuple(told) for each in self.record["conditions"] for told in each.get("unusable", [])
        ]
        return tuple(dict.fromkeys((str(name), str(message)) for name, message in every))


def build_record(
    suite: Suite,
    conditions: Sequence[Condition],
    cards: Sequence[Card],
    metrics: Sequence[PairMetric | SetMetric],
    reference: Reference | None = None,
) -> dict[str, Any]:
    """Return the record of a run that begins now."""
    content, weights = suite.as_record(), judge_weights(metrics)
    return {
        "relume": relume_version(),
        "suite": content,
        "suite_sha256": _digest(content),
        "conditions": [
            {
                "dataset": each.dataset,
                "recipe": each.recipe,
                "recipe_digest": each.recipe_digest,
                "choices": dict(each.choices),
                "images": len(each.addresses),
                "photographs": len(set(photographs(each.addresses).values())),
                "keys_sha256": _digest([list(address) for address in each.addresses]),
                "unusable": [list(told) for told in each.unusable],
            }
            for each in conditions
        ],
        "reference": reference.as_record() if reference else None,
        "restorers": {card.name: dict(card.as_record()) for card in cards},
        "metrics": {
            **{each.name: {**_facts(each), "weights": weights[each.name]} for each in metrics},
            "seconds": dict(SECONDS),
        },
        "environment": environment(),
        "resumed": [],
        "started": now(),
        "finished": None,
    }


def placement_facts(placement: Placement, *, on_cluster: bool) -> dict[str, Any]:
    """Return what the record tells of the place of restorers when a run begins.

    With the GPU and its versions, as they decide values; a cluster's workers have one each.
    """
    facts = {**asdict(placement), "precision": PRECISION}
    if placement.on_gpu and not on_cluster:
        facts["gpu"] = device_facts(placement.device)
    return facts


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
    wanted = {"suite", "conditions", "restorers", "metrics", "environment", "resumed", "finished"}
    if not isinstance(record, dict) or wanted - record.keys():
        raise DatasetError(f"{path} is not the record of a run: give a folder of `bench run`")
    return record


def _facts(metric: PairMetric | SetMetric) -> dict[str, str]:
    names = ("name", "direction", "unit", "signature", "source", "judge")
    kind = "set" if isinstance(metric, SetMetric) else "pair"
    known = {"kind": kind, "feature": getattr(metric, "feature", "")}
    return {**known, **{name: str(getattr(metric, name)) for name in names}}


def _digest(content: object) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def now() -> str:
    """Return the time in UTC, to the second, as records have it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")

"""``run.json``: what was run, on what and with what, so that a number can be traced and resumed.

Builds, compares, reads and writes the record; it scores nothing.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.conditions import Condition
from bench.environment import environment, relume_version
from bench.metrics.metric import PairMetric, SetMetric
from bench.photographs import photographs
from bench.reference import Reference
from bench.rows import Row, read_rows
from bench.suite import Suite, SuiteError
from degrade.errors import DatasetError
from degrade.images import atomic_file
from zoo.restorer import Card

__all__ = [
    "SECONDS",
    "Run",
    "build_record",
    "holds_run",
    "load_run",
    "resume_or_start",
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

_FILE = "run.json"
_THREADS = "the number of threads"


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
    """

    folder: Path
    record: Mapping[str, Any]
    rows: tuple[Row, ...]

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
    content = suite.as_record()
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
        "metrics": {metric.name: _facts(metric) for metric in metrics} | {"seconds": dict(SECONDS)},
        "environment": environment(),
        "resumed": [],
        "started": _now(),
        "finished": None,
    }


def resume_or_start(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Write the record into ``folder``, or go on with the run that is there.

    Raises
    ------
    SuiteError
        The run in the folder is another one; the message says what differs.
    """
    path = folder / _FILE
    if not path.exists():
        if (folder / "rows.jsonl").exists():
            raise SuiteError(f"{folder} holds rows but no {_FILE}: choose another --out folder")
        write_record(folder, record)
        return record
    before = _read(path)
    old, new = _decisive(before), _decisive(json.loads(json.dumps(record)))
    if None in (old[_THREADS], new[_THREADS]):
        # One of them had nothing of PyTorch loaded, so nothing depends on its threads.
        old[_THREADS] = new[_THREADS] = None
    changes = list(_changes(old, new))
    if changes:
        more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
        raise SuiteError(
            f"{folder} holds another run: {'; '.join(changes[:3])}{more}: "
            "choose another --out folder, or delete this one"
        )
    resumed = [*before["resumed"], {"time": _now(), "environment": record["environment"]}]
    merged = {**before, "resumed": resumed, "finished": None}
    write_record(folder, merged)
    return merged


def write_record(folder: Path, record: Mapping[str, Any], *, finished: bool = False) -> None:
    """Write ``run.json``, whole or not at all."""
    content = {**record, "finished": _now()} if finished else record
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    with atomic_file(folder / _FILE) as file:
        file.write(text.encode())


def holds_run(folder: Path) -> bool:
    """Say whether a folder is there and holds a run, complete or not."""
    return (folder / _FILE).is_file()


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
    return Run(folder, _read(folder / _FILE), tuple(read_rows(folder / "rows.jsonl")))


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as problem:
        raise DatasetError(f"{path} is not readable: delete the folder and run again") from problem
    wanted = {"suite", "conditions", "restorers", "metrics", "environment", "resumed", "finished"}
    if not isinstance(record, dict) or wanted - record.keys():
        raise DatasetError(f"{path} is not the record of a run: give a folder of `bench run`")
    return record


def _decisive(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must be equal for two sessions to be one run, flat: label to value."""
    flat = {f"{key} of the suite": value for key, value in record["suite"].items()}
    flat["the version of Relume"] = record["relume"]
    flat[_THREADS] = record["environment"].get("torch_threads")
    for each in record["conditions"]:
        place = f"{each['dataset']}/{each['recipe']}"
        flat[f"the recipe of {place}"] = each["recipe_digest"]
        flat[f"the images of {place}"] = each["keys_sha256"]
    for name, card in record["restorers"].items():
        flat[f"the weights of {name}"] = card["sha256"]
    for name, facts in record["metrics"].items():
        flat[f"the signature of {name}"] = facts["signature"]
    return flat


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        f"{label} was {_brief(before.get(label))}, now {_brief(now.get(label))}"
        for label in {**before, **now}
        if before.get(label) != now.get(label)
    ]


def _brief(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if len(text) == 64 and set(text) <= set("0123456789abcdef"):
        return f"{text[:12]}..."  # a digest
    return text if len(text) <= 60 else f"{text[:57]}..."


def _facts(metric: PairMetric | SetMetric) -> dict[str, str]:
    names = ("name", "direction", "unit", "signature", "source", "judge")
    kind = "set" if isinstance(metric, SetMetric) else "pair"
    known = {"kind": kind, "feature": getattr(metric, "feature", "")}
    return {**known, **{name: str(getattr(metric, name)) for name in names}}


def _digest(content: object) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")

"""Whether a folder holds the run that is about to begin: the same in all that decides a value.

Compares records and joins their sessions; it scores nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.metrics.judge_weights import other_weights
from bench.store.record import FILE, SECONDS, holds_run, now, read_record, write_record
from bench.suite.suite import SuiteError
from zoo.restorers.placement import CPU, HERE, PRECISION

__all__ = ["resume_or_start"]

_THREADS = "the number of threads"


def resume_or_start(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Write the record into ``folder``, or go on with the run that is there.

    Raises
    ------
    SuiteError
        The run in the folder is another one; the message says what differs.
    """
    if not holds_run(folder):
        if (folder / "rows.jsonl").exists():
            raise SuiteError(f"{folder} holds rows but no {FILE}: choose another --out folder")
        write_record(folder, record)
        return record
    before = read_record(folder)
    changes = list(_changes(before, json.loads(json.dumps(record))))
    if changes:
        more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
        raise SuiteError(
            f"{folder} holds another run: {'; '.join(changes[:3])}{more}: "
            "choose another --out folder, or delete this one"
        )
    resumed = [*before["resumed"], {"time": now(), "environment": record["environment"]}]
    metrics = _with_weights_found(before["metrics"], record["metrics"])
    merged = {**before, "metrics": metrics, "resumed": resumed, "finished": None}
    write_record(folder, merged)
    return merged


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old, new = _decisive(before), _decisive(after)
    if None in (old[_THREADS], new[_THREADS]):
        # One of them had nothing of PyTorch loaded, so nothing depends on its threads.
        old[_THREADS] = new[_THREADS] = None
    for label in {**old, **new}:
        if old.get(label) != new.get(label):
            yield f"{label} was {_brief(old.get(label))}, now {_brief(new.get(label))}"
    for name, facts in after["metrics"].items():
        changed = other_weights(before["metrics"].get(name, {}), facts)
        if changed:
            yield f"the judge of {name} has other weights ({changed})"


def _decisive(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must be equal for two sessions to be one run, flat: label to value."""
    flat = {f"{key} of the suite": value for key, value in record["suite"].items()}
    flat["the version of Relume"] = record["relume"]
    flat[_THREADS] = record["environment"].get("torch_threads")
    placement = record.get("placement", {})  # not there before there were any but the processor
    flat["the device"] = placement.get("device", CPU)
    flat["the batch"] = placement.get("batch", HERE.batch)
    flat["the GPU"] = placement.get("gpu")  # with its versions; not there where there is none
    flat["the precision"] = placement.get("precision", PRECISION)
    for each in record["conditions"]:
        place = f"{each['dataset']}/{each['recipe']}"
        flat[f"the recipe of {place}"] = each["recipe_digest"]
        flat[f"the images of {place}"] = each["keys_sha256"]
    for name, card in record["restorers"].items():
        flat[f"the weights of {name}"] = card["sha256"]
    for name, facts in record["metrics"].items():
        if name != SECONDS["name"]:  # it says the device and the batch over again
            flat[f"the signature of {name}"] = facts["signature"]
    return flat


def _with_weights_found(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the metrics' facts; weights that were missing when the run began are told now."""
    return {
        name: {**facts, "weights": after[name]["weights"]}
        if facts.get("weights") == {}
        else dict(facts)
        for name, facts in before.items()
    }


def _brief(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if len(text) == 64 and set(text) <= set("0123456789abcdef"):
        return f"{text[:12]}..."  # a digest
    return text if len(text) <= 60 else f"{text[:57]}..."

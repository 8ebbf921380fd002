"""A session of a run: begin its record, or resume the run that is there.

Compares records and joins their sessions; it scores nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.metrics.judge_weights import judge_weights, other_weights
from bench.metrics.metric import PairMetric, SetMetric
from bench.metrics.registry import metric_facts
from bench.runner.reference import Reference
from bench.store.environment import environment, relume_version
from bench.store.images import photographs
from bench.store.record import FILE, SECONDS, holds_run, now, read_record, write_record
from bench.suite.conditions import Condition
from bench.suite.suite import Suite, SuiteError
from zoo.restorer import Card
from zoo.restorers.placement import CPU, HERE, PRECISION, Placement, device_facts

_THREADS = "the number of threads"


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
                "unusable": [list(pair) for pair in each.unusable],
            }
            for each in conditions
        ],
        "reference": reference.as_record() if reference else None,
        "restorers": {card.name: dict(card.as_record()) for card in cards},
        "metrics": {
            **{
                each.name: {**metric_facts(each), "weights": weights[each.name]} for each in metrics
            },
            "seconds": dict(SECONDS),
        },
        "environment": environment(),
        "resumed": [],
        "started": now(),
        "finished": None,
    }


def placement_facts(placement: Placement, *, on_cluster: bool) -> dict[str, Any]:
    """Return what the record says of where restorers compute.

    With the GPU and its versions, as they decide values; a cluster's workers have one each.
    """
    facts = {**asdict(placement), "precision": PRECISION}
    if placement.on_gpu and not on_cluster:
        facts["gpu"] = device_facts(placement.device)
    return facts


def _digest(content: object) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def resume_or_start(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Write the record into ``folder``, or go on with the run there.

    Raises SuiteError, which says what differs, where the run there is another one.
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
    metrics = _with_weights(before["metrics"], record["metrics"])
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
        condition = f"{each['dataset']}/{each['recipe']}"
        flat[f"the recipe of {condition}"] = each["recipe_digest"]
        flat[f"the images of {condition}"] = each["keys_sha256"]
    for name, card in record["restorers"].items():
        flat[f"the weights of {name}"] = card["sha256"]
    for name, facts in record["metrics"].items():
        if name != SECONDS["name"]:  # it says the device and the batch over again
            flat[f"the signature of {name}"] = facts["signature"]
    return flat


def _with_weights(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the metrics' facts; weights that were missing when the run began are added now."""
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

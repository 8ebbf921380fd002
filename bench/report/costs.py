"""What each restorer costs, as text: latency, working memory, parameters.

In files and tables of their own, never in the CSV of scores: they are another machine's tomorrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.report.plain import aligned, escape
from bench.runner.efficiency import Efficiency
from bench.store.csv_text import Cell, csv_text
from zoo.restorers.placement import CPU

__all__ = [
    "COST_NOTE",
    "cost_facts",
    "costs_csv",
    "costs_markdown",
    "costs_of",
    "costs_text",
    "machine_of",
    "milliseconds",
]

_CSV_HEADER = (
    "suite", "restorer", "p50_seconds", "p95_seconds", "memory_bytes", "parameters", "faces",
    "batch", "devices", "cpu", "cpus", "torch_threads", "relume", "started",
)  # fmt: skip

_HEADINGS = ("restorer", "p50 ms", "p95 ms", "memory MB", "parameters", "n")
COST_NOTE = (
    "Latency: wall time of a face, each in a call of its own unless told otherwise, n faces. "
    "Memory: how far it grew at most within a call, weights apart."
)


def cost_facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return label and text for each restorer of a run's record; none while it is not finished.

    Raises
    ------
    DatasetError
        The record's entries are none of ours.
    """
    found = []
    for name, p50, p95, memory, parameters, count in _rows(record):
        text = f"p50 {p50} ms · p95 {p95} ms · memory {memory} MB · {parameters} parameters"
        found.append((f"Cost of {name}", f"{text} · n {count}"))
    return found


def costs_text(record: Mapping[str, Any]) -> str:
    """Return aligned columns for a terminal, or the empty string; raises as `cost_facts`."""
    rows = _rows(record)
    return f"{aligned([_HEADINGS, *rows])}\n{COST_NOTE}\n" if rows else ""


def costs_markdown(record: Mapping[str, Any]) -> str:
    """Return a section of Markdown, or the empty string; raises as `cost_facts`."""
    rows = _rows(record)
    if not rows:
        return ""
    ruler = ("---", *("---:" for _ in _HEADINGS[1:]))
    lines = [_HEADINGS, ruler, *((escape(row[0]), *row[1:]) for row in rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"## What it costs\n\n{table}\n\n{COST_NOTE} {escape(machine_of(record))}."


def costs_csv(record: Mapping[str, Any]) -> str:
    """Return CSV, a line for each restorer with its machine, in seconds and bytes.

    What is not known is an empty cell, and a run that is not finished has only the header.
    Raises as `cost_facts`.
    """
    return csv_text(_CSV_HEADER, (_csv_cells(record, each) for each in costs_of(record)))


def costs_of(record: Mapping[str, Any]) -> list[Efficiency]:
    """Return what each restorer costs; nothing while the run is not finished.

    Raises
    ------
    DatasetError
        The record's entries are none of ours.
    """
    entries = record.get("efficiency", [])
    if not isinstance(entries, Sequence):
        entries = [entries]  # refused by name, as any entry that is none of ours
    return [Efficiency.from_record(each) for each in entries]


def machine_of(record: Mapping[str, Any]) -> str:
    """Return the processor, its threads where a network was loaded, and who computed elsewhere."""
    environment = record["environment"]
    threads = environment.get("torch_threads")
    told = f", {threads} thread{'' if threads == 1 else 's'}" if threads else ""
    elsewhere: dict[str, list[str]] = {}
    for each in costs_of(record):
        if each.devices != (CPU,) or each.batch != 1:
            where = f"{' and '.join(each.devices)}, {each.batch} faces a call"
            elsewhere.setdefault(where, []).append(each.restorer)
    parts = [f"{', '.join(names)}: {where}" for where, names in elsewhere.items()]
    return "; ".join([f"{environment['cpu']}{told}", *parts])


def _csv_cells(record: Mapping[str, Any], each: Efficiency) -> list[Cell]:
    environment = record["environment"]
    return [
        record["suite"]["name"],
        each.restorer,
        each.p50,
        each.p95,
        each.memory,
        each.parameters,
        each.faces,
        each.batch,
        "; ".join(each.devices),
        environment["cpu"],
        environment["cpus"],
        environment["torch_threads"],
        environment["relume"],
        record["started"],
    ]


def _rows(record: Mapping[str, Any]) -> list[Sequence[str]]:
    return [_cells(each) for each in costs_of(record)]


def _cells(each: Efficiency) -> Sequence[str]:
    """Return one restorer's cells in the order of the headings; a dash for what is not known."""
    return (
        each.restorer,
        milliseconds(each.p50),
        milliseconds(each.p95),
        "-" if each.memory is None else f"{each.memory / 1e6:.1f}",
        "-" if each.parameters is None else f"{each.parameters:,}",
        str(each.faces),
    )


def milliseconds(seconds: float | None) -> str:
    """Return seconds as milliseconds with a tenth, or two digits where that shows nothing."""
    if seconds is None:
        return "-"
    return f"{seconds * 1e3:.1f}" if seconds >= 1e-4 else f"{seconds * 1e3:.2g}"

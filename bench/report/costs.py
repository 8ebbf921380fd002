"""What each restorer costs, as text: latency, working memory, parameters.

In the manifest and in tables of their own, never among the scores: they are another machine's
tomorrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.efficiency import Efficiency
from bench.report.plain import aligned, escape

__all__ = ["cost_facts", "costs_markdown", "costs_text"]

_HEADINGS = ("restorer", "p50 ms", "p95 ms", "memory MB", "parameters", "n")
_NOTE = (
    "Latency: wall time of a call with one face, n calls. Memory: how far the process grew at most "
    "within a call, weights apart."
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
    return f"{aligned([_HEADINGS, *rows])}\n{_NOTE}\n" if rows else ""


def costs_markdown(record: Mapping[str, Any]) -> str:
    """Return a section of Markdown, or the empty string; raises as `cost_facts`."""
    rows = _rows(record)
    if not rows:
        return ""
    ruler = ("---", *("---:" for _ in _HEADINGS[1:]))
    lines = [_HEADINGS, ruler, *((escape(row[0]), *row[1:]) for row in rows)]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    machine = escape(str(record["environment"]["cpu"]))
    return f"## What it costs\n\n{table}\n\n{_NOTE} {machine}."


def _rows(record: Mapping[str, Any]) -> list[Sequence[str]]:
    entries = record.get("efficiency", [])
    if not isinstance(entries, Sequence):
        entries = [entries]  # refused by name, as any entry that is none of ours
    return [_cells(Efficiency.from_record(each)) for each in entries]


def _cells(each: Efficiency) -> Sequence[str]:
    """Return one restorer's cells in the order of the headings; a dash for what is not known."""
    return (
        each.restorer,
        _milliseconds(each.p50),
        _milliseconds(each.p95),
        "-" if each.memory is None else f"{each.memory / 1e6:.1f}",
        "-" if each.parameters is None else f"{each.parameters:,}",
        str(each.faces),
    )


def _milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1e3:.1f}" if seconds >= 1e-4 else f"{seconds * 1e3:.2g}"

"""What each restorer costs: latency, working memory, parameters; one object a column.

In files and tables of their own, never in the CSV of scores: they are another machine's tomorrow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.report.model import Report
from bench.report.tables import TextTable, escape, markdown_table
from bench.runner.efficiency import Efficiency
from bench.store.rows import csv_text
from zoo.restorers.placement import CPU

COST_NOTE = (
    "Latency: wall time of a face, each in a call of its own unless told otherwise, n faces. "
    "Memory: how far it grew at most within a call, weights apart."
)


def milliseconds(seconds: float) -> str:
    """Return seconds as milliseconds with a tenth, or two digits where that shows nothing."""
    return f"{seconds * 1e3:.1f}" if seconds >= 1e-4 else f"{seconds * 1e3:.2g}"


def _megabytes(size: float) -> str:
    return f"{size / 1e6:.1f}"


def _scaled(count: float) -> str:
    """Return a number with three digits and its unit: ``1.92 M``."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= 0.9995 * size:  # else the unit below would show four digits
            return f"{f'{count / size:#.3g}'.rstrip('.')} {unit}"
    return str(count)


@dataclass(frozen=True, slots=True)
class CostColumn:
    """One cost, as every writer shows it: ``text`` in tables of text, ``brief`` in the page.

    ``key`` is the attribute of `Efficiency`, ``csv_key`` the column of the CSV.
    """

    key: str
    csv_key: str
    title: str
    unit: str
    text: Callable[[float], str]
    brief: Callable[[float], str]

    def value(self, costs: Efficiency) -> float | None:
        """Return a restorer's cost; None where it is not known."""
        value: float | None = getattr(costs, self.key)
        return value

    @property
    def heading(self) -> str:
        """Above a column of text."""
        return f"{self.title.removeprefix('latency ')} {self.unit}".rstrip()


COST_COLUMNS = (
    CostColumn("p50", "p50_seconds", "latency p50", "ms", milliseconds, milliseconds),
    CostColumn("p95", "p95_seconds", "latency p95", "ms", milliseconds, milliseconds),
    CostColumn("memory", "memory_bytes", "memory", "MB", _megabytes, _megabytes),
    CostColumn("parameters", "parameters", "parameters", "", lambda n: f"{n:,}", _scaled),
)


def costs_of(record: Mapping[str, Any]) -> list[Efficiency]:
    """Return what each restorer of a run costs; nothing while the run is not finished."""
    entries = record.get("efficiency", [])
    if not isinstance(entries, Sequence):
        entries = [entries]  # refused by name, as any other entry that cannot be read
    return [Efficiency.from_record(each) for each in entries]


def _texts(costs: Efficiency) -> list[str]:
    values = [(column, column.value(costs)) for column in COST_COLUMNS]
    return ["-" if value is None else column.text(value) for column, value in values]


def _table(record: Mapping[str, Any]) -> TextTable:
    header = ["restorer", *(column.heading for column in COST_COLUMNS), "n"]
    rows = [[each.restorer, *_texts(each), str(each.faces)] for each in costs_of(record)]
    return TextTable("", header, rows)


def cost_facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return label and text for each restorer; raises as `costs_of`."""
    facts = []
    for each in costs_of(record):
        p50, p95, memory, parameters = _texts(each)
        text = f"p50 {p50} ms · p95 {p95} ms · memory {memory} MB · {parameters} parameters"
        facts.append((f"Cost of {each.restorer}", f"{text} · n {each.faces}"))
    return facts


def costs_text(record: Mapping[str, Any]) -> str:
    """Return aligned columns for a terminal, or the empty string; raises as `costs_of`."""
    table = _table(record)
    return f"{table.terminal()}\n{COST_NOTE}\n" if table.rows else ""


def costs_markdown(record: Mapping[str, Any]) -> str:
    """Return a section of Markdown, or the empty string; raises as `costs_of`."""
    table = _table(record)
    if not table.rows:
        return ""
    text = markdown_table(table.header, table.rows)
    return f"## What it costs\n\n{text}\n\n{COST_NOTE} {escape(machine_of(record))}."


def costs_csv(report: Report) -> str:
    """Return CSV, a line for each restorer with its machine, in seconds and bytes.

    What is not known is an empty cell, and a run that is not finished has only the header.
    Raises as `costs_of`.
    """
    record = report.run.record
    environment = record["environment"]
    header = (
        "suite", "restorer", *(column.csv_key for column in COST_COLUMNS), "faces", "batch",
        "devices", "cpu", "cpus", "torch_threads", "relume", "started",
    )  # fmt: skip
    return csv_text(
        header,
        (
            [
                record["suite"]["name"], each.restorer,
                *(column.value(each) for column in COST_COLUMNS), each.faces, each.batch,
                "; ".join(each.devices), environment["cpu"], environment["cpus"],
                environment["torch_threads"], environment["relume"], record["started"],
            ]
            for each in costs_of(record)
        ),
    )  # fmt: skip


def machine_of(record: Mapping[str, Any]) -> str:
    """Return the processor, its threads where a network was loaded, and who computed elsewhere."""
    environment = record["environment"]
    count = environment.get("torch_threads")
    threads = f", {count} thread{'' if count == 1 else 's'}" if count else ""
    elsewhere: dict[str, list[str]] = {}
    for each in costs_of(record):
        if each.devices != (CPU,) or each.batch != 1:
            device = f"{' and '.join(each.devices)}, {each.batch} faces a call"
            elsewhere.setdefault(device, []).append(each.restorer)
    parts = [f"{', '.join(names)}: {device}" for device, names in elsewhere.items()]
    return "; ".join([f"{environment['cpu']}{threads}", *parts])

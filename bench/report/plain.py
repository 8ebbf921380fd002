"""The report as text: Markdown for a repository or a comment, aligned columns for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from bench.report.gaps import Gap
from bench.report.model import Line, Report, Table
from bench.report.phrases import LEGEND, LETTERS_NOTE, NOTICE, RANK_NOTE, cell_text, small_sets
from bench.report.places import Place, PlaceKey, places_of
from bench.report.signatures import signature_block, signature_sentence

__all__ = ["aligned", "escape", "markdown", "table_notes", "terminal_table"]


def markdown(report: Report) -> str:
    """Return the report as GitHub-flavoured Markdown."""
    suite, places = report.run.suite, places_of(report.groups)
    parts = [f"# {escape(suite)}", _state(report), f"> {NOTICE}"]
    for table in report.tables:
        parts += [f"## {escape(table.title)}", f"{_count(table)}.", _markdown_table(table, places)]
        parts += [f"- {escape(text)}" for text in table_notes(table)]
    ranked = f" {LETTERS_NOTE} {RANK_NOTE}" if any(places.values()) else ""
    parts.append(f"{LEGEND} **Bold**: best of the blind restorers. {_DAGGER}{ranked}")
    parts.append(signature_sentence(_signatures(report)))
    if report.gaps:
        parts += ["## Without a value", _gap_table(report.gaps)]
    environment = report.run.record["environment"]
    parts.append(
        f"Relume {environment['relume']}, Python {environment['python']}, "
        f"{escape(environment['cpu'])}, seed {report.run.record['suite']['seed']}, "
        f"started {report.run.record['started']}."
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def terminal_table(report: Report, width: int = 100) -> str:
    """Return every table as aligned columns: the mean, and the difference to the baseline.

    The second line tells images with a value / images attempted where all lines agree.

    A table wider than ``width`` is continued below, a few metrics at a time.
    """
    parts = [_state(report)] if not report.run.complete else []
    for table in report.tables:
        parts.append(f"{table.title}, {_count(table)}")
        columns = [_terminal_column(table, position) for position in table.scored()]
        names = ["", "", *(_marked_name(line) for line in table.lines)]
        parts += _folded(names, columns, width)
        parts += table_notes(table)
    parts.append(signature_block(_signatures(report)))
    return "\n".join(parts)


def _signatures(report: Report) -> dict[str, str]:
    return {
        table.columns[at].name: table.columns[at].signature
        for table in report.tables
        for at in table.scored()
    }


_DAGGER = "†: judged by a network that the restorer was trained against."


def table_notes(table: Table) -> list[str]:
    """Return a line for each metric that gave no value at all, and one for sets too small."""
    small = small_sets(table)
    return [*_not_scored(table), *([small] if small else [])]


def _not_scored(table: Table) -> list[str]:
    missing = set(range(len(table.columns))) - set(table.scored())
    lines = []
    for position in sorted(missing):
        cells = [line.cells[position] for line in table.lines]
        statuses = sorted({status for cell in cells if cell for status in cell.statuses})
        if statuses:
            why = ", ".join(statuses).replace("_", " ")
            lines.append(f"{table.columns[position].name}: no value ({why})")
    return lines


def _count(table: Table) -> str:
    if table.photographs == table.images:
        return f"{table.images} images"
    return f"{table.images} images, degraded versions of {table.photographs} photographs"


def _state(report: Report) -> str:
    if report.run.complete:
        return ""
    return "This run is not complete: run the suite again to go on where it stopped."


def _marked_name(line: Line) -> str:
    return f"{line.restorer} (oracle)" if line.is_oracle else line.restorer


def _markdown_table(table: Table, places: Mapping[PlaceKey, Mapping[str, Place]]) -> str:
    shown = table.scored()
    header = ["restorer", *(_heading(table, position) for position in shown)]
    rows = [_markdown_row(table, line, shown, places) for line in table.lines]
    ruler = ["---", *("---:" for _ in shown)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ruler, *rows])


def _markdown_row(
    table: Table,
    line: Line,
    shown: Sequence[int],
    places: Mapping[PlaceKey, Mapping[str, Place]],
) -> list[str]:
    cells = [escape(_marked_name(line))]
    for position in shown:
        text = cell_text(table, position, line.cells[position], is_baseline=line.is_baseline)
        bold = "**" if line.restorer in table.best(position) else ""
        dagger = "†" if line.daggers[position] else ""
        parts = [f"{bold}{text.mean}{bold}{dagger}", text.infinite]
        parts += [f"({text.difference})" if text.difference else ""]
        place = places.get(table.key(position), {}).get(line.restorer)
        rank = f"rank {place.rank} {place.letters}" if place else ""
        small = ", ".join(part for part in (text.interval, f"n {text.coverage}", rank) if part)
        cells.append(" ".join(part for part in parts if part) + f"<br><sub>{small}</sub>")
    return cells


def _gap_table(gaps: Sequence[Gap]) -> str:
    header = ["status", "metric", "restorers", "rows", "reason"]
    rows = [
        [gap.status, gap.metric, ", ".join(gap.restorers), str(gap.count), gap.detail]
        for gap in gaps
    ]
    lines = [header, ["---"] * len(header), *([escape(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _heading(table: Table, position: int) -> str:
    column = table.columns[position]
    unit = f" {column.unit}" if column.unit else ""
    return f"{column.name}{unit} {column.arrow}"


def escape(text: str) -> str:
    """Return text as one line of Markdown in which no sign is markup.

    GitHub still turns ``@name`` and ``#1`` into links; nothing keeps it from that but code.
    """
    for sign in "\\`*_[]<>|~$&":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def _terminal_column(table: Table, position: int) -> list[str]:
    texts = [
        cell_text(table, position, line.cells[position], is_baseline=line.is_baseline)
        for line in table.lines
    ]
    coverages = {text.coverage for text in texts}
    shared = f"n {coverages.pop()}" if len(coverages) == 1 else ""
    means = [
        f"{text.mean}{'†' if line.daggers[position] else ''}"
        + (f" {text.infinite}" if text.infinite else "")
        + ("" if shared else f" n {text.coverage}")
        for line, text in zip(table.lines, texts, strict=True)
    ]
    gaps = [f"({text.difference})" if text.difference else "" for text in texts]
    widest_mean, widest_gap = max(map(_width, means)), max(map(_width, gaps))
    body = [
        _right(mean, widest_mean) + " " * bool(widest_gap) + _right(gap, widest_gap)
        for mean, gap in zip(means, gaps, strict=True)
    ]
    return [_heading(table, position), shared, *body]


def _folded(names: list[str], columns: list[list[str]], width: int) -> list[str]:
    """Lay out columns beside the names, starting anew when the width is used up."""
    margin = max(map(_width, names)) + 2
    blocks: list[list[list[str]]] = [[]]
    used = margin
    for column in columns:
        needed = max(map(_width, column)) + 2
        if blocks[-1] and used + needed > width:
            blocks.append([])
            used = margin
        blocks[-1].append(column)
        used += needed
    return [_block(names, block, margin) for block in blocks]


def _block(names: list[str], columns: list[list[str]], margin: int) -> str:
    widths = [max(map(_width, column)) for column in columns]
    lines = []
    for index, name in enumerate(names):
        cells = (_right(c[index], w) for c, w in zip(columns, widths, strict=True))
        lines.append("  ".join([name + " " * (margin - 2 - _width(name)), *cells]).rstrip())
    return "\n".join(lines) + "\n"


def aligned(lines: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """Return lines of cells as columns, right-aligned but for those in ``left``."""
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    rows = []
    for line in lines:
        cells = [
            cell + " " * (width - _width(cell)) if place in left else _right(cell, width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        rows.append("  ".join(cells).rstrip())
    return "\n".join(rows)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _right(text: str, width: int) -> str:
    return " " * (width - _width(text)) + text

"""The leaderboards as text: aligned columns for a terminal, Markdown, and CSV in long form."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.report.cells import (
    LEGEND,
    LETTERS_NOTE,
    NOTICE,
    RANK_NOTE,
    Board,
    CellView,
    boards_of,
    table_notes,
)
from bench.report.costs import costs_markdown
from bench.report.model import MissingValues, Report
from bench.report.severity import severity_markdown
from bench.report.significance import groups_markdown, win_rates_markdown
from bench.report.tables import (
    escape,
    markdown_table,
    signature_block,
    signature_sentence,
)
from bench.stats.scores import Score
from bench.store.rows import CsvValue, csv_text, format_number
from degrade.terminal import padded, text_width

_DAGGER = "†: judged by a network that the restorer was trained against."


def markdown_document(report: Report) -> str:
    """Return the whole report as GitHub-flavoured Markdown."""
    parts = [
        markdown(report),
        groups_markdown(report.groups),
        win_rates_markdown(report.wins),
        costs_markdown(report.run.record),
        *severity_markdown(report.severity),
    ]
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def markdown(report: Report) -> str:
    """Return the leaderboards as GitHub-flavoured Markdown."""
    boards = boards_of(report, costs=False)
    parts = [f"# {escape(report.run.suite)}", _state(report), f"> {NOTICE}"]
    for board in boards:
        parts += [f"## {escape(board.table.title)}", f"{board.table.count}.", _markdown(board)]
        parts += [f"- {escape(text)}" for text in table_notes(board.table)]
    ranked = f" {LETTERS_NOTE} {RANK_NOTE}" if any(each.letters for each in report.groups) else ""
    parts.append(f"{LEGEND} **Bold**: best of the blind restorers. {_DAGGER}{ranked}")
    parts.append(signature_sentence(report.signatures))
    if report.gaps:
        parts += ["## Without a value", _gap_table(report.gaps)]
    environment = report.run.record["environment"]
    parts.append(
        f"Relume {environment['relume']}, Python {environment['python']}, "
        f"{escape(environment['cpu'])}, seed {report.run.record['suite']['seed']}, "
        f"started {report.run.record['started']}."
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _state(report: Report) -> str:
    if report.run.complete:
        return ""
    return "This run is not complete: run the suite again to go on where it stopped."


def _markdown(board: Board) -> str:
    header = ["restorer", *(head.column.heading for head in board.heads)]
    rows = [[escape(row.line.label), *map(_markdown_cell, row.cells)] for row in board.rows]
    return markdown_table(header, rows, escaped=True)


def _markdown_cell(cell: CellView) -> str:
    bold = "**" if cell.best else ""
    difference = f"({cell.difference})" if cell.difference else ""
    parts = [f"{bold}{cell.mean}{bold}{'†' if cell.dagger else ''}", cell.infinite, difference]
    rank = f"rank {cell.rank.rank} {cell.rank.letters}" if cell.rank else ""
    small = ", ".join(filter(None, (cell.interval, f"n {cell.coverage}", rank)))
    return " ".join(filter(None, parts)) + f"<br><sub>{small}</sub>"


def _gap_table(gaps: Sequence[MissingValues]) -> str:
    rows = [
        [
            missing.status,
            missing.metric,
            ", ".join(missing.restorers),
            str(missing.count),
            missing.detail,
        ]
        for missing in gaps
    ]
    return markdown_table(["status", "metric", "restorers", "rows", "reason"], rows, range(5))


def terminal_table(report: Report, width: int = 100) -> str:
    """Return every table as aligned columns: the mean, and the difference to the baseline.

    The second line says images with a value / images attempted where all lines agree. A table
    wider than ``width`` is continued below, a few metrics at a time.
    """
    parts = [_state(report)] if not report.run.complete else []
    for board in boards_of(report, costs=False):
        parts.append(f"{board.table.title}, {board.table.count}")
        columns = [_terminal_column(board, position) for position in range(len(board.heads))]
        names = ["", "", *(row.line.label for row in board.rows)]
        parts += _folded(names, columns, width)
        parts += table_notes(board.table)
    parts.append(signature_block(report.signatures))
    return "\n".join(parts)


def _terminal_column(board: Board, position: int) -> list[str]:
    head, cells = board.heads[position], [row.cells[position] for row in board.rows]
    means = [
        f"{cell.mean}{'†' if cell.dagger else ''}"
        + (f" {cell.infinite}" if cell.infinite else "")
        + ("" if head.coverage else f" n {cell.coverage}")
        for cell in cells
    ]
    differences = [f"({cell.difference})" if cell.difference else "" for cell in cells]
    widths = [max(map(text_width, texts)) for texts in (means, differences)]
    body = [
        padded(mean, widths[0], right=True)
        + " " * bool(widths[1])
        + padded(difference, widths[1], right=True)
        for mean, difference in zip(means, differences, strict=True)
    ]
    return [head.column.heading, f"n {head.coverage}" if head.coverage else "", *body]


def _folded(names: list[str], columns: list[list[str]], width: int) -> list[str]:
    """Lay out columns beside the names, starting anew when the width is used up."""
    margin = max(map(text_width, names)) + 2
    blocks: list[list[list[str]]] = [[]]
    used = margin
    for column in columns:
        needed = max(map(text_width, column)) + 2
        if blocks[-1] and used + needed > width:
            blocks.append([])
            used = margin
        blocks[-1].append(column)
        used += needed
    return [_block(names, block, margin) for block in blocks]


def _block(names: list[str], columns: list[list[str]], margin: int) -> str:
    widths = [max(map(text_width, column)) for column in columns]
    lines = []
    for index, name in enumerate(names):
        cells = [padded(c[index], w, right=True) for c, w in zip(columns, widths, strict=True)]
        lines.append("  ".join([padded(name, margin - 2), *cells]).rstrip())
    return "\n".join(lines) + "\n"


# The last digits of a mean of resamples depend on how a CPU adds; these do not.
_DIGITS = 9


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(format_number(value, _DIGITS))


_CSV_COLUMNS: tuple[tuple[str, Callable[[Score], CsvValue]], ...] = (
    ("mean", lambda cell: _rounded(cell.mean.mean)),
    ("low", lambda cell: _rounded(cell.mean.low)),
    ("high", lambda cell: _rounded(cell.mean.high)),
    ("n", lambda cell: cell.n),
    ("infinite", lambda cell: cell.infinite),
    ("attempted", lambda cell: cell.attempted),
    ("coverage", lambda cell: _rounded(cell.coverage)),
    ("difference", lambda cell: _rounded(cell.difference.mean)),
    ("difference_low", lambda cell: _rounded(cell.difference.low)),
    ("difference_high", lambda cell: _rounded(cell.difference.high)),
    ("difference_n", lambda cell: cell.difference_n),
    ("difference_infinite", lambda cell: cell.difference_infinite),
    ("statuses", lambda cell: "; ".join(f"{s} {n}" for s, n in cell.statuses.items())),
)


def leaderboard_csv(report: Report) -> str:
    """Return CSV text, one line for each condition, restorer and metric.

    ``low`` and ``high`` bound the 95 % bootstrap interval of ``mean``; ``difference`` is
    against the baseline on the same images; ``coverage`` is ``(n + infinite) / attempted``;
    ``statuses`` reads ``ok 7; no_face 1``. No value is an empty cell. The bytes are the same for
    equal rows.
    """
    header = (
        "suite", "dataset", "recipe", "restorer", "kind", "blind", "metric", "direction", "unit",
        "signature", "judged_by_training_network", *(name for name, _ in _CSV_COLUMNS),
    )  # fmt: skip
    return csv_text(
        header,
        (
            [
                report.run.suite, table.dataset, table.recipe, line.restorer,
                str(line.card["kind"]), not line.is_oracle, column.name, column.entry.direction,
                column.entry.unit, column.entry.signature, dagger,
                *(value(cell) for _, value in _CSV_COLUMNS),
            ]
            for table in report.tables
            for line in table.lines
            for column, cell, dagger in zip(table.columns, line.cells, line.daggers, strict=True)
            if cell is not None
        ),
    )  # fmt: skip

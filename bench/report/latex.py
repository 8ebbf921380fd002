"""The leaderboard as LaTeX: one booktabs table for each condition, ready for a paper."""

from __future__ import annotations

from bench.report.cells import LETTERS_NOTE, Board, BoardRow, boards_of, table_notes
from bench.report.model import Report
from bench.report.tables import signature_sentence

_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "°": r"\textdegree{}",
    "×": r"$\times$", "−": r"$-$", "∞": r"$\infty$", "†": r"$\dagger$", "–": "--",
    "μ": r"\textmu{}",
}  # fmt: skip


def latex(report: Report) -> str:
    """Return LaTeX for the packages booktabs and textcomp.

    A cell is the mean, bold where it is the best of the blind restorers, with the ends of its
    95 % interval below; † stands where a network judges that the restorer was trained against,
    and letters where restorers differ significantly.
    """
    parts = ["% needs \\usepackage{booktabs,textcomp}"]
    boards = boards_of(report, costs=False)
    parts += [_table(report, board, number) for number, board in enumerate(boards, start=1)]
    return "\n\n".join(parts) + "\n"


def _table(report: Report, board: Board, number: int) -> str:
    table, columns = board.table, [head.column for head in board.heads]
    heads = [
        rf"{_escaped(each.name)} $\{'uparrow' if each.higher_is_better else 'downarrow'}$"
        for each in columns
    ]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_escaped(report.run.suite)}: {_escaped(table.title)}, "
        rf"{table.images} images of {table.photographs} photographs.}}",
        rf"\label{{tab:relume-{number}}}",
        rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
        r"\toprule",
        _row(["restorer", *heads]),
    ]
    for rows in board.bodies.values():
        lines += [r"\midrule", *(line for row in rows for line in _rows(row))]
    lines += [r"\bottomrule", r"\end{tabular}", r"\par"]
    signatures = {each.name: each.entry.signature for each in columns}
    small = [f"{note}." for note in table_notes(table) if "compare it only at equal n" in note]
    letters = [LETTERS_NOTE] if board.lettered else []
    sentence = " ".join([signature_sentence(signatures, code=""), *letters, *small])
    lines += [rf"{{\scriptsize {_escaped(sentence)}}}", r"\end{table}"]
    return "\n".join(lines)


def _rows(row: BoardRow) -> list[str]:
    """Return the line of means and, where there are intervals, one of those below it."""
    means, spreads = [_escaped(row.line.label)], [""]
    for cell in row.cells:
        mean = _escaped(cell.mean)
        mean = rf"\textbf{{{mean}}}" if cell.best else mean
        letters = rf"\mathrm{{{cell.rank.letters}}}" if cell.rank else ""
        marks = (r"\dagger" if cell.dagger else "") + letters
        infinite = f" {_escaped(cell.infinite)}" if cell.infinite else ""
        mark = f"$^{{{marks}}}$" if marks else ""
        means.append(f"{mean}{mark}{infinite}")
        spread = _escaped(cell.interval)
        spreads.append(rf"{{\scriptsize {spread}}}" if spread else "")
    return [_row(means), _row(spreads)] if any(spreads) else [_row(means)]


def _row(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _escaped(text: str) -> str:
    """Return text in which no sign is a command; line ends become spaces."""
    return "".join(_SIGNS.get(sign, sign) for sign in " ".join(text.split()))

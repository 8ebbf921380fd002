"""The leaderboard as LaTeX: one booktabs table for each condition, ready for a paper."""

from __future__ import annotations

from collections.abc import Mapping

from bench.report.model import Line, Report, Table
from bench.report.phrases import LETTERS_NOTE, cell_text, small_sets
from bench.report.places import Place, PlaceKey, places_of
from bench.report.signatures import signature_sentence

__all__ = ["latex"]

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
    and letters where restorers can be told apart.
    """
    places = places_of(report.groups)
    parts = ["% needs \\usepackage{booktabs,textcomp}"]
    parts += [_table(report, table, n, places) for n, table in enumerate(report.tables, start=1)]
    return "\n\n".join(parts) + "\n"


def _table(
    report: Report, table: Table, number: int, places: Mapping[PlaceKey, Mapping[str, Place]]
) -> str:
    shown = table.scored()
    heads = [
        rf"{_escaped(table.columns[at].name)} $\{'uparrow' if at_higher else 'downarrow'}$"
        for at, at_higher in ((at, table.columns[at].higher_is_better) for at in shown)
    ]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_escaped(report.run.suite)}: {_escaped(table.title)}, "
        rf"{table.images} images of {table.photographs} photographs.}}",
        rf"\label{{tab:relume-{number}}}",
        rf"\begin{{tabular}}{{l{'r' * len(shown)}}}",
        r"\toprule",
        _row(["restorer", *heads]),
        r"\midrule",
    ]
    kind = None
    for line in table.lines:
        now = line.is_oracle, line.is_baseline
        if kind is not None and now != kind:
            lines.append(r"\midrule")
        kind = now
        lines += _rows(table, line, shown, places)
    lines += [r"\bottomrule", r"\end{tabular}", r"\par"]
    signatures = {table.columns[at].name: table.columns[at].signature for at in shown}
    lettered = any(places.get(table.key(at)) for at in shown)
    told = f"{signature_sentence(signatures, code='')}{f' {LETTERS_NOTE}' if lettered else ''}"
    small = small_sets(table)
    sentence = _escaped(f"{told} {small}." if small else told)
    lines += [rf"{{\scriptsize {sentence}}}", r"\end{table}"]
    return "\n".join(lines)


def _rows(
    table: Table,
    line: Line,
    shown: tuple[int, ...],
    places: Mapping[PlaceKey, Mapping[str, Place]],
) -> list[str]:
    name = f"{line.restorer} (oracle)" if line.is_oracle else line.restorer
    means, spreads = [_escaped(name)], [""]
    for at in shown:
        text = cell_text(table, at, line.cells[at], is_baseline=line.is_baseline)
        mean = _escaped(text.mean)
        mean = rf"\textbf{{{mean}}}" if line.restorer in table.best(at) else mean
        place = places.get(table.key(at), {}).get(line.restorer)
        marks = (r"\dagger" if line.daggers[at] else "") + (
            rf"\mathrm{{{place.letters}}}" if place else ""
        )
        mark = f"$^{{{marks}}}$" if marks else ""
        infinite = f" {_escaped(text.infinite)}" if text.infinite else ""
        means.append(f"{mean}{mark}{infinite}")
        spread = _escaped(text.interval)
        spreads.append(rf"{{\scriptsize {spread}}}" if spread else "")
    return [_row(means), _row(spreads)] if any(spreads) else [_row(means)]


def _row(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _escaped(text: str) -> str:
    """Return text in which no sign is a command; line ends become spaces."""
    return "".join(_SIGNS.get(sign, sign) for sign in " ".join(text.split()))

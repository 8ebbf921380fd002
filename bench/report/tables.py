"""Small tables of text: one description, written for a terminal or as Markdown.

Also what the writers share: escaped text, numbers with signs, signatures. It knows no report.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.stats.bootstrap import Interval
from degrade.terminal import columns


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of text, its title above and its notes below; without a row there is no table.

    ``left`` has the positions of the columns that are aligned left.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    left: Collection[int] = (0,)

    def terminal(self) -> str:
        """Return aligned columns, the title above and the notes below them."""
        table = [aligned([self.header, *self.rows], self.left)] if self.rows else []
        return "\n".join([*([self.title] if self.title else []), *table, *self.notes])

    def markdown(self) -> list[str]:
        """Return the parts of a Markdown document: title in bold, table, notes."""
        table = [markdown_table(self.header, self.rows, self.left)] if self.rows else []
        title = [f"**{escape(self.title)}**"] if self.title else []
        return [*title, *table, *(escape(note) for note in self.notes)]


def aligned(rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> str:
    """Return rows of cells as columns, right-aligned but for those in ``left``."""
    return "\n".join(columns(rows, left))


def markdown_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    left: Collection[int] = (0,),
    *,
    escaped: bool = False,
) -> str:
    """Return a Markdown table; cells that are ``escaped`` already may hold markup."""
    ruler = ["---" if position in left else "---:" for position in range(len(header))]
    body = [header, *rows]
    texts = body if escaped else [[escape(cell) for cell in row] for row in body]
    return "\n".join(f"| {' | '.join(row)} |" for row in (texts[0], ruler, *texts[1:]))


def escape(text: str) -> str:
    """Return text as one line of Markdown in which no sign is markup.

    GitHub still turns ``@name`` and ``#1`` into links; nothing keeps it from that but code.
    """
    for sign in "\\`*_[]<>|~$&":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def signed(value: float | None, digits: int, *, plus: bool = True) -> str:
    """Return a number with a proper minus, and a plus where it is a difference; a dash for none."""
    if value is None:
        return "–"
    rounded = round(value, digits) + 0.0  # no "-0.00"
    return f"{rounded:{'+' if plus and rounded else ''}.{digits}f}".replace("-", "−")


def interval_text(interval: Interval, digits: int, *, plus: bool = True) -> str:
    """Return ``−0.12 to −0.08``, or the empty string without an interval."""
    if interval.low is None or interval.high is None:
        return ""
    return (
        f"{signed(interval.low, digits, plus=plus)} to {signed(interval.high, digits, plus=plus)}"
    )


def shared_decimals(differences: Iterable[float | None]) -> int:
    """Return how many decimals show three digits of the largest difference, at most five."""
    largest = max((abs(each) for each in differences if each), default=0.0)
    return min(5, max(0, 2 - math.floor(math.log10(largest)))) if largest else 0


def p_text(value: float) -> str:
    """Return a p value with three decimals and no leading zero."""
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def count_range(counts: Iterable[int], between: str = " to ") -> str:
    """Return ``12``, or ``11 to 12`` where counts differ."""
    known = sorted(set(counts)) or [0]
    return f"{known[0]}" if len(known) == 1 else f"{known[0]}{between}{known[-1]}"


def signature_block(signatures: Mapping[str, str]) -> str:
    """Return a line for each metric's signature: no value is shown without what decides it."""
    width = max(map(len, signatures), default=0)
    lines = [f"  {name.ljust(width)}  {signature}" for name, signature in signatures.items()]
    return "\n".join(["signatures", *lines])


def signature_sentence(signatures: Mapping[str, str], code: str = "`") -> str:
    """Return them as one sentence, each between two signs of ``code``."""
    listed = "; ".join(
        f"{name} is {code}{signature}{code}" for name, signature in signatures.items()
    )
    return f"Signatures: {listed}."

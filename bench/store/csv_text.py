"""CSV text that is the same bytes for the same cells and safe to open in a spreadsheet.

Formats cells; it knows of no table in particular.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

__all__ = ["Cell", "csv_text", "format_number"]

Cell = str | int | float | bool | None

# A spreadsheet runs a cell that begins so as a formula:
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return CSV with line feeds as line ends; None is an empty cell.

    Text that a spreadsheet would run as a formula gets a leading apostrophe, as OWASP
    advises; numbers are never touched, so ``-0.5`` stays a number.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(cell) for cell in row])
    return text.getvalue()


def format_number(value: float | None, digits: int = 17) -> str:
    """Return a float in full (17 digits: reading it back gives the same) or rounded.

    Infinity is ``inf``, None the empty string.
    """
    if value is None:
        return ""
    return repr(float(value)) if digits >= 17 else f"{value:.{digits}g}"


def _cell(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
    return format_number(cell) if isinstance(cell, float) else "" if cell is None else str(cell)

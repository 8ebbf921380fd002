"""Rows: one value of one metric for one restored image, kept line by line as they come.

The log only ever grows while a run works, so a kill at any moment costs at most the line
being written. Nothing here knows how a value is computed or averaged.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from bench.metrics.entry import Status
from degrade.errors import DatasetError

RowKey = tuple[str, str, str, int, str, str]
"""``(dataset, recipe, key, variant, restorer, metric)``: one row stands for each."""


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One value, or the reason there is none."""

    suite: str  # names
    dataset: str
    recipe: str
    key: str  # the image's relative name; empty for a metric of a whole set
    variant: int  # which degraded version of the image
    restorer: str
    metric: str
    # Everything that decides the value; values of different signatures are never averaged
    signature: str
    value: float | None  # A float, possibly infinite, never NaN; None unless ``status`` is ``ok``
    status: str  # A `bench.metrics.metric.Status`
    detail: str  # one line: what mends it, or what went wrong
    n: int  # how many images the value was computed from

    def row_key(self) -> RowKey:
        """Return what identifies the row."""
        return (self.dataset, self.recipe, self.key, self.variant, self.restorer, self.metric)

    def to_json(self) -> str:
        """Return one line of strict JSON; infinities are the strings ``inf`` and ``-inf``."""
        record = asdict(self)
        if self.value is not None and not math.isfinite(self.value):
            record["value"] = format_number(self.value)
        return json.dumps(record, allow_nan=False)

    @staticmethod
    def from_json(line: str) -> ScoreRow:
        """Rebuild a row from `to_json`; raises ValueError or TypeError when it is not one."""
        record: dict[str, Any] = json.loads(line)
        if record.get("value") is not None:
            record["value"] = float(record["value"])
        row = ScoreRow(**record)
        Status(row.status)
        return row


class RowBuffer:
    """Rows in memory, and which of them are settled.

    Rows that carry a value, or that say the truth shows no face, are settled; all others (an error,
    missing weights) are measured again when the run goes on.
    """

    def __init__(self, known: Iterable[ScoreRow] = ()) -> None:
        self._rows: dict[RowKey, ScoreRow] = {row.row_key(): row for row in known}
        self._new: dict[RowKey, ScoreRow] = {}

    @property
    def rows(self) -> Mapping[RowKey, ScoreRow]:
        """Every row so far, the latest of each key."""
        return self._rows

    @property
    def new(self) -> tuple[ScoreRow, ...]:
        """The rows that came in since it was made, the latest of each key."""
        return tuple(self._new.values())

    def settled(self, key: RowKey) -> bool:
        """Say whether the row of this key needs no second attempt."""
        retried = (Status.ERROR, Status.WEIGHTS_MISSING, Status.PACKAGE_MISSING)
        return key in self._rows and self._rows[key].status not in retried

    def append(self, row: ScoreRow) -> None:
        """Keep one row in place of the one of its key; an equal one changes nothing."""
        if self._rows.get(row.row_key()) != row:
            self._keep(row)
            self._rows[row.row_key()] = self._new[row.row_key()] = row

    def forget_known(self) -> None:
        """Keep only the new rows, as when they are sent to another process."""
        self._rows = dict(self._new)

    def _keep(self, row: ScoreRow) -> None:
        """Write a new row; in memory there is nothing to do."""


class RowLog(RowBuffer):
    """The growing ``rows.jsonl`` of a run; a context manager.

    A torn last line (the process was killed while writing it) is cut off on opening; a row is
    written and flushed as it comes, and replaces an older one of the same key on reading.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._file: TextIO | None = None

    def __enter__(self) -> RowLog:
        _cut_torn_line(self._path)
        self._rows = {row.row_key(): row for row in read_rows(self._path)}
        self._file = self._path.open("a", encoding="utf-8", newline="\n")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def _keep(self, row: ScoreRow) -> None:
        assert self._file is not None, "RowLog is used inside a with statement"
        self._file.write(row.to_json() + "\n")
        self._file.flush()


def read_rows(path: Path) -> list[ScoreRow]:
    """Return the rows of a ``rows.jsonl``, the latest of each key, in order of appearance.

    An incomplete last line is left out; DatasetError for any other that is not a row.
    """
    if not path.exists():
        return []
    rows = []
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            rows.append(ScoreRow.from_json(line))
        except (ValueError, TypeError, AttributeError) as problem:
            raise DatasetError(
                f"{path} line {number}: this is not a row of a run: delete the line "
                "and run the suite again"
            ) from problem
    return latest(rows)


def latest(rows: Iterable[ScoreRow]) -> list[ScoreRow]:
    """Return one row of each key, the last one given."""
    return list({row.row_key(): row for row in rows}.values())


def rows_csv(rows: Iterable[ScoreRow]) -> str:
    """Return rows as CSV text with a header line; ``inf`` for infinity, empty for no value."""
    names = [field.name for field in fields(ScoreRow)]
    return csv_text(names, ([getattr(row, name) for name in names] for row in rows))


def _cut_torn_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("r+b") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            file.truncate(whole)


CsvValue = str | int | float | bool | None

# A spreadsheet runs a cell that begins so as a formula:
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[CsvValue]]) -> str:
    """Return CSV with line feeds as line ends; None is an empty cell.

    Text that a spreadsheet would run as a formula gets a leading apostrophe, as OWASP
    advises; numbers are never touched, so ``-0.5`` stays a number.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_csv_cell(cell) for cell in row])
    return text.getvalue()


def format_number(value: float | None, digits: int = 17) -> str:
    """Return a float in full (17 digits: reading it back gives the same) or rounded.

    Infinity is ``inf``, None the empty string.
    """
    if value is None:
        return ""
    return repr(float(value)) if digits >= 17 else f"{value:.{digits}g}"


def _csv_cell(cell: CsvValue) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
    return format_number(cell) if isinstance(cell, float) else "" if cell is None else str(cell)

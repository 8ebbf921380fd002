"""``faces.jsonl``: one line a face, and one for a photo without any, kept through interruptions.

While a run goes on the lines are added to ``faces.jsonl.part``; the file itself appears whole, in
the order of the photos, when the run ends.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO

from degrade.dataset.folder_lock import hold_file
from degrade.errors import DatasetError
from degrade.images import atomic_file

__all__ = ["FaceRecords", "Row", "photo_row"]

Row = Mapping[str, object]
"""What `zoo.portrait.face.FaceRecord.as_record` returns, and `photo_row`."""


def photo_row(photo: str, status: str, reason: str) -> Row:
    """Return the row of a photo without a face to report: ``face`` is None."""
    return {"photo": photo, "face": None, "status": status, "reason": reason}


class FaceRecords:
    """The records of a run.

    Parameters
    ----------
    path
        Where the records go in the end.
    settings
        What the photos are restored with, in a few characters; stands in every row.
    resume
        Whether photos that an earlier run with the same settings finished are known.

    Raises
    ------
    DatasetError
        When its with block begins: another process writes these records, or what is to be resumed
        holds none.
    """

    def __init__(self, path: Path, settings: str, *, resume: bool = False) -> None:
        self.path, self._settings = path, settings
        self._part = path.with_name(f"{path.name}.part")
        self._rows: dict[str, list[Row]] = {}
        self._resume, self._held = resume, ExitStack()
        self._file: IO[str] | None = None

    def __enter__(self) -> FaceRecords:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._held.enter_context(hold_file(self.path))
        if self._resume:
            self._rows = _finished([*_read(self.path), *_read(self._part)], self._settings)
        self._file = self._part.open("w", encoding="utf-8")
        for rows in self._rows.values():
            self._write(rows)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
        self._held.close()

    def earlier(self, photo: str) -> Sequence[Row]:
        """Return the rows that an earlier run wrote of a photo, none if it did not finish it."""
        return self._rows.get(photo, ())

    def add(self, photo: str, rows: Iterable[Row]) -> None:
        """Keep the rows of one photo, together, once its result is written."""
        complete: list[Row] = [{**row, "settings": self._settings} for row in rows]
        self._rows[photo] = complete
        self._write(complete)

    def finish(self, photos: Iterable[str]) -> None:
        """Write the records of these photos, in their order, in place of the part."""
        with atomic_file(self.path) as file:
            for photo in photos:
                file.write("".join(map(_line, self._rows.get(photo, ()))).encode())
        if self._file is not None:
            self._file.close()
        self._part.unlink(missing_ok=True)

    def _write(self, rows: Sequence[Row]) -> None:
        assert self._file is not None, "records are written to within its with block"
        self._file.write("".join(map(_line, rows)))
        self._file.flush()
        os.fsync(self._file.fileno())


def _line(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def _read(path: Path) -> list[Row]:
    if not path.is_file():
        return []
    rows: list[Row] = []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError:
            if number == len(lines):  # cut when the earlier run was killed
                break
            row = None
        if not isinstance(row, dict) or not isinstance(row.get("photo"), str):
            raise DatasetError(
                f"{path} holds no records of faces (line {number}): leave out --resume, or name "
                "another file by --jsonl"
            )
        rows.append(row)
    return rows


def _finished(rows: Iterable[Row], settings: str) -> dict[str, list[Row]]:
    """Return the rows of photos none of which failed or was made with other settings."""
    by_photo: dict[str, dict[object, Row]] = {}
    for row in rows:
        by_photo.setdefault(str(row["photo"]), {})[row.get("face")] = row
    return {
        photo: list(faces.values())
        for photo, faces in by_photo.items()
        if all(
            row.get("settings") == settings and row.get("status") != "failed"
            for row in faces.values()
        )
    }

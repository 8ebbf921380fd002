"""What was done to a photo, in plain words: from its rows of ``faces.jsonl``."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.portrait.files.records import Row

__all__ = ["face_lines", "photo_summary"]


def photo_summary(rows: Sequence[Row]) -> str:
    """Return one line, such as ``2 faces restored with style-256; 1 skipped: too small``.

    Parameters
    ----------
    rows
        Of one photo. Without faces the line is the reason that its row has.
    """
    faces = [row for row in rows if row["face"] is not None]
    if not faces:
        return "; ".join(str(row["reason"]) for row in rows)
    parts = []
    restored = [row for row in faces if row["status"] in ("restored", "blended")]
    for model in dict.fromkeys(str(row["model"]) for row in restored):
        count = sum(row["model"] == model for row in restored)
        parts.append(f"{count} {_faces(count)} restored with {model}")
    if blended := sum(row["status"] == "blended" for row in restored):
        parts.append(f"{blended} of them blended back to stay the same person")
    for status in ("skipped", "failed"):
        left = [row for row in faces if row["status"] == status]
        for reason in dict.fromkeys(_short(row) for row in left):
            count = sum(_short(row) == reason for row in left)
            noun = f" {_faces(count)}" if not restored else ""
            parts.append(f"{count}{noun} {status}: {reason}")
    return "; ".join(parts)


def face_lines(rows: Sequence[Row], limit: float | None) -> list[tuple[str, str, str, str]]:
    """Return cells for each face of a photo: number, what became of it, size, identity or reason.

    Parameters
    ----------
    limit
        The farthest that the identity may move; None where it is not checked.
    """
    lines = []
    for row in rows:
        if row["face"] is None:
            continue
        told = str(row["status"])
        if told in ("restored", "blended"):
            told = f"restored with {row['model']}"
        if row["status"] == "blended":
            told += f", {float(str(row['blend'])):.0%} of the change"
        detail = _short(row)
        if row["identity"] is not None:
            told_limit = "" if limit is None else f" (limit {limit:g})"
            detail = f"identity {float(str(row['identity'])):.2f}{told_limit}"
        elif row["status"] in ("restored", "blended"):
            detail = "identity not checked"
        lines.append((f"face {row['face']}", told, f"{float(str(row['size'])):.0f} px", detail))
    return lines


def _faces(count: int) -> str:
    return "face" if count == 1 else "faces"


def _short(row: Row) -> str:
    """Return the first clause of the reason, without its figures."""
    reason = str(row["reason"])
    if row["status"] == "failed":
        return reason.removeprefix("left as it was: ")
    return reason.removeprefix("left as it was: ").partition(":")[0].partition(" (")[0]

"""The verdict of a gate as Markdown for a pull request, never too long to be posted."""

from __future__ import annotations

from collections.abc import Sequence

from bench.gate.summary import HEADER, cells, failure_images, failure_text, headline, legend
from bench.gate.verdict import Check, Outcome, Verdict
from bench.report.plain import escape

__all__ = ["LONGEST", "verdict_markdown"]

LONGEST = 65_536
"""GitHub refuses longer comments ("body is too long (maximum is 65536 characters)", its REST
interface). Bytes of UTF-8 are counted here, so that it holds however signs are counted."""

_CELL = 120
_ROOM = 3_000


def verdict_markdown(verdict: Verdict, longest: int = LONGEST) -> str:
    """Return Markdown of at most ``longest`` bytes: the failures first, then all checks, folded.

    What does not fit is left out from the end, and the text says how many lines that were.

    Parameters
    ----------
    longest
        At least 8 192.
    """
    room = _Room(longest - _ROOM)
    mark = {Outcome.PASSED: "✅", Outcome.REGRESSION: "❌"}.get(verdict.outcome, "⚠️")
    parts = [f"### {mark} {_brief(headline(verdict), 800)}"]
    if verdict.failures:
        parts.append(room.lines(_failure_lines(verdict.failures)))
    if verdict.notes:
        parts.append(room.lines([f"- {_brief(note, 300)}" for note in verdict.notes]))
    if verdict.checks:
        signatures = {check.metric: check.signature for check in verdict.checks}
        listed = room.lines([f"- {escape(name)} is `{s}`" for name, s in signatures.items()])
        rows = [_row(check) for check in (*verdict.failures, *_passed(verdict))]
        head = ["data set × recipe", *HEADER[:-1], "verdict"]
        ruler = ["---"] * 3 + ["---:"] * 7 + ["---"]
        top = [f"| {' | '.join(line)} |" for line in (head, ruler)]
        table = "\n".join([*top, room.lines(rows)])
        opened = " open" if len(verdict.checks) <= 12 else ""
        title = f"{len(verdict.checks)} checks"
        parts += [f"<details{opened}><summary>{title}</summary>", table, listed, "</details>"]
        parts.append(f"<sub>{legend(verdict)}</sub>")
    text = "\n\n".join(parts) + "\n"
    assert len(text.encode("utf-8", "backslashreplace")) <= longest, "the room is too small"
    return text


class _Room:
    """Bytes that are left for lines."""

    def __init__(self, size: int) -> None:
        self._left = size

    def lines(self, lines: Sequence[str]) -> str:
        """Return as many lines as fit, and a last one that counts the others."""
        kept: list[str] = []
        for number, line in enumerate(lines):
            size = len(line.encode("utf-8", "backslashreplace")) + 1
            if size > self._left:
                kept.append(f"… and {len(lines) - number} more, left out for their length")
                break
            self._left -= size
            kept.append(line)
        return "\n".join(kept)


def _failure_lines(failures: Sequence[Check]) -> list[str]:
    lines = []
    for check in failures:
        lines.append(f"- **{_brief(check.name, 200)}**: {failure_text(check)}")
        lines += [f"  - {_brief(line, 500)}" for line in failure_images(check)]
    return lines


def _passed(verdict: Verdict) -> list[Check]:
    return [check for check in verdict.checks if not check.failed]


def _row(check: Check) -> str:
    place = f"{check.dataset} × {check.recipe}"
    shown = [_brief(cell, _CELL) for cell in (place, *cells(check))]
    if check.failed:
        shown[-1] = f"**{shown[-1]}**"
    return f"| {' | '.join(shown)} |"


def _brief(text: str, longest: int) -> str:
    return escape(text if len(text) <= longest else f"{text[: longest - 1]}…")

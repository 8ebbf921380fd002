"""The verdict of a gate as text for a terminal and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from bench.gate.verdict import Check, Outcome, Verdict
from bench.report.comparison import frechet_caution
from bench.report.tables import (
    aligned,
    escape,
    interval_text,
    p_text,
    shared_decimals,
    signature_block,
    signed,
)
from bench.stats.resampling import DRAWS

HEADER = ("restorer", "metric", "before", "after", "change", "95 %", "limit", "p Holm", "n", "")
"""Above `cells`."""


def verdict_text(verdict: Verdict) -> str:
    """Return the verdict as lines for a terminal: a block of aligned columns a condition."""
    parts = [headline(verdict)]
    for dataset, recipe in dict.fromkeys((c.dataset, c.recipe) for c in verdict.checks):
        some = [c for c in verdict.checks if (c.dataset, c.recipe) == (dataset, recipe)]
        table = aligned([HEADER, *map(cells, some)], left=(0, 1, 9))
        parts.append(f"\n{dataset} × {recipe}\n{table}")
    if verdict.checks:
        parts.append("")
    for check in verdict.failures:
        parts.append(f"{check.name}: {failure_text(check)}")
        parts += [f"  {line}" for line in failure_images(check)]
    parts += verdict.notes
    if verdict.checks:
        parts.append(legend(verdict))
        parts.append(signature_block({c.metric: c.signature for c in verdict.checks}))
    return "\n".join(parts)


def headline(verdict: Verdict) -> str:
    """Return the outcome in one line."""
    if verdict.outcome is Outcome.NOT_COMPARABLE:
        return f"gate: not comparable: {verdict.reason}"
    if verdict.outcome is Outcome.MISSING_BASELINE:
        end = "failed" if verdict.exit_code else "passed unchecked"
        return f"gate: {end}, there is no baseline: {verdict.reason}"
    count = len(verdict.checks)
    noun = "check" if count == 1 else "checks"
    if verdict.failures:
        return f"gate: failed, {len(verdict.failures)} of {count} {noun}"
    return f"gate: passed, {count} {noun}"


def cells(check: Check) -> tuple[str, ...]:
    """Return a check's cells under `HEADER`."""
    difference = check.difference
    scale = (difference.mean, check.limit, difference.low, difference.high)
    digits = max(2, shared_decimals(scale))
    return (
        check.restorer,
        f"{check.metric} {'↑' if check.direction == 'higher' else '↓'}",
        signed(check.before, digits, plus=False),
        signed(check.after, digits, plus=False),
        signed(difference.mean, digits),
        interval_text(difference, digits),
        check.limit_text,
        p_text(check.p_holm),
        f"{check.photographs}",
        _word(check),
    )


def failure_text(check: Check) -> str:
    """Return why a check failed, in one line; the empty string where it passed."""
    parts = []
    if check.is_worse:
        change, limit = check.difference.mean or 0.0, check.limit or 0.0
        digits = max(2, shared_decimals((change, limit)))
        share = f" ({change / abs(check.before):+.1%})" if check.before else ""
        parts.append(
            f"worse by {abs(change):.{digits}f}{share}, more than {limit:.{digits}f}; "
            f"Holm's p {p_text(check.p_holm)}"
        )
    if check.is_lost:
        covered = check.coverage
        parts.append(
            f"{covered.after} of {covered.attempted} images have a value, {covered.before} had"
        )
    return "; ".join(parts)


def failure_images(check: Check) -> list[str]:
    """Return a line for each image that was lost and each photograph that lost most."""
    lost = [f"{image}: {why}" for image, why in check.coverage.lost] if check.is_lost else []
    digits = max(2, shared_decimals((check.difference.mean, check.limit)))
    return [
        *lost,
        *(
            f"{each.photograph}: {each.before:.{digits}f} to {each.after:.{digits}f}"
            for each in check.worst
        ),
    ]


def legend(verdict: Verdict) -> str:
    """Return what fails a gate, in a few sentences."""
    rules = verdict.rules
    caution = frechet_caution((c.metric, c.images, c.photographs) for c in verdict.checks)
    return (
        "Mean change over the same photographs, all degraded versions of one together, with its "
        f"paired 95 % bootstrap interval ({DRAWS:,} draws). A check fails where the loss is above "
        f"its limit and Holm's p over the {len(verdict.checks)} checks is at most {rules.level:g}, "
        f"or where more than {100 * rules.coverage_falls_by:g} % of the images lost their value."
        f"{caution}"
    )


def _word(check: Check) -> str:
    words = ["worse"] if check.is_worse else []
    if check.is_lost:
        words.append(f"{check.coverage.before - check.coverage.after} lost")
    return ", ".join(words) or "ok"


LONGEST = 65_536
"""GitHub refuses longer comments ("body is too long (maximum is 65536 characters)", its REST
interface). Bytes of UTF-8 are counted here, so that it holds however signs are counted."""

_CELL = 120
_ROOM = 3_000


def verdict_markdown(verdict: Verdict, longest: int = LONGEST) -> str:
    """Return Markdown of at most ``longest`` bytes (at least 8 192): failures, then all checks.

    What does not fit is left out from the end, and the text says how many lines that were.
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
        fitting: list[str] = []
        for number, line in enumerate(lines):
            size = len(line.encode("utf-8", "backslashreplace")) + 1
            if size > self._left:
                fitting.append(f"… and {len(lines) - number} more, left out for their length")
                break
            self._left -= size
            fitting.append(line)
        return "\n".join(fitting)


def _failure_lines(failures: Sequence[Check]) -> list[str]:
    lines = []
    for check in failures:
        lines.append(f"- **{_brief(check.name, 200)}**: {failure_text(check)}")
        lines += [f"  - {_brief(line, 500)}" for line in failure_images(check)]
    return lines


def _passed(verdict: Verdict) -> list[Check]:
    return [check for check in verdict.checks if not check.failed]


def _row(check: Check) -> str:
    condition = f"{check.dataset} × {check.recipe}"
    texts = [_brief(cell, _CELL) for cell in (condition, *cells(check))]
    if check.failed:
        texts[-1] = f"**{texts[-1]}**"
    return f"| {' | '.join(texts)} |"


def _brief(text: str, longest: int) -> str:
    return escape(text if len(text) <= longest else f"{text[: longest - 1]}…")

"""The verdict of a gate in words: its headline, the cells of each check, text for a terminal."""

from __future__ import annotations

from bench.gate.verdict import Check, Outcome, Verdict
from bench.report.comparison import frechet_caution, interval_text, places, signed
from bench.report.plain import aligned
from bench.report.signatures import signature_block
from bench.stats.resampling import DRAWS

__all__ = [
    "HEADER",
    "cells",
    "failure_images",
    "failure_text",
    "headline",
    "legend",
    "verdict_text",
]

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
    digits = max(2, places(scale))
    return (
        check.restorer,
        f"{check.metric} {'↑' if check.direction == 'higher' else '↓'}",
        _number(check.before, digits),
        _number(check.after, digits),
        signed(difference.mean, digits),
        interval_text(difference, digits),
        check.limit_text,
        _p(check.p_holm),
        f"{check.photographs}",
        _word(check),
    )


def failure_text(check: Check) -> str:
    """Return why a check failed, in one line; the empty string where it passed."""
    parts = []
    if check.is_worse:
        change, limit = check.difference.mean or 0.0, check.limit or 0.0
        digits = max(2, places((change, limit)))
        share = f" ({change / abs(check.before):+.1%})" if check.before else ""
        parts.append(
            f"worse by {abs(change):.{digits}f}{share}, more than {limit:.{digits}f}; "
            f"Holm's p {_p(check.p_holm)}"
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
    digits = max(2, places((check.difference.mean, check.limit)))
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
    told = frechet_caution((c.metric, c.images, c.photographs) for c in verdict.checks)
    return (
        "Mean change over the same photographs, all degraded versions of one together, with its "
        f"paired 95 % bootstrap interval ({DRAWS:,} draws). A check fails where the loss is above "
        f"its limit and Holm's p over the {len(verdict.checks)} checks is at most {rules.level:g}, "
        f"or where more than {100 * rules.coverage_falls_by:g} % of the images lost their value."
        f"{told}"
    )


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _p(value: float) -> str:
    return "<.001" if value < 0.001 else f"{value:.3f}".removeprefix("0")


def _word(check: Check) -> str:
    words = ["worse"] if check.is_worse else []
    if check.is_lost:
        words.append(f"{check.coverage.before - check.coverage.after} lost")
    return ", ".join(words) or "ok"

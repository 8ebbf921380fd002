"""Whose face was lost: restored images least like the person, and those without a face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.metrics.metric import Status
from bench.report.model import Report
from bench.stats.scores import BASELINE

__all__ = ["Loss", "identity_losses"]

_PREFIX = "identity"
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Loss:
    """One restored image that is less like the person than its input was.

    Attributes
    ----------
    metric, restorer, dataset, recipe, key
        Where it stands.
    before, after
        The score of the input and of the restored image; None where no face was found.
    worse
        By how much, in the metric's own unit, at least 0.
    """

    metric: str
    restorer: str
    dataset: str
    recipe: str
    key: str
    before: float | None
    after: float | None
    worse: float


def identity_losses(report: Report) -> tuple[Sequence[Loss], int]:
    """Return the worst losses of identity by a blind restorer, and how many there are in all.

    A face that was found in the input and is gone in the restored image is the worst of all.
    """
    facts = report.run.record["metrics"]
    names = [n for n in facts if n.startswith(_PREFIX) and facts[n]["kind"] == "pair"]
    rows = [row for row in report.run.rows if row.metric in names and row.key]
    before = {
        (row.metric, row.dataset, row.recipe, row.key, row.variant): row.value
        for row in rows
        if row.restorer == BASELINE
    }
    blind = {name for name, card in report.run.record["restorers"].items() if card["blind"]}
    losses = []
    for row in rows:
        start = before.get((row.metric, row.dataset, row.recipe, row.key, row.variant))
        if row.restorer == BASELINE or row.restorer not in blind or start is None:
            continue
        sign = 1 if facts[row.metric]["direction"] == "higher" else -1
        if row.value is None and row.status != Status.NO_FACE:
            continue
        worse = float("inf") if row.value is None else sign * (start - row.value)
        if worse > 0:
            losses.append(
                Loss(
                    row.metric, row.restorer, row.dataset, row.recipe, row.key,
                    start, row.value, worse,
                )
            )  # fmt: skip
    losses.sort(key=lambda each: (-each.worse, each.recipe, each.key, each.restorer))
    return losses[:_SHOWN], len(losses)

"""The ledger of a run: makes the row of a value, and says which are settled.

Knows what a row is called; how a value is computed is elsewhere.
"""

from __future__ import annotations

from bench.metrics.metric import Measurement, PairMetric, SetMetric
from bench.store.photographs import ImageKey
from bench.store.record import SECONDS
from bench.store.rows import Row, RowBuffer, RowKey
from bench.suite.conditions import Condition

__all__ = ["Ledger", "Metric"]

Metric = PairMetric | SetMetric


class Ledger:
    """Writes the rows of a suite.

    In every method ``key`` None stands for a whole set, and ``metric`` None for the seconds of
    a restoration.

    Parameters
    ----------
    suite
        Its name.
    seconds
        The signature of the seconds, see `bench.runner.efficiency.facts_of_seconds`.
    log
        Where rows go.
    """

    def __init__(self, suite: str, seconds: str, log: RowBuffer) -> None:
        self._suite, self._seconds, self._log = suite, seconds, log

    def known(
        self, condition: Condition, key: ImageKey | None, restorer: str, metric: Metric | None
    ) -> Row | None:
        """Return the row that is there."""
        return self._log.rows.get(_row_key(condition, key, restorer, metric))

    def settled(
        self, condition: Condition, key: ImageKey | None, restorer: str, metric: Metric | None
    ) -> bool:
        """Say whether a row is there that needs no second attempt."""
        return self._log.settled(_row_key(condition, key, restorer, metric))

    def append(
        self,
        condition: Condition,
        key: ImageKey,
        restorer: str,
        metric: Metric | None,
        measured: Measurement,
    ) -> None:
        """Keep what was measured of one image."""
        self._log.append(self.row(condition, key, restorer, metric, measured, 1))

    def row(
        self,
        condition: Condition,
        key: ImageKey | None,
        restorer: str,
        metric: Metric | None,
        measured: Measurement,
        count: int,
    ) -> Row:
        """Return a row of a value that ``count`` images gave."""
        return Row(
            suite=self._suite,
            dataset=condition.dataset,
            recipe=condition.recipe,
            key=key[0] if key else "",
            variant=key[1] if key else 0,
            restorer=restorer,
            metric=metric.name if metric else SECONDS["name"],
            signature=metric.signature if metric else self._seconds,
            value=measured.value,
            status=measured.status.value,
            detail=" ".join(measured.detail.split()),
            n=count if measured.value is not None or not key else 0,
        )


def _row_key(
    condition: Condition, key: ImageKey | None, restorer: str, metric: Metric | None
) -> RowKey:
    image, variant = key or ("", 0)
    name = metric.name if metric else SECONDS["name"]
    return (condition.dataset, condition.recipe, image, variant, restorer, name)

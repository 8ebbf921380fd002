"""The results of a run as they come: rows, feature vectors, plans, digests and costs.

A worker in a process of its own fills its own results; the run's take them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.metrics.metric import Measurement, PairMetric, SetMetric
from bench.runner.efficiency import Calls
from bench.store.features import FeatureStore
from bench.store.images import ImageKey, PairDigests
from bench.store.plans import Plans
from bench.store.record import SECONDS
from bench.store.rows import RowBuffer, RowKey, ScoreRow
from bench.suite.conditions import Condition

Metric = PairMetric | SetMetric


@dataclass(slots=True)
class ResultsLog:
    """Everything that scoring gives; picklable while ``rows`` is in memory.

    In every method ``key`` None stands for a whole set, and ``metric`` None for the seconds of a
    restoration. ``features`` are the vectors that set metrics still want; ``plans``, ``digests``
    and ``calls`` are of every image scored so far.
    """

    suite: str
    seconds: str
    rows: RowBuffer
    features: FeatureStore = field(default_factory=FeatureStore)
    plans: Plans = field(default_factory=dict)
    digests: PairDigests = field(default_factory=dict)
    calls: Calls = field(default_factory=Calls)

    def take(self, other: ResultsLog) -> None:
        """Add everything new that another one holds."""
        for row in other.rows.new:
            self.rows.append(row)
        self.features.take(other.features)
        self.plans |= other.plans
        self.digests |= other.digests
        self.calls.take(other.calls)

    @property
    def known(self) -> Mapping[RowKey, ScoreRow]:
        """Every row so far, the latest of each key."""
        return self.rows.rows

    def row_of(
        self, condition: Condition, key: ImageKey | None, restorer: str, metric: Metric | None
    ) -> ScoreRow | None:
        """Return the row that is there, or None."""
        return self.known.get(_row_key(condition, key, restorer, metric))

    def is_settled(
        self, condition: Condition, key: ImageKey | None, restorer: str, metric: Metric | None
    ) -> bool:
        """Say whether a row is there that needs no second attempt."""
        return self.rows.settled(_row_key(condition, key, restorer, metric))

    def append(
        self,
        condition: Condition,
        key: ImageKey | None,
        restorer: str,
        metric: Metric | None,
        measured: Measurement,
        count: int = 1,
    ) -> None:
        """Keep a value that ``count`` images gave."""
        self.rows.append(
            ScoreRow(
                suite=self.suite,
                dataset=condition.dataset,
                recipe=condition.recipe,
                key=key[0] if key else "",
                variant=key[1] if key else 0,
                restorer=restorer,
                metric=metric.name if metric else SECONDS["name"],
                signature=metric.signature if metric else self.seconds,
                value=measured.value,
                status=measured.status.value,
                detail=" ".join(measured.detail.split()),
                n=count if measured.value is not None or not key else 0,
            )
        )


def _row_key(
    condition: Condition, key: ImageKey | None, restorer: str, metric: Metric | None
) -> RowKey:
    image, variant = key or ("", 0)
    name = metric.name if metric else SECONDS["name"]
    return (condition.dataset, condition.recipe, image, variant, restorer, name)

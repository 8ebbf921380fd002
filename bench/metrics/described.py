"""The part that all metrics share: they answer for the facts of their table entry.

Holds no arithmetic and no network.
"""

from __future__ import annotations

from bench.metrics.metric import Direction, MetricEntry

__all__ = ["Described"]


class Described:
    """A metric that reads its name, direction and signature from its `MetricEntry`."""

    __slots__ = ("entry",)

    def __init__(self, entry: MetricEntry) -> None:
        self.entry = entry

    @property
    def name(self) -> str:
        """Column name."""
        return self.entry.name

    @property
    def direction(self) -> Direction:
        """Which way is better."""
        return self.entry.direction

    @property
    def unit(self) -> str:
        """Unit of the value, or the empty string."""
        return self.entry.unit

    @property
    def source(self) -> str:
        """Where the formula comes from."""
        return self.entry.source

    @property
    def signature(self) -> str:
        """Everything that decides the value."""
        return self.entry.signature

    @property
    def feature(self) -> str:
        """Names the vector of a set metric, or the empty string."""
        return self.entry.feature

    @property
    def judge(self) -> str:
        """The network behind the value, or the empty string."""
        return self.entry.judge

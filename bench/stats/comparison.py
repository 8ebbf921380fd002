"""What a comparison of two restorers found, and the verdict that follows from it.

Records only; they are made in `bench.stats.compare` and laid out in `bench.report.comparison`.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.stats.bootstrap import Interval

__all__ = ["SIGNIFICANT", "Comparison", "Comparisons"]

SIGNIFICANT = 0.05
"""The share of tables in which chance alone may call any comparison better or worse."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of two restorers under one condition.

    Attributes
    ----------
    dataset, recipe, metric, direction
        What was compared, and which way is better.
    signature
        The metric's, with what was done to infinite values.
    restorer, against
        Whose values, and whose are taken off them.
    difference
        The mean over photographs of the mean over each one's versions, restorer minus against,
        with its paired 95 % bootstrap interval over photographs; for a distance between sets
        the difference of the two distances.
    wins
        Share of the photographs on which the restorer is better, ties counting half; None for
        a distance between sets.
    p, p_holm
        Of the bootstrap, and after Holm's correction over the whole table.
    wilcoxon, wilcoxon_holm
        Of the signed-rank test on the photographs' means; a second opinion, corrected by itself.
    photographs, images, left_out, capped, unbounded
        See `bench.stats.paired_values.Paired`.
    daggered
        Whether the judge is a network that one of the two was trained against.
    """

    dataset: str
    recipe: str
    metric: str
    direction: str
    signature: str
    restorer: str
    against: str
    difference: Interval
    wins: float | None
    p: float
    p_holm: float
    wilcoxon: float | None
    wilcoxon_holm: float | None
    photographs: int
    images: int
    left_out: int
    capped: int
    unbounded: int
    daggered: bool

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``cannot tell``.

        It can be told when the interval excludes 0 and Holm's p is at most `SIGNIFICANT`.
        """
        low, high = self.difference.low, self.difference.high
        if low is None or high is None or low <= 0 <= high or self.p_holm > SIGNIFICANT:
            return "cannot tell"
        return "better" if (low > 0) == (self.direction == "higher") else "worse"


@dataclass(frozen=True, slots=True)
class Comparisons:
    """A table of comparisons, corrected together.

    Attributes
    ----------
    rows
        By condition, metric and opponent.
    subset
        Which photographs: ``all`` or ``hardest-third``.
    notes
        What was not compared, and why.
    """

    rows: tuple[Comparison, ...]
    subset: str
    notes: tuple[str, ...]

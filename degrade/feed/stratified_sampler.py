"""How many of each family a batch takes: exact shares over a cycle of batches, in whole numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

_GOLDEN = 0.6180339887498949
"""(√5 − 1) / 2: steps of this share of a circle leave no large gap, wherever they stop."""


@dataclass(frozen=True, slots=True)
class BatchSplit:
    """The split of every batch into families.

    Each family gets its share of the batch rounded down in every batch. The places that are left
    go to different families by systematic sampling (W. G. Madow, "On the theory of systematic
    sampling, II", Annals of Mathematical Statistics 20, 1949): the fractions lie end to end on a
    line, marks one apart fall on it, and a family with a mark gets a place. The marks move from
    batch to batch and come to every position once in a cycle.
    """

    whole: tuple[int, ...]  # places that each family has in every batch
    ends: tuple[int, ...]  # ends of the fractions on the line, in units of 1 / ``cycle``
    cycle: int  # batches after which every family has had exactly its share
    # By how much the marks move from batch to batch; it has no divisor in common with ``cycle``
    stride: int

    @classmethod
    def of(cls, shares: Sequence[Fraction], batch_size: int) -> BatchSplit:
        """Return the split of batches of that size by shares above 0, which need not sum to 1."""
        total = sum(shares, Fraction(0))
        quotas = [batch_size * share / total for share in shares]
        whole = tuple(math.floor(quota) for quota in quotas)
        fractions = [quota - count for quota, count in zip(quotas, whole, strict=True)]
        cycle = math.lcm(*(fraction.denominator for fraction in fractions))
        ends = tuple(itertools.accumulate(int(fraction * cycle) for fraction in fractions))
        stride = max(1, round(cycle * _GOLDEN))
        while math.gcd(stride, cycle) != 1:
            stride += 1
        return cls(whole, ends, cycle, stride)

    def counts(self, step: int) -> tuple[int, ...]:
        """Return how many of each family the batch of a step takes; they sum to its size."""
        mark = step * self.stride % self.cycle
        # Marks lie at mark, mark + cycle, mark + 2 cycle, ...: how many lie before each end.
        before = [0, *((end - mark + self.cycle - 1) // self.cycle for end in self.ends)]
        return tuple(
            count + after - earlier
            for count, earlier, after in zip(self.whole, before, before[1:], strict=False)
        )

import itertools
from fractions import Fraction

import hypothesis
import hypothesis.strategies as st
import pytest

from degrade.feed.stratified_sampler import BatchSplit

SHARES = st.lists(st.integers(1, 12).map(lambda n: Fraction(n, 7)), min_size=1, max_size=6)


@hypothesis.settings(deadline=None, max_examples=150)
@hypothesis.given(SHARES, st.integers(1, 20))
def test_every_batch_is_full_and_no_family_is_a_whole_place_off(shares, size):
    split = BatchSplit.of(shares, size)
    quotas = [size * share / sum(shares) for share in shares]
    for step in range(min(split.cycle, 60)):
        counts = split.counts(step)
        assert sum(counts) == size
        assert all(abs(count - quota) < 1 for count, quota in zip(counts, quotas, strict=True))


@hypothesis.settings(deadline=None, max_examples=100)
@hypothesis.given(SHARES, st.integers(1, 12), st.integers(0, 1000))
def test_over_a_cycle_begun_anywhere_every_share_is_exact(shares, size, first):
    split = BatchSplit.of(shares, size)
    hypothesis.assume(split.cycle <= 3000)
    counts = [split.counts(step) for step in range(first, first + split.cycle)]
    for family, share in enumerate(shares):
        total = sum(count[family] for count in counts)
        assert total == split.cycle * size * share / sum(shares)


def test_small_families_take_turns_evenly():
    split = BatchSplit.of([Fraction(1, 2), Fraction(1, 2)], 1)
    assert {split.counts(0), split.counts(1)} == {(1, 0), (0, 1)}
    split = BatchSplit.of([Fraction(99), Fraction(1)], 10)
    turns = [step for step in range(1000) if split.counts(step)[1]]
    gaps = [later - earlier for earlier, later in itertools.pairwise(turns)]
    assert len(turns) == 100
    assert max(gaps) <= 3 * min(gaps)


@pytest.mark.parametrize("size", [4, 8, 80])
def test_shares_that_divide_the_batch_are_the_same_in_every_batch(size):
    split = BatchSplit.of([Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)], size)
    assert split.cycle == 1
    assert split.counts(12345) == (size // 2, size // 4, size // 4)

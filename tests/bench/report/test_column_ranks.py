import itertools

import numpy as np
import pytest

from bench.report.model import ColumnRank, column_ranks
from bench.stats.significance import Grouping, group_letters


def places(letters):
    group = Grouping("ramps", "dark", "psnr", letters, (), 9, 9, 3, 0)
    return column_ranks([group])["ramps", "dark", "psnr"]


def test_those_who_cannot_be_told_from_the_best_share_the_first_place():
    # The known answer of a chain: neighbours alike, the ends apart.
    assert places({"best": "a", "middle": "ab", "worst": "b", "last": "c"}) == {
        "best": ColumnRank(1, "a"), "middle": ColumnRank(1, "ab"), "worst": ColumnRank(2, "b"),
        "last": ColumnRank(4, "c"),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(10))
def test_a_rank_counts_those_above_that_are_apart_however_many_letters_there_are(seed):
    source = np.random.Generator(np.random.Philox(seed))
    names = [f"r{number}" for number in range(32)]
    pairs = [frozenset(pair) for pair in itertools.combinations(names, 2)]
    apart = {pair for pair in pairs if source.random() < (0.5 if seed % 2 else 1.0)}
    letters = group_letters(names, apart)
    assert any("1" in told for told in letters.values())  # beyond z
    found = places(letters)
    for at, name in enumerate(names):
        above = sum(frozenset((name, other)) in apart for other in names[:at])
        assert found[name] == ColumnRank(1 + above, letters[name])


def test_without_letters_nobody_has_a_place():
    assert places({}) == {}

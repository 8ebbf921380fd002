from __future__ import annotations

import numpy as np
import pytest

from bench.store.images import numbered, per_photograph, photographs
from degrade.dataset.keys import pair_key


def test_versions_of_a_photograph_share_its_name():
    keys = [(pair_key(f"{name}.png", v, 3), v) for name in ("b/x", "a") for v in range(3)]
    names = photographs(keys)
    assert [names[key] for key in keys] == ["b/x"] * 3 + ["a"] * 3
    assert numbered(keys).tolist() == [1, 1, 1, 0, 0, 0]


def test_without_variants_a_name_that_looks_like_a_version_is_a_photograph_of_its_own():
    keys = [("a", 0), ("a-v00000", 0)]
    assert list(photographs(keys).values()) == ["a", "a-v00000"]


def test_only_the_ending_of_the_own_variant_is_taken_off():
    keys = [("a-v00001-v00000", 0), ("a-v00001-v00001", 1)]
    assert set(photographs(keys).values()) == {"a-v00001"}


def test_a_photograph_counts_once_however_many_versions_have_a_value():
    names = {("a0", 0): "a", ("a1", 1): "a", ("b0", 0): "b"}
    means = per_photograph({("b0", 0): 1.0, ("a1", 1): 4.0, ("a0", 0): 2.0}, names)
    assert means == {"a": 3.0, "b": 1.0}
    assert list(means) == ["a", "b"]


def test_numbers_do_not_depend_on_the_order_of_the_images():
    keys = [(f"{name}-v{v:05d}", v) for name in "cab" for v in range(2)]
    order = np.random.Generator(np.random.Philox(1)).permutation(len(keys))
    shuffled = [keys[i] for i in order]
    assert numbered(shuffled).tolist() == pytest.approx(numbered(keys)[order])

import pickle

import numpy as np
import pytest

import degrade
from degrade.build import build
from degrade.errors import DatasetError
from degrade.images import read_image, write_png
from degrade.pairs import PairedDataset, StoredPairs, pair_key


def test_a_pair_is_what_plan_and_apply_give(photos):
    pairs = PairedDataset(photos, "kuaishou-128", seed=7)
    assert len(pairs) == 5
    for index, image_id in enumerate(pairs.source.keys):
        hq = read_image(photos / image_id)
        plan = degrade.plan(pairs.recipe, seed=7, image_id=image_id, size=hq.shape[:2])
        pair = pairs[index]
        assert pair.plan == plan
        assert np.array_equal(pair.hq, hq)
        assert np.array_equal(pair.lq, degrade.apply(plan, hq))


def test_variants_stand_side_by_side_and_variant_0_does_not_depend_on_their_number(photos):
    one, three = (PairedDataset(photos, "gfpgan-128", 3, variants) for variants in (1, 3))
    assert len(three) == 15
    assert three.address(4) == ("b.c.png", 1)
    assert three.address(-1) == ("z.png", 2)
    for index in range(5):
        assert np.array_equal(three[3 * index].lq, one[index].lq)
        assert three[3 * index].plan == one[index].plan
    assert not np.array_equal(three[0].lq, three[1].lq)
    with pytest.raises(IndexError):
        three[15]
    assert len(list(one)) == 5


def test_a_pickled_dataset_gives_the_same_pairs(photos):
    pairs = PairedDataset(photos, "kuaishou-128", seed=7)
    again = pickle.loads(pickle.dumps(pairs))  # noqa: S301
    assert all(np.array_equal(again[index].lq, pairs[index].lq) for index in range(5))


def test_a_subset_gives_the_same_pairs(photos, tmp_path):
    whole = {pair.key: pair.lq for pair in PairedDataset(photos, "kuaishou-128", seed=7)}
    (photos / "a.png").unlink()
    (photos / "sub" / "d.png").unlink()
    for pair in PairedDataset(photos, "kuaishou-128", seed=7):
        assert np.array_equal(pair.lq, whole[pair.key])


@pytest.mark.parametrize(
    ("image_id", "variants", "key"),
    [
        ("a.png", 1, "a"),
        ("sub/a.b.png", 1, "sub/a_b"),
        ("v1.2/a.png", 1, "v1_2/a"),
        ("at 10:30.png", 1, "at 10_30"),
        ("a\\b.png", 1, "a_b"),
        ("a.png", 3, "a-v00002"),
    ],
)
def test_keys_have_no_dots_and_nothing_that_leads_elsewhere(image_id, variants, key):
    assert pair_key(image_id, 2 if variants > 1 else 0, variants) == key


def test_two_sources_of_one_key_are_refused(photos):
    write_png(photos / "b_c.png", np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(DatasetError, match=r"'b.c.png' and 'b_c.png' would both be stored under"):
        PairedDataset(photos, "gfpgan")


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"seed": 2**64}, {"variants": 0}])
def test_seed_and_variants_out_of_range_are_refused_at_once(photos, wrong):
    with pytest.raises(DatasetError, match="is not between"):
        PairedDataset(photos, "gfpgan", **wrong)


def test_stored_pairs_are_the_virtual_ones(photos, tmp_path):
    virtual = PairedDataset(photos, "kuaishou-128", 7, variants=2)
    build(virtual, tmp_path / "out")
    stored = pickle.loads(pickle.dumps(StoredPairs(tmp_path / "out")))  # noqa: S301
    expected = {pair.key: pair for pair in virtual}
    assert len(stored) == len(expected) == 10
    for pair in stored:
        assert np.array_equal(pair.hq, expected[pair.key].hq)
        assert np.array_equal(pair.lq, expected[pair.key].lq)
        assert pair.plan == expected[pair.key].plan

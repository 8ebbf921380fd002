import copy
import multiprocessing
import pickle

import numpy as np
import pytest

import degrade
from degrade.dataset.build import build
from degrade.dataset.keys import pair_key
from degrade.dataset.paired_dataset import PairedDataset, SharedEpoch
from degrade.dataset.reader import StoredPairs
from degrade.dataset.sources import ImageSource, open_source
from degrade.dataset.storage import LocalStorage
from degrade.errors import DatasetError
from degrade.images import read_image, write_png


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
    source = ImageSource("photos", LocalStorage(photos), ("b.c.png", "b_c.png"))
    with pytest.raises(DatasetError, match=r"'b.c.png' and 'b_c.png' would both be stored under"):
        PairedDataset(source, "gfpgan")
    assert [name for name, _ in open_source(photos).unusable] == ["b_c.png"]


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


def test_the_virtual_pair_is_the_stored_one_whatever_the_recipe(photos, tmp_path):
    for recipe in ("gfpgan", "bsrgan", "kuaishou-128:blur"):
        virtual = PairedDataset(photos, recipe, 3)
        build(virtual, tmp_path / recipe.replace(":", "-"))
        expected = {pair.key: pair for pair in virtual}
        for pair in StoredPairs(tmp_path / recipe.replace(":", "-")):
            assert np.array_equal(pair.lq, expected[pair.key].lq)
            assert np.array_equal(pair.hq, expected[pair.key].hq)


def test_an_epoch_gives_the_next_variants_and_epoch_0_those_of_before(photos):
    pairs, wide = (
        PairedDataset(photos, "gfpgan-128", 3, 2),
        PairedDataset(photos, "gfpgan-128", 3, 6),
    )
    before = [(pair.key, pair.plan) for pair in pairs]
    pairs.set_epoch(2)
    assert pairs.epoch == 2
    assert pairs.address(3) == (pairs.source.keys[1], 5)
    for index in range(len(pairs)):
        image, variant = divmod(index, 2)
        expected = wide[6 * image + 4 + variant]
        assert pairs[index].key == expected.key
        assert np.array_equal(pairs[index].lq, expected.lq)
    pairs.set_epoch(0)
    assert [(pair.key, pair.plan) for pair in pairs] == before


def test_pairs_of_one_variant_have_other_keys_in_later_epochs(photos):
    pairs = PairedDataset(photos, "gfpgan-128", 3)
    assert pairs[0].key == "a"
    pairs.set_epoch(65535)
    assert pairs[0].key == "a-v65535"
    assert pairs[0].plan.variant == 65535


@pytest.mark.parametrize(("variants", "epoch"), [(1, -1), (1, 65536), (3, 21845), (65536, 1)])
def test_an_epoch_beyond_the_variants_is_refused_in_one_line(photos, variants, epoch):
    pairs = PairedDataset(photos, "gfpgan-128", 3, variants)
    with pytest.raises(DatasetError, match="go on with another seed"):
        pairs.set_epoch(epoch)
    assert pairs.epoch == 0


def test_a_build_does_not_depend_on_the_epoch(photos, tmp_path):
    pairs = PairedDataset(photos, "gfpgan-128", 3)
    first = build(pairs, tmp_path / "a").digest
    pairs.set_epoch(4)
    assert build(pairs, tmp_path / "b").digest == first


def test_a_pair_is_also_a_mapping_of_its_fields(photos):
    pair = PairedDataset(photos, "gfpgan-128", 3)[0]
    assert list(pair) == ["key", "hq", "lq", "plan"]
    assert pair["lq"] is pair.lq
    assert degrade.Plan.from_json(pair["plan"]) == pair.plan
    with pytest.raises(KeyError):
        pair["size"]


@pytest.fixture(scope="module")
def equal_sizes(tmp_path_factory):
    folder, random = tmp_path_factory.mktemp("equal"), np.random.default_rng(1)
    for number in range(5):
        write_png(folder / f"{number}.png", random.integers(0, 256, (24, 20, 3)).astype(np.uint8))
    return folder


# Python 3.12 and later warn of what PyTorch's loader does by default; nothing else runs here.
FORK = "ignore:This process .* is multi-threaded, use of fork:DeprecationWarning"


@pytest.mark.filterwarnings(FORK)
@pytest.mark.parametrize(("start", "workers"), [(None, 0), ("fork", 2), ("spawn", 1)])
def test_a_torch_loader_takes_the_dataset_as_it_is_and_its_workers_see_the_epoch(
    equal_sizes, start, workers
):
    data = pytest.importorskip("torch.utils.data", reason="the tests of its loader need torch")
    pairs = PairedDataset(equal_sizes, "kuaishou-128", seed=7)
    loader = data.DataLoader(
        pairs, batch_size=2, num_workers=workers, multiprocessing_context=start,
        persistent_workers=workers > 0,
    )  # fmt: skip
    for epoch in (0, 3, 1):
        pairs.set_epoch(epoch)
        actual = [
            (key, hq.numpy(), lq.numpy(), degrade.Plan.from_json(plan))
            for batch in loader
            for key, hq, lq, plan in zip(*batch.values(), strict=True)
        ]
        assert len(actual) == 5
        for index, (key, hq, lq, plan) in enumerate(actual):
            assert (key, plan) == (pairs[index].key, pairs[index].plan)
            assert np.array_equal(hq, pairs[index].hq)
            assert np.array_equal(lq, pairs[index].lq)


def answer(epoch, requested, reported):
    for _ in iter(requested.get, None):
        reported.put(epoch.value)


@pytest.mark.parametrize("start", ["spawn", "forkserver"])
def test_a_process_sees_what_is_set_after_it_was_started(start):
    context = multiprocessing.get_context(start)
    epoch, requested, reported = SharedEpoch(3), context.Queue(), context.Queue()
    process = context.Process(target=answer, args=(epoch, requested, reported))
    process.start()
    try:
        for value in (3, 8, 0, 2**40):
            epoch.value = value
            requested.put(True)
            assert reported.get(timeout=60) == value
    finally:
        requested.put(None)
        process.join(60)
    assert process.exitcode == 0


def pickled(epoch):
    return pickle.loads(pickle.dumps(epoch))  # noqa: S301


@pytest.mark.parametrize("copied", [pickled, copy.deepcopy])
def test_any_other_copy_has_the_value_and_goes_its_own_way(copied):
    epoch = SharedEpoch(5)
    other = copied(epoch)
    epoch.value = 6
    assert (other.value, epoch.value) == (5, 6)

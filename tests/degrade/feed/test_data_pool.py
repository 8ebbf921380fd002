import pickle
from collections import Counter

import numpy as np
import pytest

import degrade
from degrade.errors import DatasetError, ImageError
from degrade.feed.data_pool import DataPool, Family, _order, families_of
from degrade.images import write_png

torch = pytest.importorskip("torch", reason="the tests of PyTorch's loader need torch")
from torch.utils.data import DataLoader  # noqa: E402

KINDS = {
    "noise": {"gaussian_noise", "shot_noise", "impulse_noise"},
    "blur": {"gaussian_blur", "motion_blur", "defocus_blur", "resize_blur"},
    "jpeg": {"jpeg"},
    "pixelation": {"pixelate"},
}


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Eleven images of 40 × 36."""
    folder, random = tmp_path_factory.mktemp("faces"), np.random.default_rng(3)
    for number in range(11):
        small = random.integers(0, 256, (10, 9, 3)).astype(np.uint8)
        write_png(folder / f"{number}.png", np.kron(small, np.ones((4, 4, 1), np.uint8)))
    return folder


@pytest.fixture(scope="module")
def pool(faces):
    return DataPool(faces, "kuaishou-128", batch_size=8, seed=7)


def as_bytes(batch):
    texts = [plan.to_json() for plan in batch.plan]
    return batch.step, batch.key, batch.family, texts, batch.hq.tobytes(), batch.lq.tobytes()


def test_every_batch_mixes_all_families_by_their_shares(pool):
    for step in range(20):
        assert Counter(pool[step].family) == {
            "mixed": 4, "noise": 1, "blur": 1, "jpeg": 1, "pixelation": 1,
        }  # fmt: skip


def test_each_pair_has_what_its_family_does_and_nothing_else(pool):
    for step in range(12):
        batch = pool[step]
        for family, plan in zip(batch.family, batch.plan, strict=True):
            finished = {entry.operation for entry in plan.steps}
            if family != "mixed":
                assert finished <= KINDS[family] and len(plan.steps) == 1
            else:
                assert finished <= set().union(*KINDS.values())


def test_families_come_in_another_order_in_every_batch(pool):
    assert len({pool.mix(step) for step in range(20)}) > 15


def test_shares_are_exact_over_a_cycle(faces):
    families = {"a": Family("gfpgan-128", 0.35), "b": Family("kuaishou-128", 0.15),
                "c": Family("kuaishou-128:noise", 0.5)}  # fmt: skip
    pool = DataPool(faces, families, batch_size=7)
    assert pool.cycle == 20
    for first in (0, 3, 1000):
        actual = Counter(name for step in range(first, first + 20) for name in pool.mix(step))
        assert actual == {"a": 49, "b": 21, "c": 70}


def test_every_picture_comes_once_in_each_pass_in_a_new_order(pool):
    reported = [entry for step in range(33) for entry in pool.images(step)]  # 24 passes
    orders = []
    for turn in range(24):
        names = [name for name, actual in reported if actual == turn]
        assert sorted(names) == sorted(pool.source.keys)
        orders.append(tuple(names))
    assert len(set(orders)) == 24


def test_the_order_is_a_permutation_and_all_are_equally_likely():
    for count in (1, 2, 2047, 2048, 2049, 5000):
        assert sorted(_order(3, 1, count)) == list(range(count))
    firsts = Counter(tuple(_order(9, turn, 3)) for turn in range(3000))
    assert len(firsts) == 6
    assert max(firsts.values()) < 600 and min(firsts.values()) > 400


def test_the_same_step_gives_the_same_batch_and_resuming_is_starting_there(pool, faces):
    whole = [as_bytes(pool[step]) for step in range(6)]
    again = DataPool(faces, "kuaishou-128", batch_size=8, seed=7)
    assert [as_bytes(again[step]) for step in (5, 3, 4)] == [whole[5], whole[3], whole[4]]
    copy = pickle.loads(pickle.dumps(pool))  # noqa: S301
    assert as_bytes(copy[2]) == whole[2]
    other = DataPool(faces, "kuaishou-128", batch_size=8, seed=8)
    assert as_bytes(other[0])[4:] != whole[0][4:]


def test_a_part_of_a_batch_is_the_same_pairs_and_makes_no_others(pool, monkeypatch):
    whole, produced = pool[5], []
    pair = type(pool)._pair
    monkeypatch.setattr(
        type(pool), "_pair", lambda *reported: produced.append(reported[1]) or pair(*reported)
    )
    part = pool.part(5, range(3, 6))
    assert len(produced) == 3
    assert part.key == whole.key[3:6]
    assert part.family == whole.family[3:6]
    assert np.array_equal(part.hq, whole.hq[3:6])
    assert np.array_equal(part.lq, whole.lq[3:6])


def test_another_pass_gives_other_degradations_of_the_same_picture(pool):
    plans = [plan for step in range(10) for plan in pool[step].plan]
    variants = Counter((plan.image_id, plan.variant) for plan in plans)
    assert set(variants.values()) == {1}


def test_passes_beyond_the_variants_of_a_seed_go_on_with_the_next(pool):
    step = 65536 * 11 // 8
    plans = pool[step].plan + pool[step + 1].plan
    assert {plan.seed for plan in plans} == {8}
    assert {plan.variant for plan in plans} <= {0, 1}


# Python 3.12 and later warn of what PyTorch's loader does by default; nothing else runs here.
@pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded, use of fork:DeprecationWarning"
)
@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_gives_the_batches_whatever_its_workers(pool, workers):
    loader = DataLoader(
        pool, batch_size=None, sampler=range(3, 7), num_workers=workers,
        multiprocessing_context="fork" if workers else None,
    )  # fmt: skip
    for step, reported in zip(range(3, 7), loader, strict=True):
        batch = pool[step]
        assert reported["step"] == step
        assert tuple(reported["key"]) == batch.key and tuple(reported["family"]) == batch.family
        assert reported["lq"].dtype == torch.uint8
        assert np.array_equal(reported["hq"].numpy(), batch.hq)
        assert np.array_equal(reported["lq"].numpy(), batch.lq)
        assert reported["plan"] == [plan.to_json() for plan in batch.plan]


def test_a_pass_is_as_many_batches_as_it_takes(pool):
    assert len(pool) == 2
    assert [batch.step for batch in pool] == [0, 1]
    with pytest.raises(IndexError):
        pool[-1]


def test_a_crop_is_drawn_anew_and_stands_in_the_plan(faces):
    pool = DataPool(faces, "kuaishou-128", batch_size=11, seed=7, crop=(24, 20))
    corners = set()
    for step in range(4):
        batch = pool[step]
        assert batch.hq.shape == batch.lq.shape == (11, 24, 20, 3)
        for plan, hq, lq in zip(batch.plan, batch.hq, batch.lq, strict=True):
            again = degrade.Plan.from_json(plan.to_json())
            whole = degrade.apply_pair(again, pool.source.read(plan.image_id))
            assert np.array_equal(whole[0], hq) and np.array_equal(whole[1], lq)
            corners.add((plan.steps[0].parameters["top"], plan.steps[0].parameters["left"]))
    assert len(corners) > 30
    assert max(top for top, _ in corners) <= 16 and max(left for _, left in corners) <= 16


def test_pictures_of_two_sizes_are_refused_in_words(faces, tmp_path):
    write_png(tmp_path / "a.png", np.zeros((40, 36, 3), np.uint8))
    write_png(tmp_path / "b.png", np.zeros((36, 40, 3), np.uint8))
    pool = DataPool(tmp_path, "kuaishou-128", batch_size=2)
    with pytest.raises(ImageError, match=r"HQ of .* a batch needs one size, give crop="):
        pool[0]
    assert DataPool(tmp_path, "kuaishou-128", batch_size=2, crop=32)[0].lq.shape == (2, 32, 32, 3)
    with pytest.raises(ImageError, match="smaller than the crop of 38 × 38"):
        DataPool(tmp_path, "kuaishou-128", batch_size=2, crop=38)[0]
    scales = {"small": Family("bsrgan"), "same": Family("kuaishou-128")}
    with pytest.raises(ImageError, match=r"LQ of .* recipes of one scale"):
        DataPool(faces, scales, batch_size=4)[0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"batch_size": 0}, "batch_size 0"),
        ({"seed": -1}, "seed -1"),
        ({"crop": 0}, "holds no pixel"),
        ({"families": "gfpgan"}, "no switch named family"),
        ({"families": {"a": Family("gfpgan", 0)}}, "share 0 of the family 'a'"),
        ({"families": {}}, "no family"),
    ],
)
def test_what_a_pool_cannot_be_made_of_is_refused(faces, wrong, message):
    with pytest.raises(DatasetError, match=message):
        DataPool(faces, **{"families": "kuaishou-128", **wrong})


def test_the_default_families_are_the_switch_of_a_recipe():
    reported = families_of("kuaishou")
    assert {name: family.share for name, family in reported.items()} == {
        "mixed": 4, "noise": 1, "blur": 1, "jpeg": 1, "pixelation": 1,
    }  # fmt: skip
    for name, kinds in KINDS.items():
        assert set(degrade.load_recipe(reported[name].recipe).operations()) == kinds

"""What holds for every restorer in the table, whatever it does."""

import numpy as np
import pytest

import zoo
from zoo.restorer import Card, Restorer

SIZES = [(1, 1), (2, 3), (1, 40), (64, 64), (17, 90), (512, 512)]
BLUR = ("gaussian_blur", {"sigma_x": 1.5, "sigma_y": 1.5, "angle": 0.0, "kernel_size": 0})
NOISE = ("gaussian_noise", {"sigma": 5.0, "per_channel": True})


# Those that take one size have tests of their own: test_trained.py, weights/test_shipped.py.
ANY_SIZE = [card.name for card in zoo.cards() if card.input_size is None]


@pytest.fixture(scope="module", params=ANY_SIZE)
def restorer(request):
    return zoo.load(request.param)


def noisy(size, seed=3):
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: size[0], : size[1]]
    waves = 128 + 60 * np.sin(rows / 7)[..., None] + 40 * np.cos(columns / 5)[..., None]
    return np.clip(waves + rng.normal(0, 15, (*size, 3)), 0, 255).astype(np.uint8)


def test_it_satisfies_the_protocol_and_carries_its_own_card(restorer):
    assert isinstance(restorer, Restorer)
    assert isinstance(restorer.card, Card)
    assert restorer.card == zoo.card(restorer.card.name)


@pytest.mark.parametrize("size", SIZES)
def test_any_size_comes_back_in_that_size_as_uint8_rgb(restorer, make_plan, size):
    face = noisy(size)
    (restored,) = restorer.restore([face], plans=[make_plan(size, BLUR, NOISE)])
    assert restored.shape == face.shape
    assert restored.dtype == np.uint8


def test_the_same_batch_gives_the_same_bytes_and_the_input_is_not_changed(restorer, make_plan):
    faces = [noisy((64, 64), 1), noisy((48, 80), 2)]
    plans = [make_plan(face.shape[:2], BLUR, NOISE) for face in faces]
    before = [face.copy() for face in faces]
    first = restorer.restore(faces, plans=plans)
    second = restorer.restore(faces, plans=plans)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(faces, before, strict=True))
    assert not any(np.shares_memory(a, b) for a, b in zip(first, faces, strict=True))


def test_a_face_is_restored_alike_alone_and_in_a_batch(restorer, make_plan):
    faces = [noisy((64, 64), seed) for seed in (1, 2, 3)]
    plans = [make_plan((64, 64), BLUR, NOISE)] * 3
    together = restorer.restore(faces, plans=plans)
    alone = restorer.restore(faces[1:2], plans=plans[1:2])
    assert np.array_equal(together[1], alone[0])


def test_a_grey_valued_image_stays_grey(restorer, make_plan):
    grey = np.repeat(noisy((64, 64))[..., :1], 3, axis=2)
    (restored,) = restorer.restore([grey], plans=[make_plan((64, 64), BLUR, NOISE)])
    spread = restored.max(axis=2).astype(int) - restored.min(axis=2)
    assert spread.max() <= 1


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_image_stays_flat(restorer, make_plan, level):
    flat = np.full((64, 64, 3), level, np.uint8)
    (restored,) = restorer.restore([flat], plans=[make_plan((64, 64), BLUR, NOISE)])
    assert np.array_equal(restored, flat)


def test_a_view_that_is_not_contiguous_is_taken_as_well(restorer, make_plan):
    face = noisy((64, 64))
    plans = [make_plan((64, 64), BLUR, NOISE)]
    turned = face[::-1, ::-1]
    assert np.array_equal(
        restorer.restore([turned], plans=plans)[0],
        restorer.restore([turned.copy()], plans=plans)[0],
    )


def test_no_faces_give_no_faces(restorer):
    assert restorer.restore([]) == []


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3), np.float32)],
)
def test_anything_but_uint8_rgb_is_a_bug_of_the_caller(restorer, make_plan, wrong):
    with pytest.raises(ValueError, match="uint8 HWC RGB"):
        restorer.restore([wrong], plans=[make_plan((8, 8))])

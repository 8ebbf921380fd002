"""Every wrong mask is wrong in the one way its name says."""

from __future__ import annotations

import numpy as np
import pytest

from degrade.random import FEEDING, Stream, StreamKey
from zoo.portrait.labels import LABELS
from zoo.training.mask_errors import (
    DRAWN,
    drawn_error,
    dropped_regions,
    eroded,
    shifted,
    swapped,
)

SIDE = 64
NOSE, MOUTH = LABELS.index("nose"), LABELS.index("mouth")


def stream(number: int = 0) -> Stream:
    return Stream(StreamKey(5, number, 0), 8, FEEDING)


def square_mask() -> np.ndarray:
    mask = np.zeros((19, SIDE, SIDE), np.float32)
    mask[NOSE, 20:30, 24:40] = 1
    mask[MOUTH, 40:48, 20:44] = 1
    return mask


def test_a_shift_moves_every_pixel_by_as_much_and_leaves_nothing_behind() -> None:
    mask = square_mask()
    moved = shifted(mask, 5, -3)
    assert np.array_equal(moved[NOSE, 25:35, 21:37], mask[NOSE, 20:30, 24:40])
    assert moved.sum() == mask.sum()


@pytest.mark.parametrize(("down", "right"), [(0, 0), (7, 2), (-7, 2), (7, -2), (-7, -2)])
def test_a_shift_there_and_back_is_the_mask_but_for_what_left_the_picture(down, right) -> None:
    mask = np.random.default_rng(0).random((19, SIDE, SIDE), np.float32)
    back = shifted(shifted(mask, down, right), -down, -right)
    kept = back != 0
    assert np.array_equal(back[kept], mask[kept])
    assert kept[0].sum() == (SIDE - abs(down)) * (SIDE - abs(right))


def test_a_shift_beyond_the_picture_leaves_nothing() -> None:
    assert not shifted(square_mask(), SIDE, 0).any()


def test_erosion_takes_its_pixels_from_every_side() -> None:
    smaller = eroded(square_mask(), 2)
    expected = np.zeros((SIDE, SIDE), np.float32)
    expected[22:28, 26:38] = 1
    assert np.array_equal(smaller[NOSE], expected)


def test_dilation_contains_the_region_and_grows_by_its_pixels() -> None:
    mask = square_mask()
    larger = eroded(mask, -2)
    rows, columns = np.nonzero(larger[NOSE])
    assert (larger >= mask).all()
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (18, 31, 22, 41)


def test_swapped_labels_change_places_and_nothing_else_changes() -> None:
    mask = square_mask()
    mistaken = swapped(mask, NOSE, MOUTH)
    assert np.array_equal(mistaken[NOSE], mask[MOUTH])
    assert np.array_equal(mistaken[MOUTH], mask[NOSE])
    assert np.array_equal(mistaken.sum(axis=0), mask.sum(axis=0))


def test_dropped_regions_say_nothing_and_the_others_stay() -> None:
    lost = dropped_regions(square_mask(), [NOSE])
    assert not lost[NOSE].any()
    assert np.array_equal(lost[MOUTH], square_mask()[MOUTH])


@pytest.mark.parametrize("kind", DRAWN)
def test_an_error_depends_on_its_stream_alone_and_leaves_the_mask_as_it_was(kind: str) -> None:
    mask = square_mask()
    first = drawn_error(kind, mask, stream(3))
    assert np.array_equal(first, drawn_error(kind, mask, stream(3)))
    assert np.array_equal(mask, square_mask())
    assert first.dtype == np.float32
    assert first.shape == mask.shape
    assert first.min() >= 0
    assert first.max() <= 1


@pytest.mark.parametrize("kind", DRAWN)
def test_a_drawn_error_is_an_error_nearly_always(kind: str) -> None:
    changed = [
        not np.array_equal(drawn_error(kind, square_mask(), stream(number)), square_mask())
        for number in range(40)
    ]
    # Half of the regions are dropped: with two of them, none is in a quarter of the draws.
    assert sum(changed) >= (20 if kind == "regions-dropped" else 36)


def test_a_mask_that_says_nothing_survives_every_error() -> None:
    nothing = np.zeros((19, SIDE, SIDE), np.float32)
    for kind in DRAWN:
        assert not drawn_error(kind, nothing, stream()).any()


def test_an_unknown_error_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"melted.*dropped, regions-dropped"):
        drawn_error("melted", square_mask(), stream())

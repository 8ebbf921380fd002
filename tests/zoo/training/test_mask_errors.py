"""Every wrong mask is wrong in the one way its name says, and each face in its own."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training_stand_ins import striped  # noqa: E402

from zoo.labels import LABELS, UNKNOWN  # noqa: E402
from zoo.training.data.mask_errors import (  # noqa: E402
    KINDS,
    MaskErrors,
    dilated,
    eroded,
    relabelled,
    shifted,
    swap_tables,
)

SIDE = 64
NOSE, MOUTH = LABELS.index("nose"), LABELS.index("mouth")


def squares(count: int = 1) -> torch.Tensor:
    labels = torch.full((count, SIDE, SIDE), UNKNOWN, dtype=torch.uint8)
    labels[:, 20:30, 24:40] = NOSE
    labels[:, 40:48, 20:44] = MOUTH
    return labels


def errors_of(kind: str, count: int, seed: int = 0) -> MaskErrors:
    """Return errors of one kind for every face."""
    for more in range(5000):
        generator = torch.Generator().manual_seed(10_000 * seed + more)
        drawn = MaskErrors.draw(1, generator)
        if KINDS[int(drawn.kinds)] == kind:
            return MaskErrors(
                *(getattr(drawn, name).repeat_interleave(count, 0) for name in drawn.__slots__)
            )
    raise AssertionError(kind)


@pytest.mark.parametrize(("down", "right"), [(0, 0), (5, -3), (-7, 2), (SIDE, 0), (0, -SIDE - 4)])
def test_a_shift_moves_every_pixel_by_as_much_and_knows_nothing_of_what_comes_in(down, right):
    labels = torch.from_numpy(striped(1, SIDE))[None]
    moved = shifted(labels, torch.tensor([[down, right]]))[0].numpy()
    for row in range(SIDE):
        for column in range(0, SIDE, 7):
            y, x = row - down, column - right
            inside = 0 <= y < SIDE and 0 <= x < SIDE
            assert moved[row, column] == (labels[0, y, x] if inside else UNKNOWN)


def test_faces_of_a_batch_are_shifted_each_by_its_own():
    labels = squares(2)
    moved = shifted(labels, torch.tensor([[0, 0], [3, 4]]))
    assert torch.equal(moved[0], labels[0])
    assert torch.equal(moved[1, 23:33, 28:44], labels[1, 20:30, 24:40])


@pytest.mark.parametrize("radius", [0, 1, 3])
def test_erosion_is_that_of_opencv_region_by_region(radius):
    labels = torch.stack([torch.from_numpy(striped(2, SIDE)), squares()[0]])
    found = eroded(labels, torch.full((2,), radius)).numpy()
    window = np.ones((2 * radius + 1,) * 2, np.uint8)
    for before, after in zip(labels.numpy(), found, strict=True):
        for label in range(len(LABELS)):
            region = (before == label).astype(np.uint8)
            # At the crop's edge a region goes on, as in the convolutions' padding.
            kept = cv2.erode(region, window, borderType=cv2.BORDER_REPLICATE)
            assert np.array_equal(after == label, kept == 1)


def test_dilation_is_that_of_opencv_where_regions_do_not_meet_and_one_wins_where_they_do():
    labels = squares()
    order = torch.linspace(0, 1, len(LABELS))[None]
    larger = dilated(labels, torch.tensor([3]), order)[0].numpy()
    window = np.ones((7, 7), np.uint8)
    for label in (NOSE, MOUTH):
        region = (labels[0].numpy() == label).astype(np.uint8)
        assert np.array_equal(larger == label, cv2.dilate(region, window) == 1)
    touching = torch.full((1, 8, 8), NOSE, dtype=torch.uint8)
    touching[:, :, 4:] = MOUTH
    assert (dilated(touching, torch.tensor([2]), order)[0, :, 2:] == MOUTH).all()
    assert (dilated(touching, torch.tensor([2]), order.flip(1))[0, :, :6] == NOSE).all()


def test_a_swap_takes_two_labels_that_are_there():
    labels = squares()
    tables = swap_tables(labels, torch.rand(1, len(LABELS)))
    mistaken = relabelled(labels, tables)
    assert torch.equal(mistaken == NOSE, labels == MOUTH)
    assert torch.equal(mistaken == MOUTH, labels == NOSE)
    assert torch.equal(mistaken == UNKNOWN, labels == UNKNOWN)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_each_kind_is_an_error_nearly_always(kind):
    labels = torch.from_numpy(np.stack([striped(i, SIDE) for i in range(3)]))
    others = labels.roll(-1, dims=0)
    changed = []
    for seed in range(20):
        errors = errors_of(kind, 3, seed)
        found = errors.apply(labels, others)
        assert torch.equal(found, errors.apply(labels, others))
        assert found.dtype == torch.uint8
        assert ((found < len(LABELS)) | (found == UNKNOWN)).all()
        changed.append(not torch.equal(found, labels))
    # The template is put in by who has it.
    assert sum(changed) == (0 if kind == "template" else 20)


def test_the_named_kinds_do_what_they_say():
    labels = torch.from_numpy(np.stack([striped(i, SIDE) for i in range(3)]))
    others = labels.roll(-1, dims=0)
    assert (errors_of("dropped", 3).apply(labels, others) == UNKNOWN).all()
    assert torch.equal(errors_of("other-face", 3).apply(labels, others), others)
    assert len(errors_of("uniform", 3).apply(labels, others).unique()) == 1
    inverted = errors_of("inverted", 3).apply(labels, others)
    known = labels != UNKNOWN
    assert torch.equal(inverted[known], 18 - labels[known])
    assert (inverted[~known] == UNKNOWN).all()
    permuted = errors_of("permuted", 3).apply(labels, others)
    pairs = {(int(a), int(b)) for a, b in zip(labels[known], permuted[known], strict=True)}
    assert len(pairs) == len({b for _, b in pairs}) == len(labels[known].unique())
    lost = errors_of("regions-dropped", 3).apply(labels, others)
    assert ((lost == labels) | (lost == UNKNOWN)).all()


def test_every_kind_is_drawn_about_as_often_as_any_other():
    kinds = MaskErrors.draw(6000, torch.Generator().manual_seed(4)).kinds
    counts = torch.bincount(kinds, minlength=len(KINDS)).double()
    deviation = (6000 / len(KINDS) * (1 - 1 / len(KINDS))) ** 0.5
    assert float((counts - 6000 / len(KINDS)).abs().max()) < 4 * deviation


def test_the_errors_of_some_faces_are_those_of_the_whole_batch():
    labels = torch.from_numpy(np.stack([striped(i, SIDE) for i in range(8)]))
    others = labels.roll(-1, dims=0)
    errors = MaskErrors.draw(8, torch.Generator().manual_seed(1))
    whole = errors.apply(labels, others)
    part = errors.select(range(2, 5)).apply(labels[2:5], others[2:5])
    assert torch.equal(part, whole[2:5])

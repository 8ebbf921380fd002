import numpy as np
import pytest

from zoo.labels import (
    BISENET_LABELS,
    BISENET_TO_CELEBAMASK,
    CELEBAMASK_TO_BISENET,
    LABELS,
    UNKNOWN,
    from_bisenet,
    label_index,
    label_map,
    one_hot,
    to_bisenet,
)


def test_both_orders_hold_the_same_19_regions():
    assert len(LABELS) == len(set(LABELS)) == 19
    assert sorted(LABELS) == sorted(BISENET_LABELS)


def test_the_map_is_the_one_read_from_the_two_projects():
    published = (0, 1, 6, 7, 4, 5, 3, 8, 9, 15, 2, 10, 11, 12, 17, 16, 18, 13, 14)
    assert published == BISENET_TO_CELEBAMASK


def test_the_two_maps_undo_each_other():
    assert [BISENET_TO_CELEBAMASK[i] for i in CELEBAMASK_TO_BISENET] == list(range(19))
    assert [CELEBAMASK_TO_BISENET[i] for i in BISENET_TO_CELEBAMASK] == list(range(19))


@pytest.mark.parametrize("name", LABELS)
def test_a_region_keeps_its_name_both_ways(name):
    marked = np.zeros((19, 2, 3), np.float32)
    marked[BISENET_LABELS.index(name)] = 1
    moved = from_bisenet(marked)
    assert moved[label_index(name)].all()
    assert moved.sum() == 6
    assert np.array_equal(to_bisenet(moved), marked)


def test_the_orders_differ_where_reading_one_as_the_other_would_be_silent():
    assert label_index("hair") != BISENET_LABELS.index("hair")
    assert label_index("nose") != BISENET_LABELS.index("nose")


def test_a_label_map_and_its_channels_are_each_other():
    labels = np.random.default_rng(0).integers(0, 19, (9, 7)).astype(np.uint8)
    labels[0, :3] = UNKNOWN
    channels = one_hot(labels)
    assert channels.shape == (19, 9, 7)
    assert channels.dtype == np.float32
    assert np.array_equal(channels.sum(axis=0), labels != UNKNOWN)
    assert channels[label_index("hair"), labels == label_index("hair")].all()
    assert np.array_equal(label_map(channels), labels)


def test_a_pixel_below_the_confidence_floor_is_unknown():
    probabilities = np.zeros((19, 1, 3), np.float32)
    probabilities[[1, 2], 0, 0] = (0.7, 0.3)
    probabilities[[3, 4], 0, 1] = (0.4, 0.6)
    assert label_map(probabilities).tolist() == [[1, 4, UNKNOWN]]
    assert label_map(probabilities, confidence_floor=0.65).tolist() == [[1, UNKNOWN, UNKNOWN]]
    assert label_map(probabilities).dtype == np.uint8

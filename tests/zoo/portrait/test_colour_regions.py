import numpy as np
import pytest

from zoo.portrait.parse.colour_regions import colour_regions

RED, GREEN, BLUE = (200, 60, 60), (60, 170, 60), (60, 60, 200)


def halves(left, right, noise=0.0, edge=64):
    image = np.zeros((128, 128, 3)) + right
    image[:, :edge] = left
    image += np.random.default_rng(3).normal(0, 1, image.shape) * noise
    return np.clip(image, 0, 255).astype(np.uint8)


def slope(size=128):
    """Two regions, expected left and right with a border 60 pixels wide."""
    left = np.clip((94 - np.arange(size)) / 60, 0.02, 0.98).astype(np.float32)
    layer = np.broadcast_to(left, (size, size))
    return np.stack((layer, 1 - layer))


@pytest.mark.parametrize("noise", [0, 25])
@pytest.mark.parametrize("edge", [52, 64, 76])
def test_the_colours_place_a_border_that_was_only_guessed(edge, noise):
    found = colour_regions(halves(RED, BLUE, noise, edge), slope(), {})
    inside = found[0] > 0.5
    assert inside[:, : edge - 4].mean() > 0.97
    assert inside[:, edge + 4 :].mean() < 0.03


def test_one_colour_leaves_what_was_expected():
    found = colour_regions(halves(RED, RED), slope(), {})
    assert np.abs(found - slope())[:, :, 8:-8].max() < 0.1


def test_the_sum_is_one_and_the_same_bytes_come_twice():
    image = halves(RED, BLUE, 20)
    found = colour_regions(image, slope(), {})
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-5)
    assert found.min() >= 0
    assert found.tobytes() == colour_regions(image.copy(), slope(), {}).tobytes()


def test_a_region_expected_nowhere_is_found_nowhere():
    prior = np.concatenate((slope(), np.zeros((1, 128, 128), np.float32)))
    assert not colour_regions(halves(RED, BLUE), prior, {})[2].any()


def test_kin_do_not_learn_the_colour_of_the_place_they_are_missing_from():
    """An ear expected on the background's blue vanishes; on skin's red it stays."""
    prior = np.concatenate((slope(), np.zeros((1, 128, 128), np.float32)))
    for rows, columns in ((slice(20, 40), slice(5, 25)), (slice(20, 40), slice(100, 120))):
        prior[:, rows, columns] *= 0.4
        prior[2, rows, columns] = 0.6
    found = colour_regions(halves(RED, BLUE), prior, {2: 0})
    assert found[2, 24:36, 9:21].min() > 0.4
    assert found[2, 24:36, 104:116].max() < 0.1


def test_grey_pictures_are_told_apart_by_lightness():
    found = colour_regions(halves((60,) * 3, (180,) * 3), slope(), {})
    assert (found[0] > 0.5)[:, :60].all()
    assert not (found[0] > 0.5)[:, 68:].any()

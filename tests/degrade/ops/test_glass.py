import numpy as np
import pytest
from scipy import ndimage

from degrade.ops import OPERATIONS
from degrade.ops.blur.camera_paths import glass_shift
from degrade.ops.blur.glass import (
    copied_from,
    gathered,
    swapped_from,
)
from degrade.random import PIXELS, StreamKey, philox4x32

STREAM = np.array(StreamKey(7, 99, 0).words(3, PIXELS), np.uint32)


def word(position):
    """The word of a flat position, as degrade.ops.kernels.philox lays them out."""
    k0, k1, *counter = map(int, STREAM)
    block = 256 * (position // 1024) + position % 256
    return philox4x32((block, *counter), (k0, k1))[(position % 1024) // 256]


def offsets(height, width, round_number, span, distance):
    """(down, right) of every pixel in one round; each round starts a new run of words."""
    whole = -(-height * width // 1024) * 1024
    words = np.array([word(round_number * whole + i) for i in range(height * width)], np.int64)
    low, high = words & 0xFFFF, words >> 16
    down, right = (high * span >> 16) - distance, (low * span >> 16) - distance
    return down.reshape(height, width), right.reshape(height, width)


def imagenet_c_shuffle(planes, distance, iterations):
    """make_imagenet_c.py's loop: the swap of views that copies (checked against NumPy below)."""
    x = planes.transpose(1, 2, 0).copy()
    height, width, _ = x.shape
    for number in range(iterations):
        down, right = offsets(height, width, number, 2 * distance, distance)
        for h in range(height - distance, distance, -1):
            for w in range(width - distance, distance, -1):
                other = h + down[h, w], w + right[h, w]
                x[h, w], x[other] = x[other], x[h, w]
    return x.transpose(2, 0, 1)


SHUFFLES = {True: copied_from, False: swapped_from}


def shuffled(planes, distance, iterations, exact, stream=STREAM):
    origins = SHUFFLES[exact](*planes.shape[1:], distance, iterations, stream)
    return gathered(planes, origins, np.empty_like(planes))


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (31, 22)])
@pytest.mark.parametrize(("distance", "iterations"), [(1, 2), (3, 2), (4, 1)])
def test_the_exact_shuffle_is_imagenet_cs_loop(size, distance, iterations):
    planes = np.random.default_rng(5).uniform(0, 255, (3, *size)).astype(np.float32)
    expected = imagenet_c_shuffle(planes, distance, iterations)
    np.testing.assert_array_equal(shuffled(planes, distance, iterations, True), expected)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (31, 22)])
@pytest.mark.parametrize(("distance", "iterations"), [(1, 2), (3, 2)])
def test_the_true_shuffle_swaps_each_pixel_once_a_round(size, distance, iterations):
    height, width = size
    expected = np.arange(height * width).reshape(size)
    for number in range(iterations):
        down, right = offsets(height, width, number, 2 * distance + 1, distance)
        waiting = set(np.ndindex(size))
        for here in np.ndindex(size):
            step = int(down[here]), int(right[here])
            if here not in waiting or step == (0, 0):
                continue
            for side in (1, -1):
                other = here[0] + side * step[0], here[1] + side * step[1]
                if other in waiting:
                    waiting -= {here, other}
                    expected[here], expected[other] = expected[other], expected[here]
                    break
    actual = swapped_from(height, width, distance, iterations, STREAM)
    np.testing.assert_array_equal(actual, expected.reshape(-1))
    assert sorted(actual) == list(range(height * width))


def displacements(distance, iterations, exact):
    """(down, right) by which what is in the middle of the image has come there, many times."""
    rows, columns = np.mgrid[:500, :500].astype(np.float32)
    middle = slice(60, -60)
    actual = []
    for seed in range(8):
        positions = np.stack([rows, columns])
        moved = positions - shuffled(
            positions, distance, iterations, exact, STREAM + np.uint32(seed)
        )
        actual.append(moved[:, middle, middle])
    return np.concatenate(actual, axis=1)


@pytest.mark.parametrize(("distance", "iterations"), [(1, 1), (2, 1), (2, 3), (4, 2)])
def test_the_exact_shuffle_moves_the_picture_as_the_plan_says(distance, iterations):
    actual = displacements(distance, iterations, True).mean(axis=(1, 2))
    assert actual == pytest.approx([glass_shift(distance, iterations)] * 2, abs=0.035)


@pytest.mark.parametrize(("distance", "iterations"), [(1, 1), (2, 3), (4, 2)])
def test_the_true_shuffle_moves_nothing_and_prefers_no_side(distance, iterations):
    actual = displacements(distance, iterations, False)
    assert actual.mean(axis=(1, 2)) == pytest.approx([0, 0], abs=0.01)
    # Third moments: a few that go far one way would look like a shift of the many.
    spread = actual.std(axis=(1, 2))
    assert (actual**3).mean(axis=(1, 2)) / spread**3 == pytest.approx([0, 0], abs=0.02)
    # Second tries make the spread along columns a little larger than along rows.
    assert spread[0] == pytest.approx(spread[1], rel=0.07) and spread[0] > 0.7 * distance


def test_exact_glass_blur_is_imagenet_cs():
    image = np.random.default_rng(2).integers(0, 256, (3, 40, 52)).astype(np.float32)
    image = ndimage.gaussian_filter(image, (0, 2, 2)) * 1.5
    sigma = 0.9

    def soft(planes):
        return ndimage.gaussian_filter(planes.astype(float), (0, sigma, sigma), mode="nearest")

    first = np.floor(np.clip(soft(image), 0, 255) + 1e-6)
    expected = soft(imagenet_c_shuffle(first, 2, 1))
    finished = OPERATIONS["glass_blur"].load()(
        image, STREAM, sigma=sigma, distance=2, iterations=1, exact=True
    )
    # A level that float32 puts on the other side of a whole one is truncated one lower.
    assert np.mean(np.abs(finished - expected) < 0.51) > 0.999
    assert np.abs(finished - expected).max() < 1.01


def test_glass_without_blur_leaves_the_picture_it_was_given():
    planes = np.random.default_rng(2).uniform(0, 255, (3, 40, 52)).astype(np.float32)
    remaining = planes.copy()
    for exact in (False, True):
        finished = OPERATIONS["glass_blur"].load()(
            planes, STREAM, sigma=0.0, distance=2, iterations=1, exact=exact
        )
        np.testing.assert_array_equal(planes, remaining)
        assert (finished != planes).any()

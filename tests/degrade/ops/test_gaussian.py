import math

import numpy as np
import pytest
from scipy import stats

from degrade.ops import OPERATIONS
from degrade.ops.noise.entries import possible_correlations
from degrade.ops.noise.poisson import poisson_tables
from degrade.random import PIXELS, StreamKey, philox4x32

SHAPE = (3, 1826, 1826)
DRAWS = math.prod(SHAPE)
assert DRAWS > 10_000_000
UNLIKELY = 1e-6

OPERATIONS_AT_WORK = [
    ("gaussian_noise", {"sigma": 10.0, "per_channel": True}),
    ("shot_noise", {"photons": 200.0}),
    ("impulse_noise", {"amount": 0.3, "per_channel": True}),
]


def stream(seed=7, image=0x0123456789ABCDEF, variant=0, slot=3, purpose=PIXELS):
    return np.array(StreamKey(seed, image, variant).words(slot, purpose), np.uint32)


def noise(name, planes, words=None, **parameters):
    words = stream() if words is None else words
    return OPERATIONS[name].load()(planes, words, **parameters)


def mid_grey(shape=SHAPE):
    return np.full(shape, 128, np.float32)


def correlation(first, second):
    first, second = first.reshape(-1).astype(np.float64), second.reshape(-1).astype(np.float64)
    first, second = first - first.mean(), second - second.mean()
    return first @ second / math.sqrt((first @ first) * (second @ second))


def word(position):
    """The word of flat position ``place``, as degrade.ops.kernels.philox lays them out."""
    k0, k1, *counter = map(int, stream())
    block = 256 * (position // 1024) + position % 256
    return philox4x32((block, *counter), (k0, k1))[(position % 1024) // 256]


def gaussian_from_word(position):
    # Words 0 and 1 of a block make normals 0 and 1: the run before or after holds the other.
    run = position % 1024 // 256
    radius_word, angle_word = (word(position - 256 * (run % 2) + 256 * k) for k in (0, 1))
    radius = math.sqrt(-2 * math.log(((radius_word >> 1) + 0.5) / 2**31))
    quarter, rest = divmod(angle_word, 2**30)
    angle = (rest - (2**30 if rest >= 2**29 else 0)) / 2**30 * math.pi / 2
    pair = (math.cos(angle), math.sin(angle))
    swapped = pair[::-1] if quarter % 2 else pair
    return 128 + 10 * radius * (-1 if quarter >= 2 else 1) * swapped[run % 2]


def shot_from_word(position):
    laws, columns = poisson_tables(200.0)
    law = int(laws[128])
    column, rest = divmod(word(position) * (law >> 24 & 0xFFFF), 2**32)
    entry = int(columns[(law >> 40) + column])
    chosen = entry & 0xFFFF if rest < entry >> 32 else entry >> 16 & 0xFFFF
    return ((law & 0xFFFFFF) + chosen) * 255 / 200


def impulse_from_word(position):
    drawn_plan = word(position)
    return 128 if drawn_plan >= 0.3 * 2**32 else 255 if drawn_plan < 0.15 * 2**32 else 0


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        (name, parameters, expected)
        for (name, parameters), expected in zip(
            OPERATIONS_AT_WORK, (gaussian_from_word, shot_from_word, impulse_from_word), strict=True
        )
    ],
)
def test_every_value_is_made_of_its_own_documented_word(name, parameters, expected):
    values = noise(name, mid_grey((3, 61, 97)), **parameters).reshape(-1)
    borders = [0, 255, 256, 1023, 1024, 1279, 1280, 4095, 4096, values.size - 1]
    for position in [*borders, *range(0, values.size, 61)]:
        assert values[position] == pytest.approx(expected(position), abs=1e-3), position


@pytest.fixture(scope="module")
def normal_noise():
    noisy = noise("gaussian_noise", mid_grey(), sigma=10.0, per_channel=True)
    assert noisy.min() > 0 and noisy.max() < 255
    return (noisy - 128) / 10


def test_ten_million_gaussian_draws_follow_the_normal_law(normal_noise):
    z = normal_noise.reshape(-1).astype(np.float64)
    assert stats.kstest(z, "norm").pvalue > UNLIKELY
    assert abs(z.mean()) < 5 / math.sqrt(DRAWS)
    assert abs(z.std() - 1) < 5 / math.sqrt(2 * DRAWS)
    assert abs(stats.skew(z)) < 5 * math.sqrt(6 / DRAWS)
    assert abs(stats.kurtosis(z)) < 5 * math.sqrt(24 / DRAWS)
    assert (np.abs(z) > 4).mean() == pytest.approx(2 * stats.norm.sf(4), rel=0.2)
    assert 0 < (np.abs(z) > 5).sum() <= 21


@pytest.mark.parametrize("sigma", [0.0, 0.5, 3.0, 20.0])
def test_gaussian_noise_has_the_strength_asked_for(sigma):
    noisy = noise("gaussian_noise", mid_grey((3, 400, 400)), sigma=sigma, per_channel=True)
    assert noisy.std(dtype=np.float64) == pytest.approx(sigma, rel=0.01)


def test_gaussian_noise_for_each_channel_differs_between_channels():
    noisy = noise("gaussian_noise", mid_grey((3, 300, 300)), sigma=5.0, per_channel=True)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert abs(correlation(noisy[a], noisy[b])) < 5 / 300


def test_grey_gaussian_noise_is_one_field_for_all_channels():
    noisy = noise("gaussian_noise", mid_grey((3, 301, 257)), sigma=5.0, per_channel=False)
    np.testing.assert_array_equal(noisy[0], noisy[1])
    np.testing.assert_array_equal(noisy[0], noisy[2])
    coloured = noise("gaussian_noise", mid_grey((3, 301, 257)), sigma=5.0, per_channel=True)
    np.testing.assert_array_equal(noisy[0], coloured[0])


def test_gaussian_noise_is_clipped_to_what_a_picture_can_hold():
    planes = np.stack([np.zeros((200, 200)), np.full((200, 200), 255)]).astype(np.float32)
    dark, bright = noise("gaussian_noise", planes, sigma=30.0, per_channel=True)
    assert dark.min() == 0 and bright.max() == 255
    assert (dark == 0).mean() == pytest.approx(0.5, abs=5 * 0.5 / 200)
    assert (bright == 255).mean() == pytest.approx(0.5, abs=5 * 0.5 / 200)


@pytest.mark.parametrize("level", [10, 64, 128, 200])
def test_shot_noise_has_the_mean_and_variance_of_its_level(level):
    photons = 700.0
    planes = np.full((1, 1000, 1000), level, np.float32)
    noisy = noise("shot_noise", planes, photons=photons).astype(np.float64)
    variance = level * 255 / photons
    assert abs(noisy.mean() - level) < 5 * math.sqrt(variance / noisy.size)
    assert noisy.var() == pytest.approx(variance, rel=0.01)


def test_shot_noise_rounds_levels_halves_to_even_first():
    fractions = np.array([99.5, 100.49, 100.5, 101.5, -3.0, 260.0], np.float32)
    nearest = np.array([100, 100, 100, 102, 0, 255], np.float32)
    for value, level in zip(fractions, nearest, strict=True):
        np.testing.assert_array_equal(
            noise("shot_noise", np.full((1, 30, 30), value, np.float32), photons=90.0),
            noise("shot_noise", np.full((1, 30, 30), level, np.float32), photons=90.0),
        )


def test_the_law_of_shot_noise_follows_each_value_of_a_picture():
    planes = np.tile(np.arange(256, dtype=np.float32), (1, 4000, 1))
    noisy = noise("shot_noise", planes, photons=5000.0)[0].astype(np.float64)
    levels = np.arange(256)
    deviation = np.sqrt(levels * 255 / 5000 / 4000)
    unclipped = levels < 230
    error = np.abs(noisy.mean(0) - levels)
    assert (error[unclipped] <= 6 * deviation[unclipped]).all()


@pytest.mark.parametrize("amount", [0.002, 0.05, 0.7])
def test_ten_million_values_are_struck_at_the_rate_asked_for_half_of_them_white(amount):
    noisy = noise("impulse_noise", mid_grey(), amount=amount, per_channel=True)
    white, black = int((noisy == 255).sum()), int((noisy == 0).sum())
    assert white + black + int((noisy == 128).sum()) == DRAWS
    assert stats.binomtest(white + black, DRAWS, amount).pvalue > UNLIKELY
    assert stats.binomtest(white, white + black, 0.5).pvalue > UNLIKELY


def test_impulses_strike_single_values_or_whole_pixels():
    planes = mid_grey((3, 500, 500))
    planes[1] += 1
    planes[2] += 2
    pixels = noise("impulse_noise", planes, amount=0.1, per_channel=False)
    struck = pixels != planes
    assert (struck.all(0) == struck.any(0)).all()
    assert (pixels[:, struck[0]] == pixels[0, struck[0]]).all()
    assert struck[0].mean() == pytest.approx(0.1, abs=5 * 0.3 / 500)
    values = noise("impulse_noise", planes, amount=0.1, per_channel=True) != planes
    assert (values.sum(0) == 3).mean() == pytest.approx(0.001, abs=5 * 0.032 / 500)


def test_impulses_of_amount_0_and_1_strike_nothing_and_everything():
    planes = mid_grey((3, 200, 200))
    np.testing.assert_array_equal(
        noise("impulse_noise", planes, amount=0.0, per_channel=True), planes
    )
    everything = noise("impulse_noise", planes, amount=1.0, per_channel=True)
    assert set(np.unique(everything)) == {0, 255}


@pytest.mark.parametrize(("name", "parameters"), OPERATIONS_AT_WORK)
def test_neighbours_are_not_correlated(name, parameters):
    noisy = noise(name, mid_grey(), **parameters)
    flat = noisy.reshape(-1)
    pairs = {
        "x": (noisy[:, :, 1:], noisy[:, :, :-1]),
        "y": (noisy[:, 1:], noisy[:, :-1]),
        "diagonal": (noisy[:, 1:, 1:], noisy[:, :-1, :-1]),
        "channel": (noisy[1:], noisy[:-1]),
        "far channel": (noisy[2], noisy[0]),
    } | {f"{lag} values on": (flat[lag:], flat[:-lag]) for lag in (4, 256, 512, 768, 1024, 4096)}
    for name, (first, second) in pairs.items():
        assert abs(correlation(first, second)) < 5 / math.sqrt(first.size), name


@pytest.mark.parametrize(("name", "parameters"), OPERATIONS_AT_WORK)
def test_images_variants_slots_and_seeds_are_not_correlated(name, parameters):
    planes = mid_grey((3, 600, 600))
    streams = {
        "this": stream(),
        "next image": stream(image=0x0123456789ABCDF0),
        "image with another high word": stream(image=0x0123456889ABCDEF),
        "next variant": stream(variant=1),
        "next slot": stream(slot=4),
        "next seed": stream(seed=8),
        "seed with another high word": stream(seed=7 + 2**32),
        "parameters": stream(purpose=0),
    }
    fields = {label: noise(name, planes, words, **parameters) for label, words in streams.items()}
    labels = list(fields)
    for i, first in enumerate(labels):
        for second in labels[:i]:
            r = correlation(fields[first], fields[second])
            assert abs(r) < 5 / math.sqrt(planes.size), (first, second)


@pytest.mark.parametrize(("name", "parameters"), OPERATIONS_AT_WORK)
def test_noise_leaves_its_input_alone_and_repeats(name, parameters):
    planes = mid_grey((3, 33, 65))
    first = noise(name, planes, **parameters)
    assert (planes == 128).all()
    np.testing.assert_array_equal(first, noise(name, planes, **parameters))


def smallest_eigenvalue(a, b, c):
    return np.linalg.eigvalsh(np.array([[1, a, b], [a, 1, c], [b, c, 1]])).min()


def test_possible_correlations_stay_as_they_are():
    for inputs in ((0.5, 0.3, 0.9), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (-0.5, -0.5, -0.5)):
        assert possible_correlations(*inputs) == inputs


@pytest.mark.parametrize("seed", range(5))
def test_impossible_ones_shrink_to_the_border_of_the_possible(seed):
    rng = np.random.default_rng(seed)
    for inputs in rng.uniform(-1, 1, (200, 3)):
        actual = possible_correlations(*map(float, inputs))
        if smallest_eigenvalue(*inputs) >= 0:
            assert actual == tuple(inputs)
            continue
        assert abs(smallest_eigenvalue(*actual)) < 1e-7
        ratios = np.array(actual) / inputs
        assert np.ptp(ratios) < 1e-12 and 0 < ratios[0] < 1


def test_shrinking_twice_changes_nothing_more():
    once = possible_correlations(1.0, 1.0, -1.0)
    assert once == pytest.approx((0.5, 0.5, -0.5))
    assert possible_correlations(*once) == once

"""The proof that a fit finds known recipes: 300 portraits each. `pytest -s` prints the tables."""

import numpy as np
import pytest
from known_recipes import ALONE, MIXED, areas, every_second, make_known, ratios
from two_sample import features, told_apart

from degrade.dataset.sources import open_source
from degrade.fit.fit import fit
from degrade.fit.quantities import QUANTITIES

COUNT = 300
MEDIAN, QUARTILE = 0.15, 0.25

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(7200),
]


@pytest.fixture(scope="module")
def portraits(shared):
    """Portraits at 372 pixels: off the grid of the JPEGs they come from."""
    return open_source(shared("faces/congress"), longest=372)


def tell(case, name, true, fitted, ratio):
    words = " / ".join(f"{value:.3g}" for value in true), " / ".join(f"{v:.3g}" for v in fitted)
    print(f"\n| {case} | {QUANTITIES[name].title} | {words[0]} | {words[1]} |", end=" ")  # noqa: T201
    print(" / ".join(f"{value:.2f}" for value in ratio), "|")  # noqa: T201


def assert_near(ratio):
    assert abs(ratio[1] - 1) <= MEDIAN
    assert np.all(np.abs(ratio - 1) <= QUARTILE)


@pytest.mark.parametrize("name", ALONE)
def test_each_degradation_alone_is_found_again(name, portraits, tmp_path):
    known = make_known(ALONE[name], tmp_path, every_second(portraits, 0), COUNT)
    actual = fit(known.measured, every_second(portraits, 1))
    true, fitted, ratio = ratios(known, actual.candidate, name)
    tell("alone", name, true, fitted, ratio)
    assert_near(ratio)


@pytest.mark.parametrize("case", MIXED)
def test_noise_quality_and_scale_of_mixed_recipes_are_found_again(case, portraits, tmp_path):
    made_of = every_second(portraits, 1)
    known = make_known(MIXED[case], tmp_path, every_second(portraits, 0), COUNT, full=372)
    actual = fit(known.measured, made_of)
    results = {
        name: ratios(known, actual.candidate, name) for name in ("noise", "quality", "scale")
    }
    for name, result in results.items():
        tell(case, name, *result)
    generated, halves = areas(known, actual, made_of.keys)
    print(f"| {case} | told apart: {generated:.3f}; halves of the truth: {halves:.3f} |")  # noqa: T201
    for _, _, ratio in results.values():
        assert_near(ratio)
    assert generated <= 0.60


ALIKE = {
    "blur and enlargement before noise and JPEG": (
        # An area of d pixels and a triangle of d on each side have variance d²/12 + d²/6.
        "  - {operation: gaussian_blur, sigma: 1.0}",
        "  - {operation: resize_blur, divisor: 2}",
        "  - {operation: gaussian_noise, sigma: 8}\n  - {operation: jpeg, quality: 60}",
    ),
    "none and weak noise under JPEG": (
        "  - {operation: gaussian_blur, sigma: 1.0}",
        "  - {operation: gaussian_blur, sigma: 1.0}\n  - {operation: gaussian_noise, sigma: 0.7}",
        "  - {operation: jpeg, quality: 60}",
    ),
}
"""Two recipes each that a fit cannot tell apart: their first steps, and what follows both."""


@pytest.mark.parametrize("case", ALIKE)
def test_what_a_fit_cannot_tell_measures_alike(case, portraits, tmp_path):
    one, other, after = ALIKE[case]
    first = make_known(f"{one}\n{after}", tmp_path, every_second(portraits, 0), 150)
    second = make_known(f"{other}\n{after}", tmp_path, every_second(portraits, 1), 150)
    area = told_apart(
        features(first.measured), features(second.measured), first.sources, second.sources
    )
    print(f"\n| {case} | told apart: {area:.3f} |")  # noqa: T201
    assert area <= 0.60


def test_two_samples_of_one_law_are_not_told_apart_and_shifted_ones_are():
    random = np.random.default_rng(4)
    first, second = random.normal(size=(300, 5)), random.normal(size=(300, 5))
    names = [f"a{n}" for n in range(300)], [f"b{n}" for n in range(300)]
    assert abs(told_apart(first, second, *names) - 0.5) < 0.07
    # One column of deviation 1 shifted by 1: the area is Phi(1 / sqrt 2) = 0.760.
    second[:, 2] += 1.0
    assert told_apart(first, second, *names) == pytest.approx(0.760, abs=0.04)


def test_what_only_tells_the_source_does_not_help():
    # Every source has a column of its own in which its images stand out; the sample that a
    # source belongs to is chance. Without unseen sources this would be told apart perfectly.
    random = np.random.default_rng(5)
    sources = np.repeat(np.arange(30), 10)
    rows = np.eye(30)[sources] + random.normal(0, 0.01, (300, 30))
    first = sources < 15
    names = [f"s{n}" for n in sources]
    area = told_apart(
        rows[first], rows[~first], [n for n, f in zip(names, first, strict=True) if f],
        [n for n, f in zip(names, first, strict=True) if not f],
    )  # fmt: skip
    assert area < 0.65

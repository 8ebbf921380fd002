import math

import numba
import numpy as np
import pytest
from scipy import special

from degrade import portable_math
from degrade.portable_math import j1

TOLERANCE = 2.0
"""Units in the last place."""
LONG = np.longdouble
RNG = np.random.default_rng(11)

EXP = np.concatenate([RNG.uniform(-700, 700, 20_000), RNG.uniform(-1, 1, 20_000)])
LOG = np.concatenate(
    [np.exp(RNG.uniform(-700, 700, 20_000)), RNG.uniform(0.5, 2, 20_000), [1.0, 0.5, 2.0, 5e-324]]
)
ANGLES = np.concatenate([RNG.uniform(-720, 720, 20_000), RNG.uniform(-1, 1, 5_000)])


def units_apart(computed, exact):
    return np.abs((computed.astype(LONG) - exact) / np.spacing(np.abs(exact.astype(np.float64))))


def exact_turn(angles, function):
    """Reduce to the nearest quarter turn before leaving degrees: the argument stays exact."""
    quarter = np.round(angles / 90)
    rest = (angles - 90 * quarter).astype(LONG) * (LONG("3.14159265358979323846264338328") / 180)
    sine, cosine = np.sin(rest), np.cos(rest)
    phase = quarter.astype(int) % 4
    if function == "cos":
        phase = (phase + 1) % 4
    return np.choose(phase, [sine, cosine, -sine, -cosine])


needs_long_double = pytest.mark.skipif(
    np.finfo(LONG).nmant < 63, reason="long double is no wider than double on this machine"
)


@needs_long_double
def test_exp_is_within_two_units_in_the_last_place():
    computed = np.array([portable_math.exp(x) for x in EXP])
    assert units_apart(computed, np.exp(EXP.astype(LONG))).max() <= TOLERANCE


@needs_long_double
def test_log_is_within_two_units_in_the_last_place():
    computed = np.array([portable_math.log(x) for x in LOG])
    assert units_apart(computed, np.log(LOG.astype(LONG))).max() <= TOLERANCE


@needs_long_double
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_sine_and_cosine_are_within_two_units_in_the_last_place(name):
    function = getattr(portable_math, f"{name}_degrees")
    computed = np.array([function(angle) for angle in ANGLES])
    assert units_apart(computed, exact_turn(ANGLES, name)).max() <= TOLERANCE


def test_functions_agree_with_the_c_library():
    for x in (-30.5, -1e-9, 0.0, 0.3, 12.0, 300.0):
        assert portable_math.exp(x) == pytest.approx(math.exp(x), rel=1e-15)
    for x in (1e-300, 0.2, 1.0, math.e, 1e300):
        assert portable_math.log(x) == pytest.approx(math.log(x), rel=1e-15, abs=1e-300)
    for angle in (-400.0, -33.0, 12.0, 44.9, 45.1, 200.0):
        radians = math.radians(angle)
        assert portable_math.sin_degrees(angle) == pytest.approx(math.sin(radians), rel=1e-14)
        assert portable_math.cos_degrees(angle) == pytest.approx(math.cos(radians), rel=1e-14)


def test_multiples_of_90_degrees_are_exact():
    for turn in range(-8, 9):
        sine, cosine = ((0, 1), (1, 0), (0, -1), (-1, 0))[turn % 4]
        assert portable_math.sin_degrees(90.0 * turn) == sine
        assert portable_math.cos_degrees(90.0 * turn) == cosine


def test_exp_of_0_and_log_of_1_are_exact():
    assert portable_math.exp(0.0) == 1.0
    assert portable_math.log(1.0) == 0.0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("exp", EXP), ("log", LOG), ("_sin_series", ANGLES / 2000), ("_cos_series", ANGLES / 2000)],
)
def test_compiled_code_gives_the_bits_of_plain_python(name, arguments):
    function = getattr(portable_math, name)
    compiled = numba.vectorize(["float64(float64)"])(function)
    plain = np.array([function(float(x)) for x in arguments])
    np.testing.assert_array_equal(compiled(arguments).view(np.int64), plain.view(np.int64))


def test_j1_is_scipys_over_all_that_a_kernel_can_ask_for():
    positions = np.concatenate([np.linspace(0, 40, 2001), np.linspace(40, 1000, 400)])
    actual = np.array([j1(float(x)) for x in positions])
    np.testing.assert_allclose(actual, special.j1(positions), atol=1e-14)


def test_j1_keeps_its_relative_accuracy_near_zero():
    positions = np.logspace(-12, 0, 200)
    actual = np.array([j1(float(x)) for x in positions])
    np.testing.assert_allclose(actual, special.j1(positions), rtol=1e-14)


# M. Abramowitz and I. Stegun, table 9.5: zeros of J1.
@pytest.mark.parametrize("zero", [3.8317059702, 7.0155866698, 10.1734681351, 13.3236919363])
def test_j1_is_zero_where_the_tables_say(zero):
    assert abs(j1(zero)) < 1e-10

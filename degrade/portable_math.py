"""exp, log, sine, cosine and J1 from IEEE-exact operations alone, the same bits on any machine.

The C library's versions may differ in the last bit between machines; a recipe's parameters
and kernels must not. Every function here uses only + − × ÷, comparison and exact scaling by
powers of two, in float64, and is compiled unchanged by Numba (`degrade.ops.kernels`).
Accuracy of the elementary functions against the true value is within 2 units in the last place
(tested).
"""

from __future__ import annotations

import math

# ln 2 split so that k * LN2_HIGH is exact for |k| < 2**20 (W. J. Cody and W. Waite,
# Software Manual for the Elementary Functions, 1980, chapter 6).
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_RADIANS = 0.017453292519943295


def exp(x: float) -> float:
    """Return e**x for -700 < x < 700; float64.

    Range reduction x = k ln 2 + r, |r| <= ln 2 / 2, then the Taylor series to r**13,
    whose remainder is below 2**-57.
    """
    k = math.floor(x / 0.6931471805599453 + 0.5)
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    total = 1.0
    for n in range(13, 0, -1):
        total = 1.0 + total * r / n
    return math.ldexp(total, int(k))


def log(x: float) -> float:
    """Return the natural logarithm of x > 0; float64.

    x = m 2**e with m in [√½, √2); log m = 2 artanh((m − 1) / (m + 1)) by its series.
    """
    m, e = math.frexp(x)
    if m < 0.7071067811865476:
        m *= 2.0
        e -= 1
    s = (m - 1.0) / (m + 1.0)
    square = s * s
    total = 0.0
    for n in range(25, 1, -2):
        total = (total + 1.0 / n) * square
    return e * _LN2_HIGH + (2.0 * s + (2.0 * s * total + e * _LN2_LOW))


def sin_degrees(angle: float) -> float:
    """Return the sine of an angle in degrees; float64, exact at multiples of 90."""
    return _quarter(angle, 0)


def cos_degrees(angle: float) -> float:
    """Return the cosine of an angle in degrees; float64, exact at multiples of 90."""
    return _quarter(angle, 1)


def _quarter(angle: float, shift: int) -> float:
    turn = math.fmod(angle, 360.0)
    quarter = math.floor(turn / 90.0 + 0.5)
    x = (turn - quarter * 90.0) * _RADIANS
    phase = (int(quarter) + shift) % 4
    value = _cos_series(x) if phase % 2 == 1 else _sin_series(x)
    return -value if phase >= 2 else value


def _sin_series(x: float) -> float:
    """Taylor series of the sine for |x| <= π/4, to x**17."""
    square = x * x
    total = 1.0
    for n in range(16, 0, -2):
        total = 1.0 - total * square / (n * (n + 1))
    return x * total


def _cos_series(x: float) -> float:
    """Taylor series of the cosine for |x| <= π/4, to x**18."""
    square = x * x
    total = 1.0
    for n in range(17, 0, -2):
        total = 1.0 - total * square / (n * (n + 1))
    return total


def j1(x: float) -> float:
    """Return J1(x) for 0 <= x <= 1000; float64, within 1e-14 of the true value (tested).

    Miller's backward recurrence, J(n−1) = 2n/x J(n) − J(n+1), from an order where J is
    negligible, made absolute by J0 + 2 (J2 + J4 + …) = 1 (M. Abramowitz and I. Stegun,
    Handbook of Mathematical Functions, 9.1.27, 9.1.46 and 9.12).
    """
    if x < 1e-4:
        # x/2 − x³/16: what follows is below 1e-22.
        return x * 0.5 - x * x * x / 16.0
    # An even order some 40 or a fifth beyond x: J there is below 1e-24 of its largest.
    order = 2 * ((int(1.2 * x) + 42) // 2)
    above, here, total, first = 0.0, 1e-280, 0.0, 0.0
    for n in range(order, 0, -1):
        if n % 2 == 0:
            total += 2.0 * here
        if n == 1:
            first = here
        above, here = here, (2.0 * n) / x * here - above
    return first / (total + here)

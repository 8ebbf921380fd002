import numpy as np
import pytest
from scipy import special

from degrade.portable_math import j1


def test_j1_is_scipys_over_all_that_a_kernel_can_ask_for():
    places = np.concatenate([np.linspace(0, 40, 2001), np.linspace(40, 1000, 400)])
    found = np.array([j1(float(x)) for x in places])
    np.testing.assert_allclose(found, special.j1(places), atol=1e-14)


def test_j1_keeps_its_relative_accuracy_near_zero():
    places = np.logspace(-12, 0, 200)
    found = np.array([j1(float(x)) for x in places])
    np.testing.assert_allclose(found, special.j1(places), rtol=1e-14)


# M. Abramowitz and I. Stegun, table 9.5: zeros of J1.
@pytest.mark.parametrize("zero", [3.8317059702, 7.0155866698, 10.1734681351, 13.3236919363])
def test_j1_is_zero_where_the_tables_say(zero):
    assert abs(j1(zero)) < 1e-10

import numpy as np
import pytest

from bench.metrics.distribution.distances import (
    SetDistanceMetric,
    frechet_distance,
    kernel_distance,
    refuse_sets,
)
from bench.metrics.entry import Status
from bench.metrics.registry import entry_of


def two_sets():
    generator = np.random.Generator(np.random.Philox(3))
    return generator.normal(size=(9, 4)), generator.normal(1, 2, size=(7, 4))


def test_one_image_is_too_few():
    measured = refuse_sets(np.zeros((1, 4)), np.zeros((5, 4)))
    assert measured is not None
    assert measured.status is Status.ERROR
    assert "at least 2" in measured.detail
    assert refuse_sets(np.zeros((2, 4)), np.zeros((2, 4))) is None


@pytest.mark.parametrize(
    ("name", "distance"),
    [("fd_efficientnet", frechet_distance), ("kd_efficientnet", kernel_distance)],
)
def test_the_entry_says_which_distance_it_is(name, distance):
    compared = SetDistanceMetric(entry_of(name)).compare(*two_sets())
    assert compared.value == pytest.approx(distance(*two_sets()), rel=1e-12)


def test_versions_of_one_photograph_alone_have_no_kernel_distance():
    metric = SetDistanceMetric(entry_of("kd_efficientnet"))
    compared = metric.compare(*two_sets(), np.zeros(9, np.intp))
    expected = (Status.ERROR, "at least 2 photographs are needed, not 1")
    assert (compared.status, compared.detail) == expected

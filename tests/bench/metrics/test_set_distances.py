import numpy as np
import pytest

from bench.metrics.distribution.distances import (
    ByFrechetDistance,
    ByKernelDistance,
    frechet_distance,
    kernel_distance,
    refuse_sets,
)
from bench.metrics.entry import Status


def two_sets():
    generator = np.random.Generator(np.random.Philox(3))
    return generator.normal(size=(9, 4)), generator.normal(1, 2, size=(7, 4))


def test_one_image_is_too_few():
    measured = refuse_sets(np.zeros((1, 4)), np.zeros((5, 4)))
    assert measured is not None
    assert measured.status is Status.ERROR
    assert "at least 2" in measured.detail
    assert refuse_sets(np.zeros((2, 4)), np.zeros((2, 4))) is None


def test_each_half_gives_its_own_distance():
    restored, reference = two_sets()
    assert ByFrechetDistance().compare(restored, reference).value == pytest.approx(
        frechet_distance(restored, reference), rel=1e-12
    )
    assert ByKernelDistance().compare(restored, reference).value == pytest.approx(
        kernel_distance(restored, reference), rel=1e-12
    )


def test_versions_of_one_photograph_alone_have_no_kernel_distance():
    restored, reference = two_sets()
    found = ByKernelDistance().compare(restored, reference, np.zeros(9, np.intp))
    assert (found.status, found.detail) == (
        Status.ERROR,
        "at least 2 photographs are needed, not 1",
    )

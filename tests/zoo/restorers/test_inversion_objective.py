import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from zoo.restorers.inversion.objective import Objective, Weights  # noqa: E402

HALF = torch.full((1, 3, 8, 8), 0.5)
NOWHERE = torch.zeros(1, 4, 2)


class _Means:
    """Stands for a network: its one map is the image."""

    def maps(self, images):
        return [images]

    def distance(self, found, wanted):
        return (found[0] - wanted[0]).abs().mean()

    def middle(self, maps):
        return maps


def test_pixels_count_by_their_mean_square():
    objective = Objective(HALF, Weights(pixel=3.0, perceptual=0.0), None)
    assert float(objective(HALF + 0.2, NOWHERE)) == pytest.approx(3 * 0.04)


@pytest.mark.parametrize("apart", [0.0, 1e-4, 0.3, 1.5, 60.0])
def test_log_cosh_is_that_of_numpy_where_numpy_can(apart):
    objective = Objective(HALF.double(), Weights(perceptual=0.0, log_cosh=True), None)
    exact = np.log(np.cosh(apart)) if apart < 20 else apart - math.log(2)
    found = float(objective(HALF.double() + apart, NOWHERE))
    assert found == pytest.approx(exact, rel=1e-6, abs=1e-15)


def test_leaving_counts_standard_deviations():
    objective = Objective(HALF, Weights(pixel=0.0, perceptual=0.0, leaving=0.5), None)
    assert float(objective(HALF, NOWHERE - 2)) == pytest.approx(1.0)


def test_maps_are_those_of_faces_clipped_to_what_can_be_seen():
    objective = Objective(HALF, Weights(pixel=0.0, perceptual=2.0), _Means())
    assert float(objective(HALF + 7, NOWHERE)) == pytest.approx(2 * 0.5)


def test_what_is_known_of_the_degradation_comes_before_the_comparison():
    objective = Objective(HALF, Weights(perceptual=1.0), _Means(), degraded=lambda x: x / 2)
    assert float(objective(2 * HALF, NOWHERE)) == 0.0
    assert float(objective(HALF, NOWHERE)) == pytest.approx(0.0625 + 0.25)

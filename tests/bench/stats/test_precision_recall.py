import numpy as np
import pytest

from bench.stats.generated import precision_recall


def plain(drawn, real, k):
    """The paper's definition, point by point."""

    def among(point, manifold):
        for place, centre in enumerate(manifold):
            others = np.delete(manifold, place, axis=0)
            reach = np.sort(np.linalg.norm(others - centre, axis=1))[k - 1]
            if np.linalg.norm(point - centre) <= reach:
                return True
        return False

    return (
        np.mean([among(point, real) for point in drawn]),
        np.mean([among(point, drawn) for point in real]),
    )


def test_it_equals_the_definition_point_by_point():
    rng = np.random.default_rng(0)
    drawn, real = rng.normal(0, 1, (30, 4)), rng.normal(0.7, 1.3, (25, 4))
    for k in (1, 3, 5):
        assert precision_recall(drawn, real, k) == pytest.approx(plain(drawn, real, k))


def test_a_generator_that_makes_one_kind_only_is_precise_without_recall():
    rng = np.random.default_rng(1)
    real = np.concatenate([rng.normal(0, 1, (200, 3)), rng.normal(20, 1, (200, 3))])
    precision, recall = precision_recall(rng.normal(0, 1, (400, 3)), real)
    assert precision > 0.9
    assert recall == pytest.approx(0.5, abs=0.05)


def test_one_that_also_makes_what_is_not_real_has_recall_without_precision():
    rng = np.random.default_rng(2)
    drawn = np.concatenate([rng.normal(0, 1, (200, 3)), rng.normal(20, 1, (200, 3))])
    precision, recall = precision_recall(drawn, rng.normal(0, 1, (400, 3)))
    assert recall > 0.9
    assert precision == pytest.approx(0.5, abs=0.05)


def test_too_few_vectors_are_refused():
    with pytest.raises(ValueError, match="no 3 neighbours"):
        precision_recall(np.zeros((3, 2)), np.zeros((9, 2)))

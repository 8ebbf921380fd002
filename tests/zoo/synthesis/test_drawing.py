import numpy as np
import pytest
import torch
from scipy import stats

from zoo.networks.stylegan.generator import GeneratorConfig, StyleGenerator
from zoo.synthesis.drawing import draw_faces, latent_of, to_levels

KNOWN = [0.68876183, 1.9802819, -1.105399]
"""The first numbers of face 3 of seed 7: they may never change."""


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return StyleGenerator(GeneratorConfig(16, {4: 8, 8: 8, 16: 6}, latent=8, depth=2)).eval()


def test_a_face_depends_on_its_number_and_not_on_the_others(network):
    many = list(draw_faces(network, range(6), seed=3))
    assert np.array_equal(many[4], next(draw_faces(network, range(4, 5), seed=3)))
    assert not np.array_equal(many[4], many[5])
    assert not np.array_equal(many[4], next(draw_faces(network, range(4, 5), seed=4)))


def test_without_truncation_left_every_face_is_the_average_one(network):
    one, other = draw_faces(network, range(2), seed=1, truncation=0.0)
    assert np.array_equal(one, other)


def test_the_numbers_behind_a_face_are_normal_and_known():
    drawn = np.stack([latent_of(7, index, 512) for index in range(40)])
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 0.01
    # Neighbours, in number and in seed, have nothing in common.
    assert abs(np.corrcoef(drawn[0], drawn[1])[0, 1]) < 0.15
    assert abs(np.corrcoef(drawn[0], latent_of(8, 0, 512))[0, 1]) < 0.15
    assert drawn.dtype == np.float32
    assert latent_of(7, 3, 3) == pytest.approx(KNOWN, rel=1e-6)


def test_the_numbers_come_from_the_published_philox():
    # Random123's known answer (kat_vectors, philox4x64 10): counter and key of zeros. numpy adds 1
    # to the counter first, so the one before zero gives it.
    before = np.random.Philox(key=0, counter=[2**64 - 1] * 4)
    assert [f"{int(word):016x}" for word in before.random_raw(4)] == [
        "16554d9eca36314c", "db20fe9d672d0fdc", "d7e772cee186176b", "7e68b68aec7ba23b",
    ]  # fmt: skip
    raw = np.random.Philox(key=5, counter=[0, 0, 9, 0]).random_raw(6)
    wanted = stats.norm.ppf(((raw >> 11) + 0.5) * 2.0**-53)
    assert latent_of(5, 9, 6) == pytest.approx(wanted, rel=1e-6)


def test_levels_are_rounded_and_clipped():
    face = torch.tensor([-0.1, 0.0, 0.4999, 1.2]).reshape(1, 2, 2).expand(3, 2, 2)
    assert to_levels(face)[..., 0].tolist() == [[0, 0], [127, 255]]

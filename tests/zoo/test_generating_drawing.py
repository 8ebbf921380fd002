import numpy as np
import pytest
import torch
from scipy import stats

from zoo.generating.drawing import draw_faces, latent_of, to_levels
from zoo.networks.stylegan2 import GeneratorConfig, StyleGenerator


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
    # Philox 4x64-10 of key 0 and counter 1, the first block that numpy hands out.
    assert latent_of(0, 0, 2) == pytest.approx(latent_of(0, 0, 4)[:2])


def test_levels_are_rounded_and_clipped():
    face = torch.tensor([-0.1, 0.0, 0.4999, 1.2]).reshape(1, 2, 2).expand(3, 2, 2)
    assert to_levels(face)[..., 0].tolist() == [[0, 0], [127, 255]]

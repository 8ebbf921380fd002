import pytest

torch = pytest.importorskip("torch")

from zoo.networks.parsing.parsing_unet import ParsingUNet  # noqa: E402
from zoo.networks.restoration.unet import UNetConfig  # noqa: E402
from zoo.training.tasks.registry import load_training  # noqa: E402

CONFIG = UNetConfig(32, {8: 12, 16: 8}, patch=2)


def test_each_pixel_gets_nineteen_scores_at_the_faces_own_side():
    network = ParsingUNet(CONFIG)
    assert network(torch.rand(3, 3, 32, 32)).shape == (3, 19, 32, 32)


def test_a_new_network_finds_every_region_equally_likely():
    assert not ParsingUNet(CONFIG)(torch.rand(1, 3, 32, 32)).any()


def test_faces_of_another_size_are_refused():
    with pytest.raises(ValueError, match="not \\(n, 3, 32, 32\\)"):
        ParsingUNet(CONFIG)(torch.rand(1, 3, 64, 64))


def test_the_places_say_how_far_right_and_down_a_pixel_is():
    where = ParsingUNet(CONFIG).folded(torch.rand(2, 3, 32, 32))[:, -2:]
    assert where.shape == (2, 2, 16, 16)
    assert where[0, :, 0, -1].tolist() == [1, -1] and where[1, :, -1, 0].tolist() == [-1, 1]


def test_the_network_that_relume_brings_takes_less_than_a_megabyte():
    network = ParsingUNet(load_training("parse-128").network)
    assert 2 * sum(parameter.numel() for parameter in network.parameters()) < 1_000_000

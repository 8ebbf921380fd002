import pytest
import torch

from zoo.networks.config import network_config
from zoo.networks.stylegan.generator import GeneratorConfig, StyleGenerator

CHANNELS = {4: 12, 8: 10, 16: 6}


def built(modulation="demodulated", seed=0):
    torch.manual_seed(seed)
    config = GeneratorConfig(16, CHANNELS, latent=8, depth=2, modulation=modulation)
    return StyleGenerator(config).eval().requires_grad_(False)


def noise(count=2, seed=1):
    return torch.randn(count, 8, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("modulation", ["demodulated", "adain"])
def test_noise_becomes_faces_of_the_size(modulation):
    faces = built(modulation)(noise())
    assert faces.shape == (2, 3, 16, 16)
    assert not torch.allclose(faces[0], faces[1])


@pytest.mark.parametrize("modulation", ["demodulated", "adain"])
def test_equal_codes_give_equal_faces_with_the_fixed_noise(modulation):
    network = built(modulation)
    for layer in network.layers:
        layer.noise.strength.fill_(1)
    codes = network.map(noise())
    assert torch.equal(network.synthesise(codes), network.synthesise(codes))
    drawn = [network.synthesise(codes, torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.allclose(drawn[0], drawn[2], atol=1e-3)
    assert not torch.allclose(network.synthesise(codes, "none"), drawn[0], atol=1e-3)


def test_only_the_direction_of_the_noise_counts():
    network = built()
    torch.testing.assert_close(network.map(noise()), network.map(3 * noise()))


def test_truncation_goes_from_the_code_to_the_average():
    network = built()
    network.average_code.copy_(torch.linspace(-1, 1, 8))
    code = network.map(noise())
    torch.testing.assert_close(network.map(noise(), 0.0), network.average_code.expand(2, -1))
    half = (code + network.average_code) / 2
    torch.testing.assert_close(network.map(noise(), 0.5), half)


@pytest.mark.parametrize("modulation", ["demodulated", "adain"])
def test_every_layer_has_a_code_of_its_own(modulation):
    network = built(modulation)
    codes = network.map(noise(1))[:, None].repeat(1, network.config.layers, 1)
    before = network.synthesise(codes)
    for place in range(network.config.layers):
        changed = codes.clone()
        changed[:, place] = network.map(noise(1, seed=9))
        assert not torch.allclose(network.synthesise(changed), before, atol=1e-5), place


def test_the_length_of_a_style_does_not_change_a_demodulated_layer():
    network = built()
    layer = network.layers[1]
    x, code = torch.randn(1, 12, 4, 4), noise(1)
    layer.convolution.affine.bias.zero_()
    torch.testing.assert_close(
        layer.convolution(x, code), layer.convolution(x, 4 * code), rtol=1e-4, atol=1e-5
    )


def test_adain_gives_each_channel_the_mean_and_deviation_of_its_code():
    network = built("adain")
    layer, code = network.layers[-1], noise(1)
    y = layer(torch.randn(1, 6, 16, 16), code, "none")
    scale, shift = layer.affine(code)[0].chunk(2)
    torch.testing.assert_close(y.mean(dim=(0, 2, 3)), shift, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        y.std(dim=(0, 2, 3), unbiased=False), (1 + scale).abs(), atol=1e-3, rtol=1e-3
    )


def test_codes_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"not \(n, 6, 8\)"):
        built().synthesise(torch.zeros(1, 5, 8))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"size": 32}, "do not go from 4"),
        ({"channels": {4: 8, 16: 8}}, "do not double"),
        ({"channels": {8: 8, 16: 8}}, "do not go from 4"),
        ({"modulation": "spade"}, "modulation"),
        ({"depth": 0}, "depth"),
        ({"channels": {}}, "do not double"),
        ({"channels": {4: 8.5, 8: 8, 16: 8}}, "channels"),
        ({"channels": {4: True, 8: 8, 16: 8}}, "channels"),
        ({"depth": 2.5}, "depth"),
        ({"latent": 16.5}, "latent"),
        ({"mapping_rate": 0}, "mapping_rate"),
        ({"mapping_rate": "slow"}, "mapping_rate"),
        ({"mapping_rate": float("nan")}, "mapping_rate"),
    ],
)
def test_sizes_that_make_no_generator_are_refused(changed, words):
    record = {"size": 16, "channels": CHANNELS, **changed}
    with pytest.raises(ValueError, match=words):
        network_config(record, {"stylegan2": GeneratorConfig})

import math

import pytest
import torch
from reference_stylegan2 import filtered, modulated
from torch.nn import functional

from zoo.networks.stylegan.layers import (
    EqualisedConvolution,
    EqualisedLinear,
    ModulatedConvolution,
    activated,
    filter_taps,
    halved,
    smoothly_doubled,
)


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_doubling_puts_zeros_between_pixels_and_filters():
    x = drawn(2, 3, 5, 7)
    torch.testing.assert_close(
        smoothly_doubled(x, filter_taps()), filtered(x, 2, 2, 1), atol=1e-6, rtol=1e-5
    )


def test_halving_filters_and_takes_every_second_pixel():
    x = drawn(2, 3, 8, 8)
    expected = filtered(x, 1, 1, 1)[:, :, ::2, ::2]
    torch.testing.assert_close(halved(x, filter_taps()), expected[:, :, :4, :4])


def test_a_constant_stays_constant_inside_when_doubled_and_halved():
    x = torch.ones(1, 1, 8, 8)
    assert torch.allclose(smoothly_doubled(x, filter_taps())[..., 2:-2, 2:-2], torch.ones(12, 12))
    assert torch.allclose(halved(x, filter_taps())[..., 1:-1, 1:-1], torch.ones(2, 2))


@pytest.mark.parametrize(("resample", "demodulated"), [("", True), ("", False), ("up", True)])
def test_scaling_input_and_output_equals_a_convolution_a_face(resample, demodulated):
    torch.manual_seed(1)
    layer = ModulatedConvolution(6, 5, 3, 8, resample, demodulated)
    x, code = drawn(3, 6, 4, 4), drawn(3, 8, seed=2)
    style = code @ layer.affine.weight.T / math.sqrt(8) + layer.affine.bias
    expected = modulated(x, layer.weight, style, demodulated, resample == "up")
    torch.testing.assert_close(layer(x, code), expected, atol=1e-5, rtol=1e-4)


def test_demodulated_outputs_have_the_variance_of_the_inputs():
    torch.manual_seed(3)
    layer = ModulatedConvolution(64, 64, 3, 8)
    x = drawn(4, 64, 32, 32)
    y = layer(x, 5 * drawn(4, 8, seed=4))
    # Zeros at the border take a little away.
    assert y[..., 1:-1, 1:-1].std().item() == pytest.approx(1, abs=0.03)


def test_an_equalised_layer_keeps_the_variance_whatever_its_width():
    torch.manual_seed(5)
    for width in (16, 256):
        assert EqualisedLinear(width, 4096)(drawn(1, width)).std().item() == pytest.approx(
            drawn(1, width).square().mean().sqrt().item(), rel=0.05
        )


def test_a_lower_rate_changes_no_output_but_slows_learning():
    torch.manual_seed(6)
    slow = EqualisedLinear(4, 3, bias=0.5, rate=0.01)
    fast = EqualisedLinear(4, 3, bias=0.5)
    with torch.no_grad():
        fast.weight.copy_(slow.weight * 0.01)
    x = drawn(2, 4)
    torch.testing.assert_close(slow(x), fast(x))
    for layer in (slow, fast):
        layer(x).sum().backward()
    torch.testing.assert_close(slow.weight.grad * 100, fast.weight.grad)


def test_the_activation_is_a_leaky_relu_of_gain_root_two():
    assert activated(torch.tensor([-1.0, 2.0])).tolist() == pytest.approx(
        [-0.2 * math.sqrt(2), 2 * math.sqrt(2)]
    )


def test_a_convolution_that_halves_filters_first():
    torch.manual_seed(7)
    layer = EqualisedConvolution(3, 4, 3, "down")
    x = drawn(1, 3, 8, 8)
    blurred = filtered(x, 1, 2, 2)
    expected = functional.conv2d(blurred, layer.weight / math.sqrt(27), stride=2)
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-4)
    assert layer(x).shape == (1, 4, 4, 4)

import math

import numpy as np
import pytest

from degrade.dataset.sources import open_source
from degrade.fit.blur import measure_blur
from degrade.ops.blur.blur import gaussian_blur
from degrade.ops.kernels.planes import from_planes, to_planes


def fractal(side=256, seed=0, sigma_x=0.0, sigma_y=0.0, angle=0.0):
    """A field whose power falls as f^-3.2, blurred in its spectrum: the exact closed form."""
    random = np.random.default_rng(seed)
    down, right = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    radius = np.maximum(np.hypot(down, right), 1.0 / side)
    turn = math.radians(angle)
    along = right * math.cos(turn) - down * math.sin(turn)
    across = right * math.sin(turn) + down * math.cos(turn)
    blur = np.exp(-2 * math.pi**2 * ((sigma_x * along) ** 2 + (sigma_y * across) ** 2))
    white = np.fft.rfft2(random.normal(size=(side, side)))
    plane = np.fft.irfft2(white * radius**-1.6 * blur, (side, side))
    levels = np.clip(128 + 40 * (plane - plane.mean()) / plane.std(), 0, 255)
    return np.repeat(np.rint(levels).astype(np.uint8)[:, :, None], 3, 2)


def blurred(image, sigma_x, sigma_y, angle):
    planes = gaussian_blur(
        to_planes(image), None, sigma_x=sigma_x, sigma_y=sigma_y, angle=angle, kernel_size=0
    )
    return from_planes(planes)


@pytest.fixture(scope="module")
def astronaut():
    return open_source("sample-photos", longest=372).read("astronaut.png")


@pytest.mark.parametrize("sigma", [1, 2, 3, 4.5, 6])
def test_a_known_spectrum_gives_its_blur_within_five_percent(sigma):
    trace = measure_blur(fractal(sigma_x=sigma, sigma_y=sigma))
    assert trace.sigma == pytest.approx(sigma, rel=0.05, abs=0.1)
    assert trace.stretch < 1.15


def test_a_sharp_known_spectrum_has_no_blur():
    assert measure_blur(fractal()).sigma < 0.55


@pytest.mark.parametrize("angle", [0, 30, 90, 135])
def test_a_stretched_blur_gives_its_lengths_and_its_angle(angle):
    trace = measure_blur(fractal(sigma_x=5, sigma_y=2, angle=angle))
    assert trace.along == pytest.approx(5, rel=0.06)
    assert trace.across == pytest.approx(2, rel=0.15)
    assert abs((trace.angle - angle + 90) % 180 - 90) < 5


@pytest.mark.parametrize("sigma", [1.5, 3, 6])
def test_a_blurred_photograph_is_measured_within_a_fifth(astronaut, sigma):
    trace = measure_blur(blurred(astronaut, sigma, sigma, 0))
    assert trace.sigma == pytest.approx(sigma, rel=0.2)


def test_the_angle_of_a_photograph_is_the_one_that_recipes_mean(astronaut):
    trace = measure_blur(blurred(astronaut, 5, 1.5, 30))
    assert trace.angle == pytest.approx(30, abs=8)
    assert trace.stretch > 2


def test_noise_does_not_pass_for_detail(astronaut):
    image = blurred(astronaut, 3, 3, 0)
    noise = np.random.default_rng(1).normal(0, 6, image.shape)
    noisy = np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)
    assert measure_blur(noisy).sigma == pytest.approx(3, rel=0.2)


def test_a_tiny_picture_tells_nothing_and_a_flat_one_does_not_fail():
    assert measure_blur(fractal()[:20]).sigma == 0.0
    assert math.isfinite(measure_blur(np.full((64, 64, 3), 7, np.uint8)).sigma)

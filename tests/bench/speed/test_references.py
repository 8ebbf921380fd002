"""The formulas that stand in for the peers do what their papers say."""

import numpy as np
import pytest

from bench.speed import references
from bench.speed.references import bivariate_gaussian, degrade_as_basicsr
from degrade import Step

GREY = np.full((128, 128, 3), 120, np.uint8)


def change(output):
    return output.astype(np.float64) - GREY


def test_an_isotropic_kernel_is_the_outer_product_of_two_gaussians():
    place = np.arange(-20, 21)
    line = np.exp(-(place**2) / (2 * 3.0**2))
    expected = np.outer(line, line) / line.sum() ** 2
    np.testing.assert_allclose(bivariate_gaussian(3.0, 3.0, 0.7, 41), expected, atol=1e-15)


def test_a_turned_kernel_has_the_covariance_of_its_sigmas():
    kernel = bivariate_gaussian(4.0, 2.0, np.pi / 6, 41)
    rows, columns = np.mgrid[-20:21, -20:21]
    turn = np.array([[np.cos(np.pi / 6), -0.5], [0.5, np.cos(np.pi / 6)]])
    expected = turn @ np.diag([16.0, 4.0]) @ turn.T
    assert (kernel * columns * columns).sum() == pytest.approx(expected[0, 0], rel=1e-3)
    assert (kernel * columns * rows).sum() == pytest.approx(expected[0, 1], rel=1e-3)
    assert (kernel * rows * rows).sum() == pytest.approx(expected[1, 1], rel=1e-3)


def test_the_recipes_steps_keep_a_flat_image_flat_but_for_its_noise():
    steps = [
        Step("gaussian_blur", 1, "lq",
             {"sigma_x": 3.0, "sigma_y": 3.0, "angle": 0.0, "kernel_size": 41}),
        Step("resize", 2, "lq", {"height": 40, "width": 40}),
        Step("gaussian_noise", 3, "lq", {"sigma": 10.0}),
        Step("jpeg", 4, "lq", {"quality": 100}),
        Step("resize", 5, "lq", {"height": 128, "width": 128}),
    ]  # fmt: skip
    quiet = [step for step in steps if step.operation != "gaussian_noise"]
    random = np.random.RandomState(1)
    np.testing.assert_array_equal(degrade_as_basicsr(GREY, quiet, random), GREY)
    noisy = change(degrade_as_basicsr(GREY, steps, random))
    assert abs(noisy.mean()) < 0.5 and 3 < noisy.std() < 10
    assert noisy.shape == (128, 128, 3)


def test_a_step_that_the_recipe_never_had_is_refused():
    with pytest.raises(ValueError, match="pixelate is no step"):
        degrade_as_basicsr(GREY, [Step("pixelate", 1)], np.random.RandomState(1))


def test_gaussian_noise_has_its_sigma_and_one_field_where_asked():
    colour = change(references.gaussian_noise_cv2(GREY, sigma=12.0, per_channel=True))
    assert colour.std() == pytest.approx(12.0, rel=0.02)
    assert abs(np.corrcoef(colour[..., 0].ravel(), colour[..., 1].ravel())[0, 1]) < 0.03
    grey = change(references.gaussian_noise_cv2(GREY, sigma=12.0, per_channel=False))
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])
    legacy = change(references.gaussian_noise(GREY, np.random.RandomState(1), sigma=12 / 255))
    assert legacy.std() == pytest.approx(12.0, rel=0.02)


def test_shot_noise_has_the_variance_of_its_photons():
    level = 120 / 255
    output = change(references.shot_noise(GREY, np.random.RandomState(1), photons=200.0))
    assert output.std() == pytest.approx(255 * np.sqrt(level / 200), rel=0.02)


def test_shot_noise_in_linear_light_has_the_variance_of_its_photons_there():
    output = references.shot_noise_linear_light(GREY, np.random.default_rng(1), scale=0.001)
    light = (output / 255.0) ** 2.2
    assert light.std() == pytest.approx(np.sqrt((120 / 255) ** 2.2 * 0.001), rel=0.03)


def test_speckle_noise_grows_with_the_level():
    output = change(references.speckle_noise(GREY, np.random.RandomState(1), sigma=0.1))
    assert output.std() == pytest.approx(12.0, rel=0.02)


def test_impulse_noise_strikes_its_share_of_values_or_of_pixels():
    random = np.random.default_rng(1)
    values = references.impulse_values(GREY, random, amount=0.1)
    assert (values != GREY).mean() == pytest.approx(0.1, rel=0.05)
    assert (values == 255).mean() == pytest.approx(0.05, rel=0.08)
    pixels = references.impulse_pixels(GREY, random, amount=0.1)
    assert (pixels != GREY).all(axis=2).sum() == round(128 * 128 * 0.1)


def test_the_aliased_disk_sums_to_one_and_reaches_its_radius():
    disk = references.aliased_disk(10, 0.1)
    assert disk.shape == (21, 21)
    assert disk.sum() == pytest.approx(1.0, abs=1e-6)
    assert disk[10, 0] > 0 and disk[0, 0] == 0


@pytest.mark.parametrize(
    "output",
    [
        lambda: references.gaussian_blur_cv2(GREY, sigma=5.0),
        lambda: references.defocus_blur(GREY, radius=10, alias=0.1, in_float=False),
        lambda: references.motion_blur(GREY, length=21, angle=30.0),
        lambda: references.downscale(GREY, divisor=4),
        lambda: references.pixelate_pillow(GREY, factor=0.4),
        lambda: references.jpeg_cv2(GREY, quality=50),
    ],
)
def test_a_flat_image_stays_flat(output):
    assert abs(change(output())).max() <= 1


def test_one_sided_motion_moves_the_image_against_its_angle():
    image = np.zeros((41, 41, 3), np.uint8)
    image[20, 20] = 255
    moved = references.one_sided_motion_blur(image, radius=5, sigma=3.0, angle=0.0)[..., 0]
    assert moved[20, :21].any() and not moved[20, 21:].any()
    weights = np.exp(-(np.arange(11) ** 2) / 18.0)
    np.testing.assert_array_equal(
        moved[20, 10:21][::-1], (255 * weights / weights.sum()).astype(np.uint8)
    )


def test_zoom_keeps_the_centre_and_glass_keeps_the_levels():
    random = np.random.default_rng(2)
    image = random.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    assert abs(change(references.zoom_blur(GREY, factor=1.21, step=0.02))).max() <= 1
    glass = references.glass_blur(image, random, sigma=0.5, distance=2, iterations=2)
    assert abs(glass.mean() - image.mean()) < 3
    assert glass.std() < image.std()


def test_downscale_is_the_mean_of_each_block():
    image = np.random.default_rng(3).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    means = image.reshape(4, 4, 4, 4, 3).mean(axis=(1, 3))
    expected = np.kron(means, np.ones((4, 4, 1)))
    assert abs(references.downscale(image, divisor=4) - expected).max() <= 0.5

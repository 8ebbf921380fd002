import numpy as np
import pytest

import degrade
from zoo.restorers.spectra import point_spread, spectra, widest_reach


def gaussian(sigma_x, sigma_y, angle=0.0):
    values = {"sigma_x": sigma_x, "sigma_y": sigma_y, "angle": angle, "kernel_size": 0}
    return "gaussian_blur", values


def motion(length, angle):
    return "motion_blur", {"length": length, "angle": angle}


def moments(taps):
    """Return the sum and the second central moments (xx, yy, xy) with y counted upwards."""
    reach_y, reach_x = taps.shape[0] // 2, taps.shape[1] // 2
    rows, columns = np.mgrid[-reach_y : reach_y + 1, -reach_x : reach_x + 1]
    x, y = columns, -rows
    return taps.sum(), (taps * x * x).sum(), (taps * y * y).sum(), (taps * x * y).sum()


BLURS = [gaussian(2.0, 2.0), gaussian(4.0, 1.0, 30.0), motion(11.0, 60.0)]
BLURS += [("defocus_blur", {"radius": 4.0})]


@pytest.mark.parametrize("blur", BLURS)
def test_every_kernel_is_centred_and_sums_to_one(blur):
    taps = point_spread(*blur)
    assert taps.shape[0] % 2 == taps.shape[1] % 2 == 1
    assert taps.sum() == pytest.approx(1, abs=1e-9)
    assert np.allclose(taps, taps[::-1, ::-1], atol=1e-9)


def test_a_motion_of_30_degrees_runs_up_to_the_right_as_seen():
    total, xx, yy, xy = moments(point_spread(*motion(21.0, 30.0)))
    assert total == pytest.approx(1)
    assert xy > 0
    # The main axis of the second moments; a line's is its own direction.
    assert np.degrees(np.arctan2(2 * xy, xx - yy)) / 2 == pytest.approx(30, abs=0.5)
    # A line of length L has L² / 12 along it; drawing it on pixels adds a little.
    assert xx + yy == pytest.approx(21**2 / 12, rel=0.03)


def test_a_motion_of_90_degrees_runs_along_a_column():
    _, xx, yy, xy = moments(point_spread(*motion(15.0, 90.0)))
    assert xx == pytest.approx(0, abs=0.2)
    assert yy == pytest.approx(15**2 / 12, rel=0.05)
    assert xy == pytest.approx(0, abs=1e-9)


def test_a_turned_gaussian_has_its_long_axis_where_the_angle_says():
    _, xx, yy, xy = moments(point_spread(*gaussian(4.0, 1.5, 20.0)))
    assert np.degrees(np.arctan2(2 * xy, xx - yy)) / 2 == pytest.approx(20, abs=0.1)
    assert xx + yy == pytest.approx(16 + 2.25, rel=0.02)


@pytest.mark.parametrize("blur", BLURS)
def test_the_transfer_is_that_of_the_degradation_itself(make_plan, blur):
    impulse = np.zeros((65, 63, 3), np.uint8)
    impulse[32, 31] = 255
    plan = make_plan((65, 63), blur)
    known = spectra(plan, impulse, (65, 63))
    ideal = np.fft.irfft2(known.transfer, (65, 63)) * 255
    made = degrade.apply(plan, impulse)[..., 0].astype(float)
    assert np.allclose(np.roll(ideal, (32, 31), (0, 1)), made, atol=0.8)


def test_noise_after_a_blur_is_white_and_noise_before_it_is_blurred(make_plan):
    face = np.full((32, 32, 3), 100, np.uint8)
    noise = ("gaussian_noise", {"sigma": 6.0, "per_channel": True})
    after = spectra(make_plan((32, 32), gaussian(2.0, 2.0), noise), face, (32, 32))
    before = spectra(make_plan((32, 32), noise, gaussian(2.0, 2.0)), face, (32, 32))
    assert np.allclose(after.noise, 36 + 1 / 12)
    assert np.allclose(before.noise, 36 * np.abs(before.transfer) ** 2 + 1 / 12)
    assert np.allclose(after.transfer, before.transfer)


@pytest.mark.parametrize(
    "step",
    [
        ("gaussian_noise", {"sigma": 7.0, "per_channel": True}),
        ("shot_noise", {"photons": 60.0}),
        ("impulse_noise", {"amount": 0.02, "per_channel": True}),
    ],
)
def test_the_variance_told_is_the_variance_that_the_degradation_makes(make_plan, step):
    flat = np.full((256, 256, 3), 90, np.uint8)
    plan = make_plan((256, 256), step)
    made = degrade.apply(plan, flat).astype(float)
    known = spectra(plan, flat, (256, 256))
    assert known.noise.mean() == pytest.approx(np.mean((made - 90) ** 2), rel=0.04)


def test_resizing_there_and_back_loses_what_is_finer_than_its_pixels(make_plan):
    face = np.full((64, 64, 3), 100, np.uint8)
    step = ("resize_blur", {"height": 16, "width": 32, "down": "area", "up": "linear"})
    transfer = spectra(make_plan((64, 64), step), face, (64, 64)).transfer
    rows, columns = np.fft.fftfreq(64)[:, None], np.fft.rfftfreq(64)[None]
    kept = (np.abs(rows) <= 1 / 8) & (np.abs(columns) <= 1 / 4)
    assert np.array_equal(transfer != 0, kept)


@pytest.mark.parametrize(
    "steps",
    [
        [("resize_blur", {"height": 32, "width": 32, "down": "area", "up": "linear"})],
        [("resize_blur", {"height": 32, "width": 32, "down": "area", "up": "cubic"})],
        [("pixelate", {"block": 4})],
        [
            ("resize", {"height": 32, "width": 32, "filter": "linear", "antialias": True}),
            ("resize", {"height": 128, "width": 128, "filter": "linear", "antialias": False}),
        ],
    ],
)
def test_a_wave_comes_through_resampling_as_strong_as_the_transfer_says(make_plan, steps):
    columns = np.arange(128)
    # 8 cycles over 128 columns: a quarter of a cycle in each of the larger pixels.
    wave = np.repeat((128 + 100 * np.cos(2 * np.pi * 8 * (columns + 0.5) / 128))[None], 128, axis=0)
    image = np.repeat(np.rint(wave).astype(np.uint8)[..., None], 3, axis=2)
    plan = make_plan((128, 128), *steps)
    made = np.fft.rfft(degrade.apply(plan, image)[64, :, 0].astype(float))[8]
    before = np.fft.rfft(image[64, :, 0].astype(float))[8]
    told = spectra(plan, image, (128, 128)).transfer[0, 8]
    assert abs(made / before) == pytest.approx(told.real, rel=0.06)


def test_a_blur_before_a_permanent_shrink_counts_in_the_pixels_that_are_left(make_plan):
    shrink = ("resize", {"height": 64, "width": 64, "filter": "cubic", "antialias": True})
    face = np.full((64, 64, 3), 100, np.uint8)
    shrunk = spectra(make_plan((128, 128), gaussian(6.0, 6.0), shrink), face, (64, 64))
    small = spectra(make_plan((64, 64), gaussian(3.0, 3.0)), face, (64, 64))
    # Sampled kernels of sigma 6 and 3, both cut at 3.5 sigma, differ in the third digit.
    assert np.allclose(shrunk.transfer, small.transfer, atol=4e-3)


def test_noise_of_larger_pixels_keeps_its_variance_and_loses_fine_frequencies(make_plan):
    face = np.full((64, 64, 3), 100, np.uint8)
    shrink = ("resize", {"height": 32, "width": 32, "filter": "area", "antialias": True})
    noise = ("gaussian_noise", {"sigma": 5.0, "per_channel": True})
    enlarge = ("resize", {"height": 64, "width": 64, "filter": "cubic", "antialias": False})
    known = spectra(make_plan((64, 64), shrink, noise, enlarge), face, (64, 64))
    assert known.noise[20, 20] == pytest.approx(1 / 12)
    assert known.noise[3, 3] == pytest.approx(4 * 25 + 1 / 12)


def test_steps_on_the_truth_are_passed_over(make_plan):
    face = np.full((32, 32, 3), 100, np.uint8)
    known = spectra(make_plan((32, 32), gaussian(2.0, 2.0), target="hq"), face, (32, 32))
    assert np.all(known.transfer == 1)


def test_the_reach_of_blurs_adds_up(make_plan):
    plan = make_plan((64, 64), ("defocus_blur", {"radius": 4.0}), motion(9.0, 0.0))
    widths = [point_spread(step.operation, step.parameters).shape[0] // 2 for step in plan.steps]
    assert widest_reach(plan) == sum(widths) >= 8

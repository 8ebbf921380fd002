"""Every operation leaves the image where it was, or says by how much it moved it."""

import numpy as np
import pytest
from scipy import ndimage
from skimage import data

from degrade.ops import OPERATIONS
from degrade.planner.resolve import resolve
from degrade.random import PIXELS, StreamKey

STREAM = np.array(StreamKey(7, 99, 0).words(3, PIXELS), np.uint32)
SIGMAS = {"sigma_x": 3.0, "sigma_y": 1.5, "angle": 30.0}
SETTINGS = {
    "gaussian_noise": {"sigma": 10.0, "per_channel": True},
    "shot_noise": {"photons": 300.0},
    "impulse_noise": {"amount": 0.02, "per_channel": True},
    "luma_noise": {"sigma": 10.0},
    "correlated_noise": {"sigma": 10.0, "red_green": 0.5, "red_blue": 0.4, "green_blue": 0.6},
    "speckle_noise": {"sigma": 0.1},
    "poisson_noise": {"scale": 1.0, "per_channel": False},
    "sensor_noise": {"photons": 2000.0, "read_sigma": 4.0, "gain": 2.0, "linear_light": True},
    "glass_blur": {"sigma": 0.9, "distance": 2, "iterations": 2, "exact": False},
    "gaussian_blur": {**SIGMAS, "kernel_size": 0},
    "motion_blur": {"length": 9.0, "angle": 30.0},
    "defocus_blur": {"radius": 4.3},
    "generalised_gaussian_blur": {**SIGMAS, "beta": 0.7, "kernel_size": 21},
    "plateau_blur": {**SIGMAS, "beta": 1.5, "kernel_size": 21},
    "sinc_blur": {"cutoff": 1.2, "kernel_size": 21},
    "median_blur": {"size": 5},
    "average_blur": {"size": 6},
    "zoom_blur": {"factor": 1.11, "step": 0.01, "exact": False},
    "shake_blur": {"length": 15.0, "angle": 30.0, "bend": 120.0, "path": 5},
    "aliased_disk_blur": {"radius": 4.0, "alias": 0.5},
    "chromatic_aberration": {"red": 1.004, "blue": 0.996},
    "unsharp_mask": {"radius": 9, "amount": 0.5, "threshold": 5.0},
    "resize_blur": {"height": 101, "width": 87, "down": "area", "up": "linear"},
    "pixelate": {"block": 4},
    "jpeg": {"quality": 40, "subsampling": "420"},
    "diff_jpeg": {"quality": 40.0},
    "webp": {"quality": 40},
    "jpeg2000": {"level": 30.0},
    "avif": {"quality": 40},
    "round": {},
    "truncate": {},
    "colour_shift": {"red": 10.0, "green": -10.0, "blue": 5.0},
    "colour_jitter": {
        "brightness": 1.1, "contrast": 0.9, "saturation": 1.2, "hue": 0.03, "order": 5,
    },
    "grey": {},
    "haze": {"alpha": 0.8, "level": 255.0},
}  # fmt: skip
MOVING = {
    "glass_blur": {"sigma": 0.9, "distance": 2, "iterations": 1, "exact": True},
    "one_sided_motion_blur": {"radius": 3, "sigma": 1.0, "angle": 30.0},
    "shift": {"down": 1, "right": -1},
}


def face():
    image = data.astronaut()[20:240, 120:320]
    return np.ascontiguousarray(image.transpose(2, 0, 1).astype(np.float32))


def moved(before, after):
    """Return (down, right) in pixels: least squares on the gradients of the smoothed images.

    A change of light, of contrast and of width are fitted beside the shift.
    """
    first, second = (
        ndimage.gaussian_filter(planes.mean(axis=0).astype(float), 5) for planes in (before, after)
    )
    down, right = np.gradient(first)
    across = np.gradient(down)
    bases = [np.ones_like(first), first, down, right, *across, np.gradient(right)[1]]
    inner = (slice(20, -20), slice(20, -20))
    matrix = np.stack([base[inner].ravel() for base in bases], axis=1)
    fitted = np.linalg.lstsq(matrix, (second - first)[inner].ravel(), rcond=None)[0]
    return -fitted[2:4]


def moved_by(name, parameters):
    """The mean over four streams, and over the image and its half turn.

    What the content of the image does to the measurement turns with it and cancels.
    """
    actual = []
    for planes in (face(), np.ascontiguousarray(face()[:, ::-1, ::-1])):
        for seed in range(4 if OPERATIONS[name].noisy else 1):
            stream = STREAM + np.uint32(seed)
            actual.append(moved(planes, OPERATIONS[name].load()(planes, stream, **parameters)))
    return np.mean(actual, axis=0)


def test_every_operation_is_looked_at_here():
    sized = {"resize", "resize_linear_light", "crop"}
    assert SETTINGS.keys() | MOVING.keys() | sized | {"flip"} == OPERATIONS.keys()
    assert {name for name, entry in OPERATIONS.items() if entry.moves} == MOVING.keys() | {
        "flip",
        "crop",
    }
    assert {name for name, entry in OPERATIONS.items() if entry.resizes} == sized


@pytest.mark.parametrize("name", SETTINGS)
def test_nothing_moves_by_a_twentieth_of_a_pixel(name):
    shift = moved_by(name, SETTINGS[name])
    assert np.abs(shift).max() < 0.05, shift


@pytest.mark.parametrize("name", MOVING)
def test_what_moves_is_recorded_in_the_plan(name):
    reported = resolve(OPERATIONS[name], MOVING[name], (220, 200), (220, 200))
    shift = moved_by(name, reported)
    recorded = [reported.get(f"moved_{way}", reported.get(way)) for way in ("down", "right")]
    assert shift == pytest.approx(recorded, abs=0.05)
    assert np.abs(shift).max() > 0.3


def test_the_measurement_finds_a_shift_of_a_tenth():
    planes = face()
    there = ndimage.shift(planes, (0, 0.1, -0.06), order=3, mode="nearest")
    assert moved(planes, there) == pytest.approx([0.1, -0.06], abs=0.005)

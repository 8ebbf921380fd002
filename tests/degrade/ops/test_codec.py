import io

import numpy as np
import PIL.Image
import pytest
from skimage import data

from degrade.errors import ImageError
from degrade.ops import OPERATIONS
from degrade.ops.kernels.planes import from_planes, to_planes

STREAM = np.zeros(5, np.uint32)
SETTINGS = {"webp": "quality", "jpeg2000": "level", "avif": "quality"}


def coded(name, planes, strength):
    return OPERATIONS[name].load()(planes, STREAM, **{SETTINGS[name]: strength})


def face():
    return to_planes(np.ascontiguousarray(data.astronaut()[20:180, 140:310]))


def psnr(first, second):
    return 10 * np.log10(255**2 / np.mean((first.astype(float) - second) ** 2))


@pytest.mark.parametrize(("name", "rising"), [
    ("webp", (5, 40, 95)), ("jpeg2000", (25.0, 32.0, 45.0)), ("avif", (5, 40, 95)),
])  # fmt: skip
def test_a_higher_setting_is_nearer_to_the_picture(name, rising):
    planes = face()
    actual = [psnr(coded(name, planes, strength), planes) for strength in rising]
    assert actual[0] + 3 < actual[1] < actual[2] - 3
    assert actual[0] > 18


@pytest.mark.parametrize("level", [28.0, 35.0, 42.0])
def test_jpeg_2000_comes_out_at_the_decibels_asked_for(level):
    planes = face()
    assert psnr(coded("jpeg2000", planes, level), planes) == pytest.approx(level, abs=1.5)


@pytest.mark.parametrize("quality", [10, 50, 90])
def test_webp_is_as_lossy_as_pillows(quality):
    planes = face()
    file = io.BytesIO()
    PIL.Image.fromarray(from_planes(planes)).save(file, "webp", quality=quality)
    other = to_planes(np.array(PIL.Image.open(file).convert("RGB")))
    ours = coded("webp", planes, quality)
    assert psnr(ours, planes) == pytest.approx(psnr(other, planes), abs=0.5)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (65, 33)])
def test_any_size_comes_back_as_whole_levels(name, size):
    planes = np.random.default_rng(1).uniform(0, 255, (3, *size)).astype(np.float32)
    finished = coded(name, planes, 50)
    assert finished.shape == planes.shape and finished.dtype == np.float32
    np.testing.assert_array_equal(finished, np.rint(finished))


@pytest.mark.parametrize("name", SETTINGS)
def test_the_same_machine_gives_the_same_bytes(name):
    np.testing.assert_array_equal(coded(name, face(), 40), coded(name, face(), 40))


@pytest.mark.parametrize("name", SETTINGS)
def test_red_stays_red(name):
    planes = np.zeros((3, 32, 32), np.float32)
    planes[0] = 200
    finished = coded(name, planes, 60)
    assert finished[0].mean() > 150 and finished[2].mean() < 60


def test_codecs_are_known_not_to_be_portable():
    assert not any(OPERATIONS[name].portable for name in SETTINGS)


def test_a_picture_too_large_for_webp_is_the_pictures_fault():
    with pytest.raises(ImageError, match="16383"):
        coded("webp", np.zeros((3, 1, 16384), np.float32), 50)

import io
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
import skimage
from skimage import data

from degrade.fit.jpeg_quality import find_jpeg, find_jpeg_before, luma_steps, quality_on_grid
from degrade.fit.jpeg_tables import read_tables
from degrade.ops.codec.jpeg import quantisation_tables


@pytest.fixture(scope="module")
def photos():
    return {
        "astronaut": data.astronaut()[:256, 100:356].copy(),
        "chelsea": data.chelsea()[:256, 80:336].copy(),
        "coffee": data.coffee()[60:316, 150:406].copy(),
    }


def compress(image, quality, subsampling="4:2:0"):
    stream = io.BytesIO()
    PIL.Image.fromarray(image).save(stream, "JPEG", quality=quality, subsampling=subsampling)
    with PIL.Image.open(stream) as picture:
        return np.array(picture)


def add_noise(image, sigma):
    noise = np.random.default_rng(7).normal(0, sigma, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def enlarge(image, size, resample):
    return np.array(PIL.Image.fromarray(image).resize(size[::-1], resample))


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4", "4:2:2"])
@pytest.mark.parametrize("quality", [5, 15, 30, 47, 60, 85, 95])
def test_quality_and_sampling_of_a_jpeg_are_read_from_its_pixels(photos, quality, subsampling):
    for name, hq in photos.items():
        actual = find_jpeg(compress(hq, quality, subsampling))
        assert actual.quality == pytest.approx(quality, abs=1), name
        assert actual.grid == (0, 0)
        assert actual.confidence > 0.8
        if quality >= 15:
            assert actual.subsampling == subsampling.replace(":", ""), name


def test_the_last_of_two_compressions_is_read(photos):
    for first, last in ((90, 60), (50, 80), (75, 75)):
        twice = compress(compress(photos["coffee"], first), last)
        assert find_jpeg(twice).quality == pytest.approx(last, abs=1)


def test_a_crop_of_a_jpeg_is_read_on_the_grid_it_has(photos):
    for name, hq in photos.items():
        actual = find_jpeg(compress(hq, 50)[3:, 5:])
        assert (actual.quality, actual.grid) == (50, (5, 3)), name


@pytest.mark.parametrize("resample", [PIL.Image.Resampling.BILINEAR, PIL.Image.Resampling.BICUBIC])
@pytest.mark.parametrize("side", [100, 173])
def test_a_jpeg_that_was_enlarged_is_read_in_the_pixels_it_had(photos, resample, side):
    small = enlarge(photos["chelsea"], (side, side), PIL.Image.Resampling.BOX)
    large = enlarge(compress(small, 65), (256, 256), resample)
    assert quality_on_grid(large) is None
    assert find_jpeg(large).quality == find_jpeg_before(large).quality == 65


def test_mild_noise_on_top_does_not_hide_a_coarse_quality(photos):
    for hq in photos.values():
        assert find_jpeg(add_noise(compress(hq, 40), 1.5)).quality == pytest.approx(40, abs=1)


def test_strong_noise_on_top_leaves_nothing_to_tell_a_jpeg_by(photos):
    # "Cannot tell": both recipes give the same answer, and it is no number.
    for hq in photos.values():
        assert find_jpeg(add_noise(compress(hq, 85), 12)) is None
        assert find_jpeg(add_noise(hq, 12)) is None


@pytest.mark.parametrize("sigma", [0.5, 1.5])
def test_a_blur_on_top_gives_no_quality_rather_than_a_wrong_one(photos, sigma):
    for hq in photos.values():
        for quality in (35, 60, 80):
            assert find_jpeg(cv2.GaussianBlur(compress(hq, quality), (0, 0), sigma)) is None


def test_pixels_that_were_never_a_jpeg_have_no_quality(photos):
    for hq in photos.values():
        assert find_jpeg(hq) is None
        assert find_jpeg(add_noise(hq, 25)) is None
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    assert find_jpeg(noise) is None


def test_tables_that_are_no_qualitys_are_flagged_in_the_file_and_nothing_in_the_pixels():
    path = Path(skimage.data_dir) / "rocket.jpg"
    reported = read_tables(path.read_bytes())
    assert (reported.quality, reported.standard) == (95, False)
    assert find_jpeg(data.rocket()) is None


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (16, 16), (31, 33), (64, 64)])
@pytest.mark.parametrize("level", [0, 77, 255])
def test_flat_and_tiny_pictures_are_no_error(size, level):
    assert find_jpeg(np.full((*size, 3), level, np.uint8)) is None


def test_the_steps_of_a_quality_are_those_of_pillow():
    for quality in (1, 10, 49, 50, 51, 90, 100):
        stream = io.BytesIO()
        PIL.Image.new("RGB", (8, 8)).save(stream, "JPEG", quality=quality)
        with PIL.Image.open(stream) as picture:
            table = picture.quantization[0]
        assert luma_steps(quality).ravel().tolist() == list(table)
        assert luma_steps(quality).ravel().tolist() == quantisation_tables(quality)[0].tolist()

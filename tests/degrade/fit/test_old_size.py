import cv2
import numpy as np
import PIL.Image
import pytest
from skimage import data

from degrade import Plan, Step, apply
from degrade.fit.old_size import find_old_size, shrink_back

RANDOM = np.random.default_rng(5)
PHOTOGRAPHS = {
    "astronaut": data.astronaut()[:256, 100:420].copy(),
    "coffee": data.coffee()[60:316, 150:470].copy(),
}
FILTERS = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}


@pytest.fixture(params=PHOTOGRAPHS)
def photo(request):
    return PHOTOGRAPHS[request.param]


def shrunk(image, factor):
    size = int(image.shape[1] / factor), int(image.shape[0] / factor)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def enlarged(small, like, name="linear"):
    return cv2.resize(small, like.shape[1::-1], interpolation=FILTERS[name])


def add_noise(image, sigma):
    noisy = image + RANDOM.normal(0, sigma, image.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def compress(image, quality):
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("factor", [1.25, 1.6, 1.97, 2.0, 2.03, 3.3, 4.0, 5.7, 8.0])
def test_the_old_size_is_found_to_the_pixel(photo, factor, name):
    small = shrunk(photo, factor)
    actual = find_old_size(enlarged(small, photo, name))
    assert (actual.height, actual.width) == small.shape[:2]
    assert actual.filter == name
    assert actual.exact


def test_pillows_filters_are_found_too(photo):
    for resample, name in (
        (PIL.Image.Resampling.BILINEAR, "linear"),
        (PIL.Image.Resampling.BICUBIC, "cubic-half"),
    ):
        small = shrunk(photo, 2.7)
        large = PIL.Image.fromarray(small).resize(photo.shape[1::-1], resample)
        actual = find_old_size(np.array(large))
        assert ((actual.height, actual.width), actual.filter) == (small.shape[:2], name)


def test_the_engines_resize_blur_is_found():
    hq = PHOTOGRAPHS["coffee"]
    step = Step("resize_blur", 1, "lq", {"height": 70, "width": 88, "down": "area", "up": "linear"})
    lq = apply(Plan("test", "0" * 64, 7, "a.png", 0, hq.shape[:2], (step,)), hq)
    actual = find_old_size(lq)
    assert (actual.height, actual.width) == (70, 88)
    assert actual.factor(hq.shape[:2]) == pytest.approx(np.sqrt(256 / 70 * 320 / 88))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("factor", [1.6, 2.7, 6.1])
def test_shrinking_back_gives_the_very_pixels(photo, factor, name):
    small = add_noise(shrunk(photo, factor), 5)
    small = np.clip(small, 40, 215)  # cubic overshoot beyond 0-255 would be lost
    large = enlarged(small, photo, name)
    back = shrink_back(large, find_old_size(large)).astype(int)
    assert back.shape == small.shape
    # Rounding the enlargement is amplified where two new pixels share an old one.
    assert np.abs(back - small).mean() < 0.2
    assert np.mean(back == small) > 0.8


@pytest.mark.parametrize("factor", [2.7, 4.4])
def test_noise_or_jpeg_that_came_later_may_hide_it_but_does_not_mislead(photo, factor):
    small = shrunk(photo, factor)
    large = enlarged(small, photo)
    reported = 0
    for lq in (add_noise(large, 1.5), compress(large, 90), compress(large, 75)):
        actual = find_old_size(lq)
        if actual is not None:
            reported += 1
            assert (actual.height, actual.width) == small.shape[:2]
            assert not actual.exact
    assert reported >= 2


@pytest.mark.parametrize("side", [256, 300])
def test_pictures_that_were_never_enlarged_have_no_old_size(photo, side):
    hq = photo[:, :side]
    noisy = add_noise(hq, 8)
    assert find_old_size(hq) is None
    assert find_old_size(noisy) is None
    for sigma in (1, 3, 6):
        assert find_old_size(cv2.GaussianBlur(hq, (0, 0), sigma)) is None
        assert find_old_size(cv2.GaussianBlur(noisy, (0, 0), sigma)) is None
    for quality in (30, 60, 90):
        assert find_old_size(compress(hq, quality)) is None


@pytest.mark.parametrize("size", [(1, 1), (31, 90), (32, 32), (33, 400)])
def test_flat_and_tiny_pictures_have_no_old_size(size):
    assert find_old_size(np.full((*size, 3), 200, np.uint8)) is None

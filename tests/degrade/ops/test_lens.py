import math

import cv2
import numpy as np
import pytest
from scipy import ndimage

from degrade.ops import OPERATIONS
from degrade.ops.blur import filter_blur as filters

STREAM = np.zeros(5, np.uint32)
# ImageNet-C's own (radius, alias) pairs, 224, 299, 64 and 32 px.
DEFOCUS = [(3, 0.1), (4, 0.5), (8, 0.5), (10, 0.5), (12, 0.5), (2.5, 0.01), (0.3, 0.4), (1.5, 0.1)]


def finished(name, planes, **parameters):
    return OPERATIONS[name].load()(planes, STREAM, **parameters)


def image(height, width, low=0, high=255):
    rng = np.random.default_rng(height * 100 + width)
    return rng.uniform(low, high, (3, height, width)).astype(np.float32)


def imagenet_c_disk(radius, alias):
    """A plain rebuilding of make_imagenet_c.py's disk with OpenCV."""
    reach, taps = (8, 3) if radius <= 8 else (radius, 5)
    x, y = np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1))
    inside = ((x**2 + y**2) <= radius**2).astype(np.float32)
    return cv2.GaussianBlur(inside / inside.sum(), (taps, taps), alias)


@pytest.mark.parametrize(("radius", "alias"), DEFOCUS)
def test_the_aliased_disk_is_opencvs(radius, alias):
    actual = filters.aliased_disk(float(radius), alias)
    np.testing.assert_allclose(actual, imagenet_c_disk(radius, alias), atol=1e-7)


@pytest.mark.parametrize(("radius", "alias"), DEFOCUS)
@pytest.mark.parametrize("size", [(65, 33), (1, 1), (2, 3)])
def test_aliased_disk_blur_is_opencvs_filter(radius, alias, size):
    planes = image(*size)
    kernel = imagenet_c_disk(radius, alias)
    reach = kernel.shape[0] // 2
    padded = np.pad(planes, ((0, 0), (reach, reach), (reach, reach)), "reflect")
    expected = np.stack([cv2.filter2D(p, -1, kernel) for p in padded])
    expected = np.clip(expected[:, reach : reach + size[0], reach : reach + size[1]], 0, 255)
    actual = finished("aliased_disk_blur", planes, radius=float(radius), alias=alias)
    np.testing.assert_allclose(actual, expected, atol=0.3)


def imagenet_c_zoom(planes, factor, step):
    """A plain rebuilding of make_imagenet_c.py's zoom_blur with SciPy, for any shape."""
    zooms = np.arange(1, factor, step)
    if not len(zooms):
        zooms = [1.0]
    total = planes.astype(float).copy()
    for zoom in zooms:
        crops = [math.ceil(side / zoom) for side in planes.shape[1:]]
        tops = [(side - crop) // 2 for side, crop in zip(planes.shape[1:], crops, strict=True)]
        window = planes[:, tops[0] : tops[0] + crops[0], tops[1] : tops[1] + crops[1]]
        large = np.stack([ndimage.zoom(plane, zoom, order=1) for plane in window])
        trims = [(a - b) // 2 for a, b in zip(large.shape[1:], planes.shape[1:], strict=True)]
        rows, columns = (slice(t, t + n) for t, n in zip(trims, planes.shape[1:], strict=True))
        total += large[:, rows, columns]
    return total / (len(zooms) + 1)


# ImageNet-C's severities, numpy.arange(1, factor, step).
ZOOMS = [
    (1.11, 0.01),
    (1.16, 0.01),
    (1.21, 0.02),
    (1.26, 0.02),
    (1.31, 0.03),
    (1.06, 0.01),
    (1.26, 0.01),
]


@pytest.mark.parametrize(("factor", "step"), ZOOMS)
@pytest.mark.parametrize("size", [(32, 32), (64, 64), (65, 33), (224, 224)])
def test_exact_zoom_blur_is_imagenet_cs(factor, step, size):
    planes = image(*size)
    actual = finished("zoom_blur", planes, factor=factor, step=step, exact=True)
    expected = imagenet_c_zoom(planes, factor, step)
    np.testing.assert_allclose(actual, expected, atol=0.02)


@pytest.mark.parametrize(("factor", "step"), ZOOMS)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (65, 33)])
def test_zoom_blur_is_the_mean_of_magnifications_about_the_centre(factor, step, size):
    planes = image(*size)
    zooms = np.arange(1, factor, step)
    total = planes.astype(float).copy()
    middle = (np.array(size) - 1) / 2
    for zoom in zooms:
        for plane, sum_of_plane in zip(planes, total, strict=True):
            sum_of_plane += ndimage.affine_transform(
                plane.astype(float), [1 / zoom] * 2, middle - middle / zoom, order=1,
                mode="nearest",
            )  # fmt: skip
    actual = finished("zoom_blur", planes, factor=factor, step=step, exact=False)
    np.testing.assert_allclose(actual, total / (len(zooms) + 1), atol=0.01)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (65, 33), (120, 90)])
@pytest.mark.parametrize(("red", "blue"), [(1.01, 0.99), (0.95, 1.05), (1.0, 1.0)])
def test_chromatic_aberration_is_scipys_magnification_of_red_and_blue(size, red, blue):
    planes = image(*size)
    actual = finished("chromatic_aberration", planes, red=red, blue=blue)
    middle = (np.array(size) - 1) / 2
    for channel, zoom in ((0, red), (1, 1.0), (2, blue)):
        expected = ndimage.affine_transform(
            planes[channel].astype(float), [1 / zoom] * 2, middle - middle / zoom, order=1,
            mode="nearest",
        )  # fmt: skip
        np.testing.assert_allclose(actual[channel], expected, atol=0.01)


def test_green_is_not_touched_by_chromatic_aberration():
    planes = image(50, 70)
    actual = finished("chromatic_aberration", planes, red=1.03, blue=0.97)
    np.testing.assert_array_equal(actual[1], planes[1])

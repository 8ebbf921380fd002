import cv2
import numpy as np
import pytest

from degrade.ops import OPERATIONS
from degrade.ops.blur.sharpen import _opencv_gaussian

STREAM = np.zeros(5, np.uint32)


def sharpened(planes, **parameters):
    return OPERATIONS["unsharp_mask"].load()(planes, STREAM, **parameters)


def usm_sharp(planes, weight, radius, threshold):
    """A plain rebuilding of BasicSR's function with OpenCV, on 0-1 as there."""
    image = (planes / 255).transpose(1, 2, 0)
    radius += 1 - radius % 2
    blurred = cv2.GaussianBlur(image, (radius, radius), 0)
    residual = image - blurred
    mask = cv2.GaussianBlur(
        (np.abs(residual) * 255 > threshold).astype("float32"), (radius, radius), 0
    )
    sharp = np.clip(image + weight * residual, 0, 1)
    return (mask * sharp + (1 - mask) * image).transpose(2, 0, 1) * 255


@pytest.mark.parametrize("width", [1, 3, 5, 7, 9, 11, 25, 51])
def test_the_gaussian_is_opencvs_for_its_width(width):
    expected = cv2.getGaussianKernel(width, 0).ravel()
    np.testing.assert_allclose(_opencv_gaussian(width), expected, atol=1e-7)


@pytest.mark.parametrize("size", [(65, 33), (120, 90)])
@pytest.mark.parametrize(
    ("radius", "amount", "threshold"),
    [(50, 0.5, 10.0), (7, 1.5, 3.0), (9, 1.5, 3.0), (1, 0.5, 10.0)],
)
def test_the_mask_is_basicsrs(size, radius, amount, threshold):
    rng = np.random.default_rng(4)
    planes = cv2.GaussianBlur(rng.uniform(0, 255, (*size, 3)).astype(np.float32), (5, 5), 1.5)
    planes = np.ascontiguousarray(planes.transpose(2, 0, 1))
    finished = sharpened(planes, radius=radius, amount=amount, threshold=threshold)
    expected = usm_sharp(planes, amount, radius, threshold)
    assert np.mean(np.abs(finished - expected) < 0.05) > 0.999
    assert np.abs(finished - expected).max() < 2


def test_a_flat_picture_and_small_differences_stay_as_they_are():
    planes = np.full((3, 40, 50), 100, np.float32)
    planes[:, ::2] += 4
    finished = sharpened(planes, radius=9, amount=2.0, threshold=10.0)
    np.testing.assert_allclose(finished, planes, atol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (2, 3)])
def test_small_pictures_are_sharpened_too(size):
    planes = np.random.default_rng(4).uniform(0, 255, (3, *size)).astype(np.float32)
    finished = sharpened(planes, radius=50, amount=0.5, threshold=10.0)
    assert finished.shape == planes.shape and finished.min() >= 0 and finished.max() <= 255

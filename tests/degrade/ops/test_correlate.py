import cv2
import numpy as np
import pytest
from scipy import ndimage

from degrade.ops import OPERATIONS
from degrade.ops.blur import point_spread as shapes
from degrade.ops.blur.correlate import correlate_separable, correlate_taps
from degrade.ops.blur.kernel_form import gaussian_taps

SIZES = [(1, 1), (1, 7), (7, 1), (2, 2), (5, 3), (17, 31), (64, 48)]
STREAM = np.zeros(5, np.uint32)


def image(height, width, channels=3):
    rng = np.random.default_rng(height * 100 + width)
    return rng.uniform(0, 255, (channels, height, width)).astype(np.float32)


def kernel(height, width):
    taps = np.random.default_rng(height + width).uniform(0, 1, (height, width))
    return (taps / taps.sum()).astype(np.float32)


def blur(name, planes, **parameters):
    if name == "gaussian_blur":
        parameters = {"angle": 0.0, "kernel_size": 0} | parameters
    return OPERATIONS[name].load()(planes, STREAM, **parameters)


def scipy_correlate(planes, taps):
    return np.stack(
        [ndimage.correlate(plane.astype(float), taps, mode="mirror") for plane in planes]
    )


def every_tap(taps):
    rows, columns = np.indices(taps.shape).reshape(2, -1)
    return rows - taps.shape[0] // 2, columns - taps.shape[1] // 2, taps.reshape(-1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("taps", [(1, 1), (1, 5), (7, 1), (3, 9), (5, 5), (41, 23)])
def test_both_correlations_agree_with_scipy(size, taps):
    planes, weights = image(*size), kernel(*taps)
    expected = scipy_correlate(planes, weights)
    measured = correlate_taps(planes, *every_tap(weights))
    np.testing.assert_allclose(measured, expected, atol=2e-3)
    vertical, horizontal = kernel(taps[0], 1)[:, 0], kernel(1, taps[1])[0]
    expected = scipy_correlate(planes, np.outer(vertical, horizontal))
    np.testing.assert_allclose(
        correlate_separable(planes, vertical, horizontal), expected, atol=2e-3
    )


@pytest.mark.parametrize("size", [(5, 3), (17, 31), (64, 48)])
def test_both_correlations_agree_with_opencv(size):
    planes, weights = image(*size), kernel(5, 5)
    vertical, horizontal = kernel(5, 1)[:, 0], kernel(1, 3)[0]
    for channel, plane in enumerate(planes):
        expected = cv2.filter2D(plane, cv2.CV_32F, weights, borderType=cv2.BORDER_REFLECT_101)
        measured = correlate_taps(planes, *every_tap(weights))[channel]
        np.testing.assert_allclose(measured, expected, atol=2e-3)
        expected = cv2.sepFilter2D(
            plane, cv2.CV_32F, horizontal, vertical, borderType=cv2.BORDER_REFLECT_101
        )
        measured = correlate_separable(planes, vertical, horizontal)[channel]
        np.testing.assert_allclose(measured, expected, atol=2e-3)


def test_an_uneven_kernel_is_correlated_and_not_convolved():
    planes = np.zeros((1, 9, 9), np.float32)
    planes[0, 4, 4] = 1
    weights = kernel(3, 3)
    answer = correlate_taps(planes, *every_tap(weights))[0, 3:6, 3:6]
    np.testing.assert_allclose(answer, weights[::-1, ::-1], rtol=1e-6)


def summed_in_eights(products):
    """The documented order: eight at a time in pairs of pairs, then two, then one."""
    total = np.zeros_like(products[0])
    while len(products) >= 8:
        a, b, c, d, e, f, g, h = products[:8]
        total = total + (((a + b) + (c + d)) + ((e + f) + (g + h)))
        products = products[8:]
    while len(products) >= 2:
        total = total + (products[0] + products[1])
        products = products[2:]
    return total + products[0] if products else total


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9])
def test_sums_are_rounded_in_the_documented_order(count):
    # A fused multiply-add or another order, on any machine, would change the last bit.
    planes, weights = image(1, 500, 1), kernel(1, 2 * count - 1)[0]
    padded = np.pad(planes[0, 0], count - 1, mode="reflect")
    products = [weight * padded[tap : tap + 500] for tap, weight in enumerate(weights)]
    expected = summed_in_eights(products)
    measured = correlate_separable(planes, np.ones(1, np.float32), weights)
    np.testing.assert_array_equal(measured[0, 0], expected)
    zeros = np.zeros(weights.size, np.int64)
    shifts = np.arange(weights.size) - weights.size // 2
    np.testing.assert_array_equal(correlate_taps(planes, zeros, shifts, weights)[0, 0], expected)


BLURS = [
    ("gaussian_blur", {"sigma_x": 2.3, "sigma_y": 2.3}),
    ("gaussian_blur", {"sigma_x": 4.0, "sigma_y": 0.7}),
    ("gaussian_blur", {"sigma_x": 4.0, "sigma_y": 0.7, "angle": 90.0}),
    ("gaussian_blur", {"sigma_x": 8.0, "sigma_y": 5.0, "angle": 33.0}),
    ("gaussian_blur", {"sigma_x": 8.0, "sigma_y": 0.8, "angle": -60.0}),
    ("gaussian_blur", {"sigma_x": 8.0, "sigma_y": 3.0, "angle": 20.0, "kernel_size": 21}),
    ("motion_blur", {"length": 5.0, "angle": 0.0}),
    ("motion_blur", {"length": 23.7, "angle": 120.0}),
    ("defocus_blur", {"radius": 1.0}),
    ("defocus_blur", {"radius": 6.5}),
]


def taps_of(name, *, kernel_size=0, angle=0.0, **parameters):
    if name == "gaussian_blur":
        return gaussian_taps(parameters["sigma_x"], parameters["sigma_y"], angle, kernel_size)
    if name == "motion_blur":
        radians = np.deg2rad(angle)
        return shapes.motion_line(parameters["length"], np.cos(radians), np.sin(radians))
    return shapes.disk(parameters["radius"])


@pytest.mark.parametrize(("name", "parameters"), BLURS)
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (64, 48)])
def test_a_blur_is_the_correlation_with_its_whole_kernel(name, parameters, size):
    # What a blur leaves out of its kernel may cost 1e-3 of 255 levels.
    planes = image(*size)
    expected = scipy_correlate(planes, taps_of(name, **parameters))
    np.testing.assert_allclose(blur(name, planes, **parameters), expected, atol=0.2)


@pytest.mark.parametrize(("name", "parameters"), BLURS)
@pytest.mark.parametrize("level", [1.0, 128.0, 255.0])
def test_a_blur_keeps_a_constant_picture(name, parameters, level):
    planes = np.full((3, 40, 50), level, np.float32)
    assert np.abs(blur(name, planes, **parameters) - level).max() < 1e-3


@pytest.mark.parametrize(("name", "parameters"), BLURS)
def test_a_blur_leaves_its_input_alone(name, parameters):
    planes = image(20, 30)
    before = planes.copy()
    blur(name, planes, **parameters)
    np.testing.assert_array_equal(planes, before)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("gaussian_blur", {"sigma_x": 0.0, "sigma_y": 0.0}),
        ("gaussian_blur", {"sigma_x": 9.0, "sigma_y": 9.0, "kernel_size": 1}),
        ("gaussian_blur", {"sigma_x": 9.0, "sigma_y": 2.0, "angle": 30.0, "kernel_size": 1}),
        ("motion_blur", {"length": 0.0, "angle": 20.0}),
        ("defocus_blur", {"radius": 0.0}),
        ("defocus_blur", {"radius": 0.5}),
    ],
)
def test_a_blur_of_no_width_is_the_identity(name, parameters):
    planes = image(9, 8)
    np.testing.assert_array_equal(blur(name, planes, **parameters), planes)


def test_a_gaussian_of_one_axis_blurs_along_that_axis_alone():
    planes = np.zeros((1, 31, 31), np.float32)
    planes[0, 15, 15] = 1
    across = blur("gaussian_blur", planes, sigma_x=3.0, sigma_y=0.0)
    assert across[0, 15].sum() == pytest.approx(1, abs=1e-4)
    upright = blur("gaussian_blur", planes, sigma_x=3.0, sigma_y=0.0, angle=90.0)
    np.testing.assert_array_equal(upright[0], across[0].T)


def test_a_gaussian_cut_to_a_kernel_size_reaches_no_further():
    planes = np.zeros((1, 41, 41), np.float32)
    planes[0, 20, 20] = 255
    for angle, sigma_y in ((0.0, 5.0), (0.0, 2.0), (30.0, 2.0)):
        blurred = blur(
            "gaussian_blur", planes, sigma_x=5.0, sigma_y=sigma_y, angle=angle, kernel_size=11
        )
        rows, columns = np.nonzero(blurred[0])
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (15, 25, 15, 25)


def blob():
    """A Gaussian spot whose centre is no pixel's: (row, column) = (57.3, 70.6)."""
    rows, columns = np.mgrid[:128, :144]
    spot = 200 * np.exp(-((rows - 57.3) ** 2 + (columns - 70.6) ** 2) / (2 * 4.0**2))
    return np.repeat(spot[None].astype(np.float32), 3, axis=0)


def centroid(plane):
    plane = np.where(plane > 0, plane, 0).astype(float)
    rows, columns = np.indices(plane.shape)
    return np.array([(plane * rows).sum(), (plane * columns).sum()]) / plane.sum()


MOVES = [
    *BLURS,
    ("resize_blur", {"height": 32, "width": 36, "down": "area", "up": "linear"}),
    ("resize_blur", {"height": 41, "width": 47, "down": "area", "up": "cubic"}),
    ("resize_blur", {"height": 41, "width": 47, "down": "linear", "up": "linear"}),
    ("resize_blur", {"height": 50, "width": 50, "down": "lanczos3", "up": "lanczos3"}),
    ("resize_blur", {"height": 64, "width": 72, "down": "cubic", "up": "cubic"}),
    # Nearest neighbours are centred where one is in the middle: shrinking by an odd number.
    ("resize_blur", {"height": 128, "width": 48, "down": "nearest", "up": "nearest"}),
    ("jpeg", {"quality": 90, "subsampling": "420"}),
    ("jpeg", {"quality": 90, "subsampling": "444"}),
]


@pytest.mark.parametrize(("name", "parameters"), MOVES)
def test_nothing_moves_by_a_twentieth_of_a_pixel(name, parameters):
    planes = blob()
    finished = blur(name, planes, **parameters)
    # Half a level of rounding, spread over the frame, would outweigh the spot.
    if name == "jpeg":
        finished = np.where(planes > 2, finished, 0)
        planes = np.where(planes > 2, planes, 0)
    shift = centroid(finished[1]) - centroid(planes[1])
    assert np.abs(shift).max() < 0.05


@pytest.mark.parametrize("filters", ["area", "linear", "cubic", "lanczos3"])
@pytest.mark.parametrize("size", [(64, 72), (47, 53), (200, 300)])
def test_a_resize_there_and_back_moves_nothing(filters, size):
    planes = blob()
    resize = OPERATIONS["resize"].load()
    options = {"filter": filters, "antialias": True}
    small = resize(planes, STREAM, height=size[0], width=size[1], **options)
    scale = np.array([size[0] / 128, size[1] / 144])
    expected = (centroid(planes[1]) + 0.5) * scale - 0.5
    assert np.abs(centroid(small[1]) - expected).max() < 0.05 * max(1, scale.max())
    back = resize(small, STREAM, height=128, width=144, **options)
    assert np.abs(centroid(back[1]) - centroid(planes[1])).max() < 0.05


@pytest.mark.parametrize("block", [2, 5, 8])
def test_pixelation_does_not_move_a_spot_centred_on_a_block(block):
    size = 17 * block
    centre = 8 * block + (block - 1) / 2
    rows, columns = np.mgrid[:size, :size]
    spot = 200 * np.exp(-((rows - centre) ** 2 + (columns - centre) ** 2) / (2 * block**2))
    planes = np.repeat(spot[None].astype(np.float32), 3, axis=0)
    finished = OPERATIONS["pixelate"].load()(planes, STREAM, block=block)
    assert np.abs(centroid(finished[0]) - centre).max() < 0.01

import numpy as np
import pytest

import zoo


@pytest.fixture(scope="module")
def restorer():
    return zoo.load("dejpeg")


def test_it_gains_on_quality_15_and_on_milder_jpegs(restorer, photographs, compress, psnr):
    for name, hq in photographs.items():
        for quality, least in ((15, 0.2), (50, 0.1)):
            lq = compress(hq, quality)
            (restored,) = restorer.restore([lq])
            assert psnr(restored, hq) > psnr(lq, hq) + least, (name, quality)


def test_it_lowers_the_steps_across_block_borders_and_keeps_those_inside(
    restorer, photographs, compress
):
    def step(image, column):
        difference = np.diff(image.astype(np.float64), axis=1)
        return np.abs(difference[:, column::8]).mean()

    lq = compress(photographs["chelsea"], 10, "4:4:4")
    (restored,) = restorer.restore([lq])
    # Column 7 of the differences is the border between two blocks, column 3 the middle of one.
    excess_before = step(lq, 7) - step(lq, 3)
    excess_after = step(restored, 7) - step(restored, 3)
    assert excess_before > 1
    assert abs(excess_after) < excess_before / 4


def test_images_without_jpeg_are_returned_as_they_are(restorer, photographs, add_noise):
    for name in ("astronaut", "chelsea", "coffee"):
        for image in (photographs[name], add_noise(photographs[name], 25)):
            (restored,) = restorer.restore([image])
            assert np.array_equal(restored, image)


def test_a_jpeg_moved_off_its_grid_is_left_alone(restorer, photographs, compress):
    shifted = compress(photographs["coffee"], 20)[3:, 5:]
    (restored,) = restorer.restore([shifted])
    assert np.array_equal(restored, shifted)

import numpy as np
import pytest

import zoo
from zoo.restorers.dejpeg import estimate_quality


@pytest.fixture(scope="module")
def restorer():
    return zoo.load("dejpeg")


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
@pytest.mark.parametrize("quality", [5, 15, 30, 60, 85])
def test_the_quality_of_a_jpeg_is_read_from_its_pixels(photographs, compress, quality, subsampling):
    for name, hq in photographs.items():
        found = estimate_quality(compress(hq, quality, subsampling))
        assert found == pytest.approx(quality, abs=1), name


def test_pixels_that_were_never_a_jpeg_have_no_quality(photographs, add_noise):
    photographs = {name: hq for name, hq in photographs.items() if name != "rocket"}
    for hq in photographs.values():
        assert estimate_quality(hq) is None
        assert estimate_quality(add_noise(hq, 25)) is None
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    assert estimate_quality(noise) is None


def test_the_photograph_that_scikit_image_ships_as_a_jpeg_is_found_out():
    from skimage import data

    assert estimate_quality(data.rocket()) == pytest.approx(92, abs=1)


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


def test_the_steps_of_a_quality_are_those_of_pillow():
    import io

    import PIL.Image

    from zoo.restorers.jpeg_steps import luma_steps

    for quality in (1, 10, 49, 50, 51, 90, 100):
        stream = io.BytesIO()
        PIL.Image.new("RGB", (8, 8)).save(stream, "JPEG", quality=quality)
        with PIL.Image.open(stream) as picture:
            table = picture.quantization[0]
        assert luma_steps(quality).ravel().tolist() == list(table)

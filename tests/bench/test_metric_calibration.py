"""PSNR and SSIM under every named protocol, on five TID2013 pairs with known values.

The values were worked out independently of this project; the images are not part of it.
"""

from pathlib import Path

import numpy as np
import pytest
from skimage.io import imread

from bench.metrics.metric import Sample
from bench.metrics.registry import load_metric

FOLDER = Path(__file__).parents[2].parent / "shared" / "calibration"
PAIRS = ("I03", "I04", "I06", "I08", "I19")
PSNR = {
    "psnr": (21.1136, 20.9872, 27.0139, 23.3003, 21.6187),
    "psnr_crop4": (21.1428, 20.9592, 27.0245, 23.1404, 21.5665),
    "psnr_y": (22.2703, 56.0168, 56.5564, 23.7430, 23.0148),
    "psnr_y_rounded": (22.2666, 52.3182, 53.4113, 23.7420, 23.0113),
    "psnr_y_limited": (23.5922, 57.3388, 57.8783, 25.0649, 24.3368),
    "psnr_vqfr": (20.9137, 27.5567, 34.8594, 23.2572, 21.8599),
}
SSIM = {
    "ssim": (0.6732, 0.9325, 0.9896, 0.9674, 0.6307),
    "ssim_rgb_clamped": (0.6740, 0.9325, 0.9896, 0.9676, 0.6311),
    "ssim_y_rounded_clamped": (0.6997, 0.9978, 0.9989, 0.9671, 0.6522),
    "ssim_y": (0.7006, 0.9986, 0.9994, 0.9669, 0.6521),
    "ssim_y_limited": (0.7353, 0.9989, 0.9995, 0.9676, 0.6796),
    "ssim_vqfr": (0.6508, 0.9603, 0.9931, 0.9672, 0.6365),
}
OFFICIAL_PSNR = (21.11, 20.99, 27.01, 23.3, 21.62)
OFFICIAL_SSIM = (0.6993, 0.9978, 0.9989, 0.9669, 0.6519)

pytestmark = pytest.mark.skipif(
    not (FOLDER / "ref").is_dir(), reason=f"the calibration pairs are not at {FOLDER}"
)


@pytest.fixture(scope="module")
def pairs():
    return [
        tuple(
            Sample(np.ascontiguousarray(imread(FOLDER / kind / f"{name}.bmp")[..., :3]))
            for kind in ("dist", "ref")
        )
        for name in PAIRS
    ]


def values(name, pairs):
    return [load_metric(name).measure(*pair).value for pair in pairs]


@pytest.mark.parametrize("name", [*PSNR, *SSIM])
def test_every_protocol_gives_its_known_values_to_the_printed_digits(name, pairs):
    assert [round(value, 4) for value in values(name, pairs)] == list({**PSNR, **SSIM}[name])


def test_psnr_is_the_official_one_to_its_two_digits(pairs):
    assert [round(value, 2) for value in values("psnr", pairs)] == list(OFFICIAL_PSNR)


def test_luma_ssim_is_within_half_a_thousandth_of_the_official_one(pairs):
    np.testing.assert_allclose(
        values("ssim_y_rounded_clamped", pairs), OFFICIAL_SSIM, rtol=0, atol=5e-4
    )

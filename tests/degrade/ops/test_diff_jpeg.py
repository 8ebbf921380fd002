import numpy as np
import pytest
from scipy import fft
from skimage import data

from degrade.ops import OPERATIONS
from degrade.ops.codec.diff_jpeg import cosines, float_steps

STREAM = np.zeros(5, np.uint32)
# ITU-T T.81, tables K.1 and K.2.
LUMA = np.array([
    [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56], [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
])  # fmt: skip
CHROMA = np.full((8, 8), 99)
CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
TO_RGB = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]])


def compressed(planes, quality):
    return OPERATIONS["diff_jpeg"].load()(planes, STREAM, quality=quality)


def blocks(samples, steps):
    """Quantise 8 × 8 blocks by SciPy's orthonormal transform."""
    height, width = samples.shape
    split = samples.reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2)
    levels = np.rint(fft.dctn(split, axes=(2, 3), norm="ortho") / steps) * steps
    return fft.idctn(levels, axes=(2, 3), norm="ortho").swapaxes(1, 2).reshape(height, width)


def diff_jpeg(planes, quality):
    """DiffJPEG written plainly in float64: pad with black, mean chroma, transposed tables."""
    _, height, width = planes.shape
    factor = (5000 / quality if quality < 50 else 200 - 2 * quality) / 100
    padded = np.pad(planes.astype(float), ((0, 0), (0, -height % 16), (0, -width % 16)))
    luma, *chroma = np.tensordot(TO_YCC, padded, 1)
    parts = [blocks(luma - 128, LUMA.T * factor) + 128]
    for part in chroma:
        half = part.reshape(part.shape[0] // 2, 2, part.shape[1] // 2, 2).mean(axis=(1, 3))
        parts.append(blocks(half, CHROMA.T * factor).repeat(2, 0).repeat(2, 1))
    back = np.tensordot(TO_RGB, np.stack(parts), 1)
    return np.clip(back, 0, 255)[:, :height, :width]


def test_the_transform_is_scipys():
    block = np.random.default_rng(1).normal(size=(8, 8))
    actual = cosines().astype(float) @ block @ cosines().astype(float).T
    np.testing.assert_allclose(actual, fft.dctn(block, norm="ortho"), atol=1e-6)


@pytest.mark.parametrize(("quality", "factor"), [(25, 2.0), (50, 1.0), (75, 0.5), (95, 0.1)])
def test_the_steps_are_neither_rounded_nor_cut(quality, factor):
    steps = float_steps(quality)
    np.testing.assert_allclose(steps[0], LUMA.T * factor, rtol=1e-6)
    np.testing.assert_allclose(steps[1], CHROMA.T * factor, rtol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (65, 33), (64, 96), (120, 130)])
@pytest.mark.parametrize("quality", [5.0, 30.5, 50.0, 73.2, 95.0])
def test_diff_jpeg_is_the_plain_arithmetic(size, quality):
    image = data.astronaut()[60 : 60 + size[0], 180 : 180 + size[1]]
    planes = np.ascontiguousarray(image.transpose(2, 0, 1).astype(np.float32))
    difference = np.abs(compressed(planes, quality) - diff_jpeg(planes, quality))
    # A coefficient on a half may round either way; the rest agrees to rounding.
    assert np.mean(difference < 0.01) > 0.98
    assert np.mean(difference < 1.0) > 0.995


def test_diff_jpeg_can_be_compared_with_the_real_one():
    planes = np.ascontiguousarray(data.astronaut()[:256, :256].transpose(2, 0, 1)).astype(
        np.float32
    )
    real = OPERATIONS["jpeg"].load()(planes, STREAM, quality=40, subsampling="420")
    loss = [np.mean((finished - planes) ** 2) for finished in (compressed(planes, 40.0), real)]
    assert loss[0] == pytest.approx(loss[1], rel=0.15)

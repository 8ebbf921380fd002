"""Write ``bench/validate/shipped.json``: what other implementations say of the shipped images.

Run ``python tools/make_shipped.py`` with ``relume[pyiqa]`` installed, after a change of the cases
or to take in newer versions of the implementations; the difference is for a person to read before
it is committed. Other people's implementations and formulas written out with SciPy, all in float64;
the images that each protocol compares are prepared by scikit-image, pyiqa, torch and NumPy, not by
us: uint8 HWC RGB in, float64 levels out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy
import skimage.metrics
import torch
from numpy.typing import NDArray
from pyiqa.archs import psnr_arch, ssim_arch
from pyiqa.utils import color_util
from scipy.ndimage import correlate1d
from skimage import color
from skimage.transform import downscale_local_mean
from torchmetrics.functional.image import peak_signal_noise_ratio
from torchmetrics.functional.image import structural_similarity_index_measure as torch_ssim
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from bench.validate.shipped import CASES, SHIPPED, digest, tiles
from degrade.images import atomic_file

__all__ = ["IMPLEMENTATIONS", "SET_IMPLEMENTATIONS", "Implementation", "make"]

Image = NDArray[np.uint8]
Levels = NDArray[np.float64]
Prepare = Callable[[Image, Image], tuple[Levels, Levels]]


def plain(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Return both as they are."""
    return restored.astype(np.float64), hq.astype(np.float64)


def cropped(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Leave out four pixels along each side."""
    return plain(restored[4:-4, 4:-4], hq[4:-4, 4:-4])


def luma(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Return full-range luma, by scikit-image."""
    first, second = (color.rgb2yiq(each)[..., :1] * 255 for each in (restored, hq))
    return first, second


def luma_of_pyiqa(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Return full-range luma, by pyiqa."""
    first, second = (
        color_util.rgb2yiq(tensor(each / 255))[0, :1].permute(1, 2, 0).numpy() * 255
        for each in (restored, hq)
    )
    return first, second


def rounded(prepare: Prepare, restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Return the planes of another function, rounded to whole levels."""
    first, second = prepare(restored, hq)
    return np.rint(first), np.rint(second)


def limited(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Return MATLAB's luma, by scikit-image."""
    first, second = (color.rgb2ycbcr(each)[..., :1] for each in (restored, hq))
    return first, second


def limited_of_pyiqa(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Return MATLAB's luma, by pyiqa."""
    first, second = (
        color_util.rgb2ycbcr(tensor(each / 255))[0, :1].permute(1, 2, 0).numpy() * 255
        for each in (restored, hq)
    )
    return first, second


def corrected(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """VQFR's ``correct_mean_var`` line by line, one channel after the other."""
    first, second = plain(restored, hq)
    for channel in range(3):
        for _ in range(2):
            plane = first[..., channel] - first[..., channel].mean() + second[..., channel].mean()
            first[..., channel] = plane / plane.std() * second[..., channel].std()
    return first, second


def halved(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Reduced as piq does, by scikit-image."""
    side = max(1, round(min(hq.shape[:2]) / 256))
    whole = tuple(slice(0, length // side * side) for length in hq.shape[:2])
    first, second = (reduced(each[whole].astype(np.float64), side) for each in (restored, hq))
    return first, second


def reduced(planes: Levels, side: int) -> Levels:
    """Return means over squares, by scikit-image; the size must be divisible."""
    means = downscale_local_mean(planes, (side, side, 1))  # type: ignore[no-untyped-call]
    return np.asarray(means)


def pooled(restored: Image, hq: Image) -> tuple[Levels, Levels]:
    """Reduced as piq does, by torch."""
    side = max(1, round(min(hq.shape[:2]) / 256))
    first, second = (
        torch.nn.functional.avg_pool2d(tensor(each), side)[0].permute(1, 2, 0).numpy()
        for each in (restored, hq)
    )
    return first, second


def tensor(image: NDArray[np.generic]) -> torch.Tensor:
    """Return ``(1, channels, height, width)`` float64."""
    return torch.from_numpy(np.ascontiguousarray(image, np.float64)).permute(2, 0, 1)[None]


@dataclass(frozen=True, slots=True)
class Implementation:
    """Who computes a column, with the version, and the function of ``(restored, hq)``."""

    by: str
    compute: Callable[[Image, Image], float]


_METRICS: Any = skimage.metrics  # has no types
_SKIMAGE = f"scikit-image {version('scikit-image')}"
_TORCHMETRICS = f"torchmetrics {version('torchmetrics')}"
_PYIQA = f"pyiqa {version('pyiqa')}"
_SCIPY = f"written out with SciPy {version('scipy')}"


def _psnr_skimage(prepare: Prepare, restored: Image, hq: Image) -> float:
    first, second = prepare(restored, hq)
    return float(_METRICS.peak_signal_noise_ratio(second, first, data_range=255))


def _psnr_torchmetrics(prepare: Prepare, restored: Image, hq: Image) -> float:
    first, second = prepare(restored, hq)
    return float(peak_signal_noise_ratio(tensor(first), tensor(second), data_range=255.0))


def _psnr_epsilon(prepare: Prepare, restored: Image, hq: Image) -> float:
    first, second = prepare(restored, hq)
    return float(-10 * np.log10(_METRICS.mean_squared_error(first, second) / 255**2 + 1e-8))


def _psnr_pyiqa(luma: bool, restored: Image, hq: Image) -> float:
    pair = tensor(restored / 255), tensor(hq / 255)
    return float(psnr_arch.psnr(*pair, test_y_channel=luma))


def _ssim_skimage(prepare: Prepare, restored: Image, hq: Image) -> float:
    first, second = prepare(restored, hq)
    return float(
        _METRICS.structural_similarity(
            second, first, data_range=255, channel_axis=2, gaussian_weights=True, sigma=1.5,
            use_sample_covariance=False,
        )
    )  # fmt: skip


def _ssim_torchmetrics(prepare: Prepare, restored: Image, hq: Image) -> float:
    first, second = (tensor(each) for each in prepare(restored, hq))
    # Its mean counts windows that reach into the mirrored border; its map can be cropped.
    found = torch_ssim(first, second, data_range=255.0, return_full_image=True)
    assert isinstance(found, tuple)
    return float(found[1][..., 5:-5, 5:-5].mean())


def _ssim_pyiqa(luma: bool, restored: Image, hq: Image) -> float:
    pair = tensor(restored / 255), tensor(hq / 255)
    return float(ssim_arch.SSIM(test_y_channel=luma)(*pair))


def _ms_ssim_pyiqa(restored: Image, hq: Image) -> float:
    pair = tensor(restored / 255), tensor(hq / 255)
    return float(ssim_arch.MS_SSIM(test_y_channel=True)(*pair))


def _terms(first: Levels, second: Levels) -> tuple[Levels, Levels]:
    """Return luminance and contrast-structure, clamped, where the window lies inside."""
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets**2) / 4.5)
    window /= window.sum()

    def mean(plane: Levels) -> Levels:
        blurred = correlate1d(correlate1d(plane, window, axis=0), window, axis=1)
        return np.asarray(blurred[5:-5, 5:-5])

    a, b = mean(first), mean(second)
    covariance = mean(first * second) - a * b
    variances = mean(first**2) - a * a + mean(second**2) - b * b
    c1, c2 = 2.55**2, 7.65**2
    structure = np.maximum((2 * covariance + c2) / (variances + c2), 0)
    return (2 * a * b + c1) / (a * a + b * b + c1), structure


def _ssim_scipy(prepare: Prepare, restored: Image, hq: Image) -> float:
    luminance, structure = _terms(*prepare(restored, hq))
    return float((luminance * structure).mean())


def _ms_ssim_scipy(restored: Image, hq: Image) -> float:
    """Wang et al. 2003 on rounded luma, odd sides padded by zeros, as pyiqa pads them."""
    first, second = rounded(luma, restored, hq)
    value = 1.0
    for weight in (0.0448, 0.2856, 0.3001, 0.2363):
        value *= math.pow(float(_terms(first, second)[1].mean()), weight)
        first, second = _quarter(first), _quarter(second)
    luminance, structure = _terms(first, second)
    return value * math.pow(float((luminance * structure).mean()), 0.1333)


def _quarter(plane: Levels) -> Levels:
    odd = [length % 2 for length in plane.shape[:2]]
    padded = np.pad(plane, ((odd[0], odd[0]), (odd[1], odd[1]), (0, 0)))
    whole = padded[: padded.shape[0] // 2 * 2, : padded.shape[1] // 2 * 2]
    return reduced(whole, 2)


def _twice(skimage_of: Prepare, torch_of: Prepare, ssim: bool) -> tuple[Implementation, ...]:
    first, second = (
        (_ssim_skimage, _ssim_torchmetrics) if ssim else (_psnr_skimage, _psnr_torchmetrics)
    )
    return (
        Implementation(_SKIMAGE, partial(first, skimage_of)),
        Implementation(_TORCHMETRICS, partial(second, torch_of)),
    )


_LUMA_ROUNDED = partial(rounded, luma)
IMPLEMENTATIONS: Mapping[str, tuple[Implementation, ...]] = MappingProxyType({
    "psnr": _twice(plain, plain, False),
    "psnr_eps": (
        Implementation(_PYIQA, partial(_psnr_pyiqa, False)),
        Implementation(_SKIMAGE, partial(_psnr_epsilon, plain)),
    ),
    "psnr_crop4": _twice(cropped, cropped, False),
    "psnr_y": _twice(luma, luma_of_pyiqa, False),
    "psnr_y_eps": (
        Implementation(_PYIQA, partial(_psnr_pyiqa, True)),
        Implementation(_SKIMAGE, partial(_psnr_epsilon, luma)),
    ),
    "psnr_y_rounded": _twice(_LUMA_ROUNDED, partial(rounded, luma_of_pyiqa), False),
    "psnr_y_limited": _twice(limited, limited_of_pyiqa, False),
    "psnr_vqfr": _twice(corrected, corrected, False),
    "ssim": _twice(plain, plain, True),
    "ssim_rgb_clamped": (
        Implementation(_PYIQA, partial(_ssim_pyiqa, False)),
        Implementation(_SCIPY, partial(_ssim_scipy, plain)),
    ),
    "ssim_y": _twice(luma, luma_of_pyiqa, True),
    "ssim_y_rounded_clamped": (
        Implementation(_PYIQA, partial(_ssim_pyiqa, True)),
        Implementation(_SCIPY, partial(_ssim_scipy, _LUMA_ROUNDED)),
    ),
    "ssim_y_limited": _twice(limited, limited_of_pyiqa, True),
    "ssim_vqfr": _twice(corrected, corrected, True),
    "ssim_piq": _twice(halved, pooled, True),
    "ms_ssim_y_rounded_clamped": (
        Implementation(_PYIQA, _ms_ssim_pyiqa),
        Implementation(_SCIPY, _ms_ssim_scipy),
    ),
})  # fmt: skip
"""Column to two implementations of it that share no code with ours or, but for the colour
correction that no package has, with each other."""


def _frechet_scipy(restored: Levels, reference: Levels) -> float:
    one, other = (np.cov(each, rowvar=False) for each in (restored, reference))
    shift = restored.mean(axis=0) - reference.mean(axis=0)
    root = np.asarray(scipy.linalg.sqrtm(one @ other)).real
    return float(shift @ shift + np.trace(one + other - 2 * root))


def _frechet_torchmetrics(restored: Levels, reference: Levels) -> float:
    sides = [torch.from_numpy(each) for each in (restored, reference)]
    return float(_compute_fid(*(m for each in sides for m in (each.mean(0), torch.cov(each.T)))))


def _kernel_numpy(restored: Levels, reference: Levels) -> float:
    def mean(one: Levels, other: Levels, same: bool) -> float:
        values = [
            (float(np.dot(x, y)) / len(x) + 1) ** 3
            for i, x in enumerate(one)
            for j, y in enumerate(other)
            if not (same and i == j)
        ]
        return sum(values) / len(values)

    within = mean(restored, restored, True) + mean(reference, reference, True)
    return within - 2 * mean(restored, reference, False)


def _kernel_torchmetrics(restored: Levels, reference: Levels) -> float:
    return float(poly_mmd(torch.from_numpy(reference), torch.from_numpy(restored)))


SET_IMPLEMENTATIONS: Mapping[str, tuple[tuple[str, Callable[[Levels, Levels], float]], ...]] = (
    MappingProxyType({
        "fid": ((_SCIPY, _frechet_scipy), (_TORCHMETRICS, _frechet_torchmetrics)),
        "kid": (("written out in Python", _kernel_numpy), (_TORCHMETRICS, _kernel_torchmetrics)),
    })
)  # fmt: skip
"""The same for the arithmetic of distances between sets, on `bench.validate.shipped.tiles`."""


def make(names: Iterable[str] = tuple(CASES)) -> dict[str, Any]:
    """Return the content of ``shipped.json``, or that of some cases."""
    content: dict[str, Any] = {}
    for name in names:
        restored, hq = (each.image for each in CASES[name].pair())
        values = {
            column: {each.by: each.compute(restored, hq) for each in implementations}
            for column, implementations in IMPLEMENTATIONS.items()
        }
        sets = {
            column: {by: compute(tiles(restored), tiles(hq)) for by, compute in implementations}
            for column, implementations in SET_IMPLEMENTATIONS.items()
        }
        digests = {"restored": digest(restored), "hq": digest(hq)}
        content[name] = {"sha256": digests, "values": values, "sets": sets}
    return content


if __name__ == "__main__":
    with atomic_file(SHIPPED) as file:
        file.write((json.dumps(make(), indent=1) + "\n").encode())

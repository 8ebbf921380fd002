"""Other implementations of our metrics: scikit-image's, torchmetrics' and pyiqa's, one row each.

Holds what each is asked for and how near it should come. It compares nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics.metric import Measurement, Sample

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BACKENDS", "SET_BACKENDS", "Backend", "SetBackend"]

Measure = Callable[[Sample, Sample], Measurement]
Compare = Callable[[NDArray[np.float64], NDArray[np.float64]], float]


@dataclass(frozen=True, slots=True)
class Backend:
    """Another implementation of a pair metric.

    Attributes
    ----------
    metric
        Our name.
    name
        The package, and what it calls the metric.
    packages
        Import names it needs.
    tolerance
        Relative, for the worst image; None where the two are of different definitions, which
        ``why`` names, so that a difference is no fault.
    load
        Returns the function that measures ``(restored, hq)``.
    why
        Why the difference is as large as the tolerance allows, in a few words; may be empty.
    """

    metric: str
    name: str
    packages: tuple[str, ...]
    tolerance: float | None
    load: Callable[[], Measure]
    why: str = ""


@dataclass(frozen=True, slots=True)
class SetBackend:
    """Another implementation of the arithmetic of a set metric, on our feature vectors."""

    metric: str
    name: str
    packages: tuple[str, ...]
    tolerance: float
    load: Callable[[], Compare]


def _scikit_psnr() -> Measure:
    from skimage.metrics import peak_signal_noise_ratio

    compute: Any = peak_signal_noise_ratio
    return lambda restored, hq: Measurement(
        float(compute(hq.image, restored.image, data_range=255))
    )


def _scikit_ssim() -> Measure:
    from skimage.metrics import structural_similarity

    compute: Any = structural_similarity
    # The settings with which scikit-image's documentation says it matches Wang et al. 2004.
    return lambda restored, hq: Measurement(
        float(
            compute(
                hq.image.astype(np.float64),
                restored.image.astype(np.float64),
                data_range=255,
                channel_axis=2,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
            )
        )
    )


def _torchmetrics_ms_ssim() -> Measure:
    from torchmetrics.functional.image import (
        multiscale_structural_similarity_index_measure as compute,
    )

    return lambda restored, hq: Measurement(
        float(compute(_levels(restored), _levels(hq), data_range=255.0))
    )


def _torchmetrics_ssim() -> Measure:
    from torchmetrics.functional.image import structural_similarity_index_measure as compute

    def measure(restored: Sample, hq: Sample) -> Measurement:
        value = compute(_levels(restored), _levels(hq), data_range=255.0)
        assert not isinstance(value, tuple)
        return Measurement(float(value))

    return measure


def _pyiqa(name: str) -> Measure:
    from bench.metrics.no_reference.pyiqa_metric import load_pyiqa

    return load_pyiqa(f"pyiqa:{name}").measure


def _pyiqa_niqe(colour: str) -> Measure:
    from io import BytesIO

    from pyiqa.archs.niqe_arch import NIQE
    from scipy.io import savemat

    from bench.metrics.no_reference.niqe import read_pristine
    from zoo.weights.files import known_weights, locate

    pristine = read_pristine(locate(known_weights("niqe"), offline=True))
    file = BytesIO()
    savemat(file, {"mu_prisparam": pristine.mean, "cov_prisparam": pristine.covariance})
    file.seek(0)
    module = NIQE(color_space=colour, pretrained_model_path=file)
    return lambda restored, hq: Measurement(float(module(_levels(restored) / 255)))


def _torchmetrics_frechet() -> Compare:
    import torch
    from torchmetrics.image.fid import _compute_fid

    def compare(restored: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
        sides = [torch.from_numpy(each) for each in (restored, reference)]
        moments = [moment for each in sides for moment in (each.mean(0), torch.cov(each.T))]
        return float(_compute_fid(*moments))

    return compare


def _torchmetrics_kernel() -> Compare:
    import torch
    from torchmetrics.image.kid import poly_mmd

    return lambda restored, reference: float(
        poly_mmd(torch.from_numpy(reference), torch.from_numpy(restored))
    )


def _levels(sample: Sample) -> Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(sample.image)).permute(2, 0, 1)[None].double()


_LUMA_ROUNDED = "luma in float32, then rounded"


def _of_pyiqa(metric: str, name: str, tolerance: float | None, why: str = "") -> Backend:
    return Backend(metric, f"pyiqa {name}", ("pyiqa",), tolerance, partial(_pyiqa, name), why)


BACKENDS: tuple[Backend, ...] = (
    Backend("psnr", "scikit-image", ("skimage",), 1e-9, _scikit_psnr),
    _of_pyiqa("psnr", "psnr", 1e-4, "adds 1e-8 to the error: never above 80 dB"),
    _of_pyiqa("psnr_y", "psnry", 1e-3, "adds 1e-8 to the error"),
    Backend("ssim", "scikit-image", ("skimage",), 1e-6, _scikit_ssim),
    Backend(
        "ssim",
        "torchmetrics",
        ("torch", "torchmetrics"),
        None,
        _torchmetrics_ssim,
        "mirrors the border and counts it",
    ),
    _of_pyiqa("ssim", "ssim", None, "rounded luma: ssim_y_rounded_clamped"),
    _of_pyiqa("ssim_rgb_clamped", "ssimc", 1e-5, "window in float32"),
    _of_pyiqa("ssim_y_rounded_clamped", "ssim", 1e-3, _LUMA_ROUNDED),
    Backend(
        "ms_ssim",
        "torchmetrics",
        ("torch", "torchmetrics"),
        None,
        _torchmetrics_ms_ssim,
        "pools channels, mirrors at the coarsest scale: ms_ssim_torchmetrics",
    ),
    Backend(
        "ms_ssim_torchmetrics",
        "torchmetrics",
        ("torch", "torchmetrics"),
        1e-6,
        _torchmetrics_ms_ssim,
    ),
    _of_pyiqa("ms_ssim_y_rounded_clamped", "ms_ssim", 1e-3, _LUMA_ROUNDED),
    _of_pyiqa("lpips", "lpips", 1e-4, "float32"),
    _of_pyiqa("lpips_vgg", "lpips-vgg", 1e-4, "float32"),
    _of_pyiqa("dists", "dists", 1e-3, "float32, one minus a number near one"),
    *(
        Backend(metric, f"pyiqa niqe {colour}", ("pyiqa",), 0.06, partial(_pyiqa_niqe, colour), why)
        for metric, colour, why in (
            ("niqe", "ycbcr", "counts rounding in flat regions"),
            ("niqe_y_full", "yiq", "counts rounding in flat regions"),
        )
    ),
)

SET_BACKENDS: tuple[SetBackend, ...] = tuple(
    SetBackend(metric, f"torchmetrics {name}", ("torch", "torchmetrics"), tolerance, load)
    for metrics, name, tolerance, load in (
        (("fd_efficientnet", "fid", "fid_clean"), "fid", 1e-4, _torchmetrics_frechet),
        (("kd_efficientnet", "kid", "kid_clean"), "kid", 1e-6, _torchmetrics_kernel),
    )
    for metric in metrics
)
"""On our features: no package here brings FID-Inception's weights, and the networks are compared
on random ones in the tests."""

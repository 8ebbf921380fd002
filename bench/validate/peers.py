"""Other implementations of our metrics: scikit-image's, torchmetrics' and pyiqa's.

A metric names them as `bench.metrics.metric.Peer` in its entry, with how near they should come;
each function here loads one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics.metric import Measurement, Sample

if TYPE_CHECKING:
    from torch import Tensor

Measure = Callable[[Sample, Sample], Measurement]
Compare = Callable[[NDArray[np.float64], NDArray[np.float64]], float]


def skimage_psnr() -> Measure:
    """PSNR of RGB, by scikit-image."""
    from skimage.metrics import peak_signal_noise_ratio

    compute: Any = peak_signal_noise_ratio
    return lambda restored, hq: Measurement(
        float(compute(hq.image, restored.image, data_range=255))
    )


def skimage_ssim() -> Measure:
    """SSIM of RGB, by scikit-image."""
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


def torchmetrics_ms_ssim() -> Measure:
    """MS-SSIM, by torchmetrics."""
    from torchmetrics.functional.image import (
        multiscale_structural_similarity_index_measure as compute,
    )

    return lambda restored, hq: Measurement(
        float(compute(_levels(restored), _levels(hq), data_range=255.0))
    )


def torchmetrics_ssim() -> Measure:
    """SSIM, by torchmetrics."""
    from torchmetrics.functional.image import structural_similarity_index_measure as compute

    def measure(restored: Sample, hq: Sample) -> Measurement:
        value = compute(_levels(restored), _levels(hq), data_range=255.0)
        assert not isinstance(value, tuple)
        return Measurement(float(value))

    return measure


def pyiqa(name: str) -> Measure:
    """Any metric of pyiqa."""
    from bench.metrics.no_reference.pyiqa_metric import load_pyiqa

    return load_pyiqa(f"pyiqa:{name}").measure


def pyiqa_niqe(colour: str) -> Measure:
    """NIQE by pyiqa on ``ycbcr`` or ``yiq`` luma, with the pristine statistics found locally."""
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


def torchmetrics_frechet() -> Compare:
    """Fréchet distance of two arrays of features, by torchmetrics."""
    import torch
    from torchmetrics.image.fid import _compute_fid

    def compare(restored: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
        sides = [torch.from_numpy(each) for each in (restored, reference)]
        moments = [moment for each in sides for moment in (each.mean(0), torch.cov(each.T))]
        return float(_compute_fid(*moments))

    return compare


def torchmetrics_kernel() -> Compare:
    """Kernel distance of two arrays of features, by torchmetrics."""
    import torch
    from torchmetrics.image.kid import poly_mmd

    return lambda restored, reference: float(
        poly_mmd(torch.from_numpy(reference), torch.from_numpy(restored))
    )


def _levels(sample: Sample) -> Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(sample.image)).permute(2, 0, 1)[None].double()

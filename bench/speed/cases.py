"""The lines of the speed table, operation by operation.

Bars are those the project set itself (ratio reference / ours, one thread, 512 × 512 RGB).
ImageNet-C constants are severity 3 of the 224-pixel set: D. Hendrycks and T. Dietterich,
ICLR 2019, and make_imagenet_c.py of hendrycks/robustness @8190fe3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bench.speed import references
from degrade import Step
from degrade.images import Image
from degrade.ops import Value


@dataclass(frozen=True, slots=True)
class Formula:
    """A reference that this project wrote from a published formula; ``label`` says whose."""

    label: str
    run: Callable[[Image], Image]


@dataclass(frozen=True, slots=True)
class PeerCall:
    """One call of a package that lives in another environment.

    ``function`` is a transform's class of ``albumentations`` (AlbumentationsX) or a corruption's
    name of ``imagecorruptions``; the arguments are JSON values, whose lists become tuples there.
    """

    package: str
    function: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SpeedCase:
    """One line of the table: our step, the formula, and the peer in its place where it is at hand.

    ``name`` is what ``--case`` takes; ``bar`` the ratio reference / ours that we hold ourselves to.
    """

    name: str
    title: str
    step: Step
    formula: Formula
    peer: PeerCall | None = None
    bar: float | None = None


_SEED = 7
_MOTION_ANGLE = float(np.random.RandomState(_SEED).uniform(-45, 45))
"""Degrees, clockwise: what imagecorruptions draws for motion blur after ``np.random.seed(7)``."""


def _step(operation: str, **parameters: Value) -> Step:
    return Step(operation, 1, "lq", parameters)


def _seeded(function: Callable[..., Any], **values: Any) -> Callable[[Any], Any]:
    """Return the formula with its parameters and NumPy's current generator."""
    return partial(function, random=np.random.default_rng(_SEED), **values)


def _legacy(function: Callable[..., Any], **values: Any) -> Callable[[Any], Any]:
    """Return the formula with its parameters and the generator that imagecorruptions uses."""
    return partial(function, random=np.random.RandomState(_SEED), **values)


def _albumentations(function: str, **arguments: Any) -> PeerCall:
    return PeerCall("albumentations", function, arguments)


def _imagecorruptions(function: str) -> PeerCall:
    return PeerCall("imagecorruptions", function, {"severity": 3, "seed": _SEED})


_X = "AlbumentationsX's formula in "
_C = "ImageNet-C's formula in "

_SINGLE = (
    SpeedCase(
        "gaussian-noise",
        "Gaussian noise σ 25",
        _step("gaussian_noise", sigma=25.0, per_channel=True),
        Formula(
            _X + "OpenCV", partial(references.gaussian_noise_cv2, sigma=25.0, per_channel=True)
        ),
        _albumentations("GaussNoise", std_range=[25 / 255, 25 / 255], per_channel=True),
        6.0,
    ),
    SpeedCase(
        "gaussian-noise-grey",
        "Gaussian noise σ 25, one field for all channels",
        _step("gaussian_noise", sigma=25.0, per_channel=False),
        Formula(
            _X + "OpenCV", partial(references.gaussian_noise_cv2, sigma=25.0, per_channel=False)
        ),
        _albumentations("GaussNoise", std_range=[25 / 255, 25 / 255], per_channel=False),
        6.0,
    ),
    SpeedCase(
        "shot-noise",
        "shot noise",
        # Ours acts on sRGB levels: 15.1 photons have the strength of 10 in linear light here.
        _step("shot_noise", photons=15.1),
        Formula(_X + "NumPy", _seeded(references.shot_noise_linear_light, scale=0.1)),
        _albumentations("ShotNoise", scale_range=[0.1, 0.1]),
        30.0,
    ),
    SpeedCase(
        "impulse-noise",
        "impulse 3 %",
        _step("impulse_noise", amount=0.03, per_channel=False),
        Formula(_X + "NumPy", _seeded(references.impulse_pixels, amount=0.03)),
        _albumentations(
            "SaltAndPepper", amount_range=[0.03, 0.03], salt_vs_pepper_range=[0.5, 0.5]
        ),
        1.5,
    ),
    SpeedCase(
        "gaussian-blur",
        "Gaussian blur σ 5",
        _step("gaussian_blur", sigma_x=5.0, sigma_y=5.0, angle=0.0, kernel_size=0),
        Formula(_X + "OpenCV", partial(references.gaussian_blur_cv2, sigma=5.0)),
        _albumentations("GaussianBlur", sigma_range=[5.0, 5.0]),
        3.0,
    ),
    SpeedCase(
        "defocus",
        "defocus radius 10",
        _step("defocus_blur", radius=10.0),
        Formula(
            _X + "OpenCV", partial(references.defocus_blur, radius=10, alias=0.1, in_float=False)
        ),
        _albumentations("Defocus", radius_range=[10, 10], alias_blur_range=[0.1, 0.1]),
        8.0,
    ),
    SpeedCase(
        "motion",
        "motion length 21",
        _step("motion_blur", length=21.0, angle=30.0),
        Formula(_X + "OpenCV", partial(references.motion_blur, length=21, angle=30.0)),
        _albumentations(
            "MotionBlur",
            blur_range=[21, 21],
            allow_shifted=False,
            angle_range=[30.0, 30.0],
            direction_range=[0.0, 0.0],
        ),
        1.0,
    ),
    *(
        SpeedCase(
            f"jpeg-{quality}",
            f"JPEG quality {quality}",
            _step("jpeg", quality=quality, subsampling="420"),
            Formula("OpenCV encode + decode", partial(references.jpeg_cv2, quality=quality)),
            bar=1.0,
        )
        for quality in (10, 50, 90)
    ),
    SpeedCase(
        "pixelate",
        "pixelate × 4",
        _step("pixelate", block=4),
        Formula(_X + "OpenCV", partial(references.downscale, divisor=4)),
        _albumentations(
            "Downscale",
            scale_range=[0.25, 0.25],
            interpolation_pair={"downscale": 3, "upscale": 0},  # INTER_AREA, INTER_NEAREST
        ),
        1.0,
    ),
)

_IMAGENET_C = (
    SpeedCase(
        "imagenet-c-gaussian-noise",
        "ImageNet-C Gaussian noise 3",
        _step("gaussian_noise", sigma=0.18 * 255, per_channel=True),
        Formula(_C + "NumPy", _legacy(references.gaussian_noise, sigma=0.18)),
        _imagecorruptions("gaussian_noise"),
        10.0,
    ),
    SpeedCase(
        "imagenet-c-shot-noise",
        "ImageNet-C shot noise 3",
        _step("shot_noise", photons=12.0),
        Formula(_C + "NumPy", _legacy(references.shot_noise, photons=12.0)),
        _imagecorruptions("shot_noise"),
        10.0,
    ),
    SpeedCase(
        "imagenet-c-impulse-noise",
        "ImageNet-C impulse noise 3",
        _step("impulse_noise", amount=0.09, per_channel=True),
        Formula(_C + "NumPy", _seeded(references.impulse_values, amount=0.09)),
        _imagecorruptions("impulse_noise"),
        10.0,
    ),
    SpeedCase(
        "imagenet-c-speckle-noise",
        "ImageNet-C speckle noise 3",
        _step("speckle_noise", sigma=0.35),
        Formula(_C + "NumPy", _legacy(references.speckle_noise, sigma=0.35)),
        _imagecorruptions("speckle_noise"),
        10.0,
    ),
    SpeedCase(
        "imagenet-c-gaussian-blur",
        "ImageNet-C Gaussian blur 3",
        _step("gaussian_blur", sigma_x=3.0, sigma_y=3.0, angle=0.0, kernel_size=0),
        Formula(_C + "SciPy", partial(references.gaussian_blur, sigma=3.0)),
        _imagecorruptions("gaussian_blur"),
        10.0,
    ),
    SpeedCase(
        "imagenet-c-defocus",
        "ImageNet-C defocus 3",
        _step("aliased_disk_blur", radius=6.0, alias=0.5),
        Formula(
            _C + "OpenCV", partial(references.defocus_blur, radius=6, alias=0.5, in_float=True)
        ),
        _imagecorruptions("defocus_blur"),
        10.0,
    ),
    SpeedCase(
        "imagenet-c-glass",
        "ImageNet-C glass blur 3",
        _step("glass_blur", sigma=1.0, distance=2, iterations=3, exact=True),
        Formula(
            _C + "SciPy and Numba",
            _seeded(references.glass_blur, sigma=1.0, distance=2, iterations=3),
        ),
        _imagecorruptions("glass_blur"),
        10.0,
    ),
    SpeedCase(
        "imagenet-c-motion",
        "ImageNet-C motion blur 3",
        _step("one_sided_motion_blur", radius=15, sigma=8.0, angle=-_MOTION_ANGLE),
        Formula(
            _C + "NumPy",
            partial(references.one_sided_motion_blur, radius=15, sigma=8.0, angle=_MOTION_ANGLE),
        ),
        _imagecorruptions("motion_blur"),
        10.0,
    ),
    SpeedCase(
        "imagenet-c-zoom",
        "ImageNet-C zoom blur 3",
        _step("zoom_blur", factor=1.21, step=0.02, exact=True),
        Formula(_C + "SciPy", partial(references.zoom_blur, factor=1.21, step=0.02)),
        _imagecorruptions("zoom_blur"),
        10.0,
    ),
    SpeedCase(
        "imagenet-c-jpeg",
        "ImageNet-C JPEG 3",
        _step("jpeg", quality=15, subsampling="420"),
        Formula("Pillow encode + decode", partial(references.jpeg_pillow, quality=15)),
        _imagecorruptions("jpeg_compression"),
    ),
    SpeedCase(
        "imagenet-c-pixelate",
        "ImageNet-C pixelate 3",
        _step("resize_blur", height=204, width=204, down="area", up="nearest"),
        Formula("Pillow box + nearest", partial(references.pixelate_pillow, factor=0.4)),
        _imagecorruptions("pixelate"),
    ),
)

CASES: tuple[SpeedCase, ...] = (*_SINGLE, *_IMAGENET_C)
"""Every operation's line, in the order of the table."""

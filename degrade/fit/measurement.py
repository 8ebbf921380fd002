"""Measure one photograph: everything that tells how it was degraded, as one flat record.

What came last is undone first. Pixelated and enlarged images are taken back to the pixels
they had before, and JPEG, noise and blur are measured there; lengths are then given in pixels
of the image as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from degrade.errors import ImageError
from degrade.fit.blur import BlurTrace, measure_blur
from degrade.fit.noise import NoiseTrace, measure_noise
from degrade.images import Image, decode_image

NO_JPEG = 101
"""Stands for the quality of images that show no JPEG: one better than the best."""

_SMALLEST = 16
_CLEARS = 95
"""Quality up to which JPEG takes fine noise of a few levels away."""


@dataclass(frozen=True, slots=True)
class ImageMeasurement:
    """What one image tells."""

    height: int  # pixels as it is
    width: int
    full: int  # longest side of the HQ it is judged against; at least its own
    block: int  # sides of its square pixels, 1 where it is not pixelated
    factor: float  # by how much it was enlarged, 1 where nothing tells
    filter: str  # how, one of `degrade.fit.interpolation.INTERPOLATIONS`; empty where it was not
    last: bool  # whether nothing came after the enlargement, so that it could be undone
    # Of JPEG, from the file's tables or from the pixels; `NO_JPEG` where nothing tells
    quality: int
    subsampling: str  # ``420``, ``422`` or ``444``; empty where nothing tells
    noise: NoiseTrace  # at the pixels it had before it was enlarged
    blur: BlurTrace  # likewise; times ``factor`` it is in pixels of the image as it is
    brightness: float  # mean and deviation of luma, levels
    contrast: float
    gradient: float  # mean absolute difference of neighbours in luma, levels
    colourfulness: float  # mean deviation of the channels from their mean, levels

    @property
    def divisor(self) -> float:
        """Return sides of HQ over sides of the pixels that the image really has."""
        return self.factor * self.full / max(self.height, self.width)

    @property
    def blur_sigma(self) -> float:
        """Return the blur in pixels of HQ."""
        # What was enlarged before its noise or JPEG is measured at its large pixels.
        return self.blur.sigma * self.divisor / (1.0 if self.last else self.factor)


def measure_file(data: bytes, name: str, *, full: int = 0) -> ImageMeasurement:
    """Return the measurement of an encoded file's bytes; see `measure_image`.

    Raises ImageError where it is no image, or one with a side below 16 pixels.
    """
    from degrade.fit.jpeg_tables import stored_quality

    stored = stored_quality(data)
    return measure_image(decode_image(data, name), name, full=full, stored_quality=stored)


def measure_image(
    image: Image,
    name: str = "the image",
    *,
    full: int = 0,
    stored_quality: float | None = None,
) -> ImageMeasurement:
    """Return the measurement of one image.

    Parameters
    ----------
    image
        uint8 (height, width, 3) RGB.
    name
        Used in messages.
    full
        Longest side of HQ; an image below it counts as shrunk.
    stored_quality
        Of the file it comes from; then no older compression is looked for.

    Raises
    ------
    ImageError
        A side is below 16 pixels.
    """
    height, width = image.shape[:2]
    if min(height, width) < _SMALLEST:
        raise ImageError(
            f"{name} is {height} × {width}: sides of 16 pixels or more can be measured"
        )
    block, before = _without_blocks(image)
    factor, name_of_filter, last, before = _without_enlargement(before)
    quality, subsampling = _compression(before, stored_quality)
    noise = measure_noise(before, compressed=quality <= _CLEARS)
    luma = image @ np.array([0.299, 0.587, 0.114])
    steps = np.abs(np.diff(luma, axis=0)).mean() + np.abs(np.diff(luma, axis=1)).mean()
    return ImageMeasurement(
        height=height,
        width=width,
        full=max(full, height, width),
        block=block,
        factor=factor,
        filter=name_of_filter,
        last=last,
        quality=quality,
        subsampling=subsampling,
        noise=noise,
        blur=measure_blur(before, noise.luma_variance),
        brightness=float(luma.mean()),
        contrast=float(luma.std()),
        gradient=float(steps) / 2.0,
        colourfulness=float(np.abs(image - luma[:, :, None]).mean()),
    )


def _without_blocks(image: Image) -> tuple[int, Image]:
    """Return the side of the square pixels, and the image with one pixel for each."""
    from degrade.fit.pixelation import find_pixelation

    trace = find_pixelation(image)
    if trace is None:
        return 1, image
    step = trace.factor
    small = np.ascontiguousarray(image[trace.top :: step, trace.left :: step])
    return step, small if min(small.shape[:2]) >= _SMALLEST else image


def _without_enlargement(image: Image) -> tuple[float, str, bool, Image]:
    """Return the factor, its filter, whether it came last, and the image before it."""
    from degrade.fit.old_size import find_old_size, shrink_back

    trace = find_old_size(image)
    if trace is None:
        return 1.0, "", False, image
    factor = trace.factor((image.shape[0], image.shape[1]))
    before = shrink_back(image, trace) if trace.exact else image
    return factor, trace.filter, trace.exact, before


def _compression(image: Image, stored: float | None) -> tuple[int, str]:
    """Return quality and subsampling of an image whose enlargement is undone."""
    from degrade.fit.jpeg_quality import find_jpeg_in_place

    if stored is not None:
        return min(100, max(1, round(stored))), ""
    trace = find_jpeg_in_place(image)
    if trace is None:
        return NO_JPEG, ""
    return trace.quality, trace.subsampling or ""

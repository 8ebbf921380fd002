"""What a plan says of an image, as blur and noise spectra; restores nothing.

The chain of steps is followed in order, so noise added before a blur is blurred in the model
too. Blur and additive noise are modelled as they are. JPEG counts as noise of its
quantisation; resizing and pixelation as a blur that loses all detail finer than their pixels.
Aliasing and colour steps are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from degrade.fit.blocks import BLOCK
from degrade.fit.jpeg_quality import luma_steps
from degrade.ops import Value
from degrade.ops.blur import point_spread as shapes
from degrade.ops.blur.kernel_form import gaussian_taps
from degrade.planner.plan import Plan, Step
from degrade.portable_math import cos_degrees, sin_degrees
from zoo.restorer import Image

__all__ = ["Spectra", "point_spread", "spectra", "widest_reach"]

Plane = NDArray[np.float64]
_Parameters = Mapping[str, Value]

_ROUNDING = 1 / 12
"""Variance of rounding the result to whole levels."""

_JPEG_SHARE = 0.25
"""Share of the quantisation's variance that counts as noise.

Most coefficients are smaller than half a step and round to zero with less error than q² / 12
says, and their error follows the picture. Measured on four photographs: a quarter keeps most of
the gain after blur and JPEG (0.2 to 1.6 dB at quality 30) and costs at most 0.3 dB after JPEG
alone, where the whole costs 1.2 dB."""


@dataclass(frozen=True, slots=True)
class Spectra:
    """A linear degradation in the frequency domain of one periodic image."""

    # ``(height, width // 2 + 1)`` complex: what the blurs do to each frequency
    transfer: NDArray[np.complex128]
    # The same shape, real: variance of the noise at each frequency, squared levels a pixel
    noise: Plane


def spectra(plan: Plan, face: Image, size: tuple[int, int]) -> Spectra:
    """Follow the plan's steps and return the blur and the noise that reached the face.

    Parameters
    ----------
    plan
        Steps whose target is ``hq`` are passed over: they did not degrade the image.
    face
        The degraded image, uint8 HWC RGB; shot and impulse noise depend on its levels.
    size
        ``(height, width)`` in pixels of the padded image whose frequencies are wanted.
    """
    vertical, horizontal = np.fft.fftfreq(size[0]), np.fft.rfftfreq(size[1])
    transfer = np.ones((len(vertical), len(horizontal)), np.complex128)
    noise: Plane = np.zeros(transfer.shape, np.float64)
    pixel = np.array(face.shape[:2]) / plan.size  # side of a pixel at this step, final pixels
    for step in plan.steps:
        if step.target == "hq":
            continue
        passed = _passed(step, vertical * pixel[0], horizontal * pixel[1], plan)
        if passed is not None:
            transfer *= passed
            noise *= np.abs(passed) ** 2
        if step.operation == "resize":
            pixel = np.array(face.shape[:2]) / _target_size(step)
        # Noise of larger pixels is as strong in fewer frequencies.
        axes = vertical * pixel[0], horizontal * pixel[1]
        grid = tuple(np.meshgrid(*axes, indexing="ij"))
        noise += _added(step, face, grid) * float(np.prod(np.maximum(pixel, 1.0)))
    return Spectra(transfer, noise + _ROUNDING)


def point_spread(operation: str, parameters: _Parameters) -> Plane | None:
    """Return the centred, normalised kernel of a blur step, odd sides; None for other steps.

    The kernels are those the degradation itself uses. Angles in a plan are degrees,
    counter-clockwise as seen, from the horizontal: 90 is along a column.
    """
    shape = _SHAPES.get(operation)
    return None if shape is None else shape(parameters)


def widest_reach(plan: Plan) -> int:
    """Return how many pixels the plan's blurs together reach to each side."""
    kernels = [point_spread(step.operation, step.parameters) for step in plan.steps]
    return sum(taps.shape[0] // 2 for taps in kernels if taps is not None)


def _gaussian(parameters: _Parameters) -> Plane:
    return gaussian_taps(
        float(parameters["sigma_x"]),
        float(parameters["sigma_y"]),
        float(parameters.get("angle", 0.0)),
        int(parameters.get("kernel_size", 0)),
    )


def _motion(parameters: _Parameters) -> Plane:
    length, angle = float(parameters["length"]), float(parameters["angle"])
    if length <= 0:
        return np.ones((1, 1))
    return shapes.motion_line(length, cos_degrees(angle), sin_degrees(angle))


def _defocus(parameters: _Parameters) -> Plane:
    radius = float(parameters["radius"])
    return shapes.disk(radius) if radius > 0.5 else np.ones((1, 1))


_SHAPES: Mapping[str, Callable[[_Parameters], Plane]] = {
    "gaussian_blur": _gaussian,
    "motion_blur": _motion,
    "defocus_blur": _defocus,
}


def _passed(
    step: Step, vertical: Plane, horizontal: Plane, plan: Plan
) -> NDArray[np.complex128] | Plane | None:
    """Return what a step lets through at frequencies in cycles a pixel of this step."""
    taps = point_spread(step.operation, step.parameters)
    if taps is not None:
        rows = np.exp(-2j * np.pi * np.outer(vertical, _centred(taps.shape[0])))
        columns = np.exp(-2j * np.pi * np.outer(horizontal, _centred(taps.shape[1])))
        return np.asarray(rows @ taps @ columns.T, np.complex128)
    if step.operation == "pixelate":
        shrunk = np.full(2, 1 / float(step.parameters["block"]))
    elif step.operation in ("resize", "resize_blur"):
        shrunk = _target_size(step) / _size_before(step, plan)
    else:
        return None
    # Seen from the larger pixels: those of before when enlarging, those of after otherwise.
    larger = np.minimum(shrunk, 1.0)
    boxes = _boxes(step, enlarged=bool(shrunk.max() >= 1))
    return np.outer(
        _resampled(vertical / larger[0], boxes), _resampled(horizontal / larger[1], boxes)
    )


def _boxes(step: Step, *, enlarged: bool) -> int:
    """Return how many boxes of one larger pixel, convolved, a resampling step amounts to.

    The area filter is one box. Linear interpolation between larger pixels is a triangle: two.
    Pixelation is the mean over one, held for one. The sharper filters are none; so is
    shrinking without antialias, which picks points between the smaller pixels.
    """
    if step.operation == "pixelate":
        return 2
    if step.operation == "resize" and not enlarged and not step.parameters["antialias"]:
        return 0
    used = [step.parameters.get(name) for name in ("filter", "down", "up")]
    return 2 * used.count("linear") + used.count("area")


def _resampled(frequency: Plane, boxes: int) -> Plane:
    """Return what passes at frequencies in cycles a larger pixel: nothing from a half on."""
    return np.where(np.abs(frequency) <= 0.5, np.sinc(frequency) ** boxes, 0.0)


def _added(step: Step, face: Image, grid: tuple[Plane, ...]) -> Plane | float:
    """Return the variance a step adds, squared levels, at frequencies in its own pixels."""
    parameters = step.parameters
    if step.operation == "gaussian_noise":
        return float(parameters["sigma"]) ** 2
    if step.operation == "shot_noise":
        # Photons of a pixel at level v: v / 255 * photons, with a variance equal to that mean.
        return float(face.mean()) * 255 / float(parameters["photons"])
    if step.operation == "impulse_noise":
        level = face.astype(np.float64)
        return float(parameters["amount"]) * float(np.mean(level**2 + (255 - level) ** 2)) / 2
    if step.operation == "jpeg":
        # A cosine of index k in a block of 8 has k / 16 cycles a pixel; rounding to steps of
        # q has variance q² / 12.
        variance = _JPEG_SHARE * luma_steps(int(parameters["quality"])) ** 2 / 12
        coordinates = [np.abs(axis) * 2 * BLOCK for axis in grid]
        return np.asarray(
            map_coordinates(variance, coordinates, order=1, mode="nearest"), np.float64
        )
    return 0.0


def _centred(length: int) -> Plane:
    return np.arange(length, dtype=np.float64) - length // 2


def _target_size(step: Step) -> NDArray[np.int64]:
    return np.array([int(step.parameters["height"]), int(step.parameters["width"])])


def _size_before(step: Step, plan: Plan) -> NDArray[np.int64]:
    """Return the size that reaches ``step``: that of the last permanent resize before it."""
    size = np.array(plan.size)
    for earlier in plan.steps:
        if earlier is step:
            break
        if earlier.operation == "resize" and earlier.target != "hq":
            size = _target_size(earlier)
    return size

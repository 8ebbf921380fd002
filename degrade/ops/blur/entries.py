"""The table's blurs and the sharpening; importing it imports none of their code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from degrade.ops.blur.camera_paths import glass_offsets, one_sided_offsets, shake_offsets
from degrade.ops.operation import Boolean, Integer, Ladder, Number, Operation

_SIGMA = Number(0, 100, "px")
_ANGLE = Number(-360, 360, "degrees")
_TURNED = {"sigma_x": _SIGMA, "sigma_y": _SIGMA, "angle": Number(-360, 360, "degrees", 0.0)}
_KERNEL = Integer(1, 101, "px", 21)
_WINDOW = Integer(1, 99, "px")
_MOVED = Number(-4000, 4000, "px", 0.0)


def _gaussian_caption(parameters: Mapping[str, Any]) -> str:
    x, y, angle = (parameters[name] for name in ("sigma_x", "sigma_y", "angle"))
    return (
        f"Gaussian blur {x:.1f}" if x == y else f"Gaussian blur {x:.1f} x {y:.1f}, {angle:.0f} deg"
    )


BLUR = (
    Operation(
        "glass_blur",
        1,
        "shuffles near pixels between two Gaussian blurs",
        "degrade.ops.blur.glass:glass_blur",
        {
            "sigma": Number(0, 50, "px"),
            "distance": Integer(1, 100, "px"),
            "iterations": Integer(1, 20, "rounds"),
            "exact": Boolean(False),
            "moved_down": _MOVED,
            "moved_right": _MOVED,
        },
        noisy=True,
        moves=True,
        family="blur",
        ladder=Ladder("distance", 1, 8, {"sigma": 0.7, "iterations": 2}, even=True),
        caption="glass {sigma:.1f}, {iterations} x {distance} px",
        derived=glass_offsets,
    ),
    Operation(
        "gaussian_blur",
        1,
        "blurs with a Gaussian, round or stretched and turned",
        "degrade.ops.blur.blur:gaussian_blur",
        {**_TURNED, "kernel_size": Integer(0, 1001, "px, 0 for as wide as needed", 0)},
        {"sigma": _SIGMA},
        family="blur",
        ladder=Ladder("sigma", 0.5, 15),
        caption=_gaussian_caption,
    ),
    Operation(
        "motion_blur",
        1,
        "blurs along a straight, centred line",
        "degrade.ops.blur.blur:motion_blur",
        {"length": Number(0, 1000, "px"), "angle": _ANGLE},
        family="blur",
        ladder=Ladder("length", 3, 41, {"angle": 30.0}),
        caption="motion {length:.1f} px at {angle:.0f} deg",
    ),
    Operation(
        "defocus_blur",
        1,
        "blurs with an antialiased disk",
        "degrade.ops.blur.blur:defocus_blur",
        {"radius": Number(0, 200, "px")},
        family="blur",
        ladder=Ladder("radius", 1, 10),
        caption="defocus radius {radius:.1f}",
    ),
    Operation(
        "generalised_gaussian_blur",
        1,
        "blurs with a Gaussian of sharper or flatter shape (BasicSR)",
        "degrade.ops.blur.filter_blur:generalised_gaussian_blur",
        {**_TURNED, "beta": Number(0.1, 10, "exponent"), "kernel_size": _KERNEL},
        {"sigma": _SIGMA},
        family="blur",
        ladder=Ladder("sigma", 0.5, 10, {"beta": 0.5, "kernel_size": 41}),
        caption="generalised Gaussian {sigma_x:.1f} x {sigma_y:.1f}",
    ),
    Operation(
        "plateau_blur",
        1,
        "blurs with a flat-topped kernel (BasicSR)",
        "degrade.ops.blur.filter_blur:plateau_blur",
        {**_TURNED, "beta": Number(0.1, 10, "exponent"), "kernel_size": _KERNEL},
        {"sigma": _SIGMA},
        family="blur",
        ladder=Ladder("sigma", 0.5, 10, {"beta": 2.0, "kernel_size": 41}),
        caption="plateau {sigma_x:.1f} x {sigma_y:.1f}",
    ),
    Operation(
        "sinc_blur",
        1,
        "cuts off high frequencies and leaves rings",
        "degrade.ops.blur.filter_blur:sinc_blur",
        {"cutoff": Number(0.05, 4.5, "radians a pixel"), "kernel_size": _KERNEL},
        family="blur",
        ladder=Ladder("cutoff", 3.14, 0.4),
        caption="low-pass at {cutoff:.2f} rad/px",
    ),
    Operation(
        "median_blur",
        1,
        "takes the median of a window",
        "degrade.ops.blur.filter_blur:median_blur",
        {"size": _WINDOW},
        family="blur",
        ladder=Ladder("size", 3, 15, even=True),
        caption="median of {size}",
    ),
    Operation(
        "average_blur",
        1,
        "takes the mean of a window",
        "degrade.ops.blur.filter_blur:average_blur",
        {"size": _WINDOW},
        family="blur",
        ladder=Ladder("size", 3, 15, even=True),
        caption="average of {size}",
    ),
    Operation(
        "zoom_blur",
        1,
        "takes the mean of ever larger copies (ImageNet-C)",
        "degrade.ops.blur.lens:zoom_blur",
        {
            "factor": Number(1, 3, "times"),
            "step": Number(0.001, 1, "times"),
            "exact": Boolean(False),
        },
        family="blur",
        ladder=Ladder("factor", 1.02, 1.31, {"step": 0.01}, even=True),
        caption="zoom to x{factor:.2f}",
    ),
    Operation(
        "shake_blur",
        1,
        "blurs along the crooked path of a hand, moved back into place",
        "degrade.ops.blur.camera_motion:shake_blur",
        {
            "length": Number(0, 1000, "px"),
            "angle": _ANGLE,
            "bend": Number(0, 3600, "degrees", 90.0),
            "path": Integer(0, 2**32 - 1, "number of the walk"),
            "removed_down": _MOVED,
            "removed_right": _MOVED,
        },
        family="blur",
        ladder=Ladder("length", 3, 41, {"angle": 30.0, "path": 1}),
        caption="camera shake {length:.1f} px",
        derived=shake_offsets,
    ),
    Operation(
        "one_sided_motion_blur",
        1,
        "blurs along half a Gaussian, off centre (ImageNet-C)",
        "degrade.ops.blur.camera_motion:one_sided_motion_blur",
        {
            "radius": Integer(0, 250, "px"),
            "sigma": Number(0.05, 250, "px"),
            "angle": _ANGLE,
            "moved_down": _MOVED,
            "moved_right": _MOVED,
        },
        moves=True,
        family="blur",
        ladder=Ladder("sigma", 1, 15, {"radius": 20, "angle": 30.0}),
        caption="one-sided motion {sigma:.1f} at {angle:.0f} deg",
        derived=one_sided_offsets,
    ),
    Operation(
        "aliased_disk_blur",
        1,
        "blurs with a disk of whole pixels, smoothed a little (ImageNet-C)",
        "degrade.ops.blur.lens:aliased_disk_blur",
        {"radius": Number(0, 100, "px"), "alias": Number(0.01, 10, "px")},
        family="blur",
        ladder=Ladder("radius", 1, 10, {"alias": 0.5}),
        caption="whole-pixel disk {radius:.1f}",
    ),
    Operation(
        "chromatic_aberration",
        1,
        "magnifies red and blue about the centre",
        "degrade.ops.blur.lens:chromatic_aberration",
        {"red": Number(0.9, 1.1, "times"), "blue": Number(0.9, 1.1, "times")},
        family="colour",
        ladder=Ladder("red", 1.001, 1.03, {"blue": 1.0}, even=True),
        caption="red x{red:.4f} blue x{blue:.4f}",
    ),
    Operation(
        "unsharp_mask",
        1,
        "sharpens where there is something to sharpen (BasicSR)",
        "degrade.ops.blur.sharpen:unsharp_mask",
        {
            "radius": Integer(1, 201, "px of kernel width", 50),
            "amount": Number(0, 10, "times", 0.5),
            "threshold": Number(0, 255, "levels", 10.0),
        },
        ladder=Ladder("amount", 0.25, 4, {"threshold": 0.0}),
        caption="sharpened x{amount:.1f}",
    ),
)
"""Operations that blur or sharpen."""

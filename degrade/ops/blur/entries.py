"""The table's blurs and the sharpening; importing it imports none of their code."""

from __future__ import annotations

from degrade.ops.operation import Boolean, Integer, Number, Operation

__all__ = ["BLUR"]

_SIGMA = Number(0, 100, "px")
_ANGLE = Number(-360, 360, "degrees")
_TURNED = {"sigma_x": _SIGMA, "sigma_y": _SIGMA, "angle": Number(-360, 360, "degrees", 0.0)}
_KERNEL = Integer(1, 101, "px", 21)
_WINDOW = Integer(1, 99, "px")
_MOVED = Number(-4000, 4000, "px", 0.0)

BLUR = (
    Operation(
        "gaussian_blur",
        1,
        "blurs with a Gaussian, round or stretched and turned",
        "degrade.ops.blur.blur:gaussian_blur",
        {**_TURNED, "kernel_size": Integer(0, 1001, "px, 0 for as wide as needed", 0)},
        {"sigma": _SIGMA},
    ),
    Operation(
        "motion_blur",
        1,
        "blurs along a straight, centred line",
        "degrade.ops.blur.blur:motion_blur",
        {"length": Number(0, 1000, "px"), "angle": _ANGLE},
    ),
    Operation(
        "defocus_blur",
        1,
        "blurs with an antialiased disk",
        "degrade.ops.blur.blur:defocus_blur",
        {"radius": Number(0, 200, "px")},
    ),
    Operation(
        "generalised_gaussian_blur",
        1,
        "blurs with a Gaussian of sharper or flatter shape (BasicSR)",
        "degrade.ops.blur.filter_blur:generalised_gaussian_blur",
        {**_TURNED, "beta": Number(0.1, 10, "exponent"), "kernel_size": _KERNEL},
        {"sigma": _SIGMA},
    ),
    Operation(
        "plateau_blur",
        1,
        "blurs with a flat-topped kernel (BasicSR)",
        "degrade.ops.blur.filter_blur:plateau_blur",
        {**_TURNED, "beta": Number(0.1, 10, "exponent"), "kernel_size": _KERNEL},
        {"sigma": _SIGMA},
    ),
    Operation(
        "sinc_blur",
        1,
        "cuts off high frequencies and leaves rings",
        "degrade.ops.blur.filter_blur:sinc_blur",
        {"cutoff": Number(0.05, 4.5, "radians a pixel"), "kernel_size": _KERNEL},
    ),
    Operation(
        "median_blur",
        1,
        "takes the median of a window",
        "degrade.ops.blur.filter_blur:median_blur",
        {"size": _WINDOW},
    ),
    Operation(
        "average_blur",
        1,
        "takes the mean of a window",
        "degrade.ops.blur.filter_blur:average_blur",
        {"size": _WINDOW},
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
    ),
    Operation(
        "aliased_disk_blur",
        1,
        "blurs with a disk of whole pixels, smoothed a little (ImageNet-C)",
        "degrade.ops.blur.lens:aliased_disk_blur",
        {"radius": Number(0, 100, "px"), "alias": Number(0.01, 10, "px")},
    ),
    Operation(
        "chromatic_aberration",
        1,
        "magnifies red and blue about the centre",
        "degrade.ops.blur.lens:chromatic_aberration",
        {"red": Number(0.9, 1.1, "times"), "blue": Number(0.9, 1.1, "times")},
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
    ),
)
"""Operations that blur or sharpen without random numbers."""

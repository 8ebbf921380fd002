"""Carry out a plan: apply(plan, image). Nothing is drawn here but the noise of pixels.

Between steps the image is planes: float32 (3, height, width), levels 0-255, neither rounded
nor packed. It is rounded once at the end (halves to even), and inside the steps whose nature
it is (JPEG, shot noise).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from degrade.errors import ImageError
from degrade.images import Image
from degrade.ops import OPERATIONS
from degrade.ops.kernels.memory import PLANES
from degrade.planner.plan import Plan, Step
from degrade.random import PIXELS, StreamKey, image_id_bits

Planes = NDArray[np.float32]


def apply(plan: Plan, hq: Image) -> Image:
    """Return the low-quality half of the pair that ``plan`` makes of ``hq``.

    Parameters
    ----------
    plan
        From `degrade.plan`.
    hq
        uint8 (height, width, 3) RGB, of the size the plan was drawn for.

    Raises
    ------
    ImageError
        The image is not what the plan was drawn for.
    """
    _check(plan, hq)
    return _half(plan, hq, "lq")


def apply_pair(plan: Plan, source: Image) -> tuple[Image, Image]:
    """Return ``(hq, lq)``: recipes may also change the truth (grey it, flip it, crop it)."""
    _check(plan, source)
    hq = _half(plan, source, "hq")
    lq = _half(plan, source, "lq")
    return hq, lq


def _check(plan: Plan, source: Image) -> None:
    if source.dtype != np.uint8 or source.ndim != 3 or source.shape[2] != 3:
        raise ImageError(
            f"{plan.image_id}: expected uint8 (height, width, 3), got {source.dtype} {source.shape}"
        )
    if source.shape[:2] != plan.size:
        raise ImageError(
            f"{plan.image_id} is {source.shape[0]} × {source.shape[1]} but its plan was drawn "
            f"for {plan.size[0]} × {plan.size[1]}: plan it again with its own size"
        )


def carry_out(plan: Plan, image: Image, steps: Sequence[Step]) -> Image:
    """Return the image after some of a plan's steps, of any size; nothing is checked.

    ``image`` is uint8 (height, width, 3), what the steps before these leave.
    """
    if not steps:
        return image
    from degrade.ops.kernels.compile import announce_compilation
    from degrade.ops.kernels.planes import from_planes

    with announce_compilation():
        planes = planes_after(plan, planes_of(image), steps)
        result = from_planes(planes)
    PLANES.give(planes)
    return result


def planes_of(image: Image) -> Planes:
    """Return the planes of an image: float32 (3, height, width), to give back to `PLANES`."""
    from degrade.ops.kernels.planes import to_planes

    planes = PLANES.take((3, image.shape[0], image.shape[1]))
    return to_planes(np.ascontiguousarray(image), planes)


def planes_after(plan: Plan, planes: Planes, steps: Sequence[Step]) -> Planes:
    """Return the planes after some of a plan's steps; those given are used up."""
    key = StreamKey(plan.seed, image_id_bits(plan.image_id), plan.variant)
    remaining = list(steps)
    while remaining:
        result = _fused_pair(remaining, planes)
        if result is None:
            result = _step(remaining.pop(0), planes, key)
        if not np.may_share_memory(result, planes):
            PLANES.give(planes)
        planes = result
    return planes


def _half(plan: Plan, source: Image, half: str) -> Image:
    return carry_out(plan, source, steps_of(plan, half))


def steps_of(plan: Plan, half: str) -> tuple[Step, ...]:
    """Return the steps that change one half of the pair, ``lq`` or ``hq``, in order."""
    return tuple(step for step in plan.steps if step.target in (half, "both"))


def _step(step: Step, planes: Planes, key: StreamKey) -> Planes:
    stream = np.array(key.words(step.slot, PIXELS), np.uint32)
    result: Planes = OPERATIONS[step.operation].load()(planes, stream, **step.parameters)
    return result


def _fused_pair(remaining: list[Step], planes: Planes) -> Planes | None:
    """Do the next two steps in one pass, and take them off the list, where that is possible."""
    if [step.operation for step in remaining[:2]] != ["gaussian_blur", "resize"]:
        return None
    from degrade.ops.blur.blur_then_shrink import blur_then_shrink

    result = blur_then_shrink(planes, remaining[0].parameters, remaining[1].parameters)
    if result is not None:
        del remaining[:2]
    return result

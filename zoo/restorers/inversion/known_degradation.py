"""A known degradation that gradients pass through: a plan's steps on tensors.

Blur, resizing and pixelation are linear and done as they are. What else changes pixels is done by
the degradation itself, and gradients pass it as if it did nothing (the straight-through estimator:
Bengio et al. 2013, arXiv 1308.3432, section 4): JPEG first of all. Noise is left out, its mean
is 0 but for clipping; so are steps that change the truth too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from degrade.ops import OPERATIONS, Value
from degrade.ops.size.resize import FILTERS, resample_table
from degrade.planner.plan import Plan, Step
from degrade.random import PIXELS, StreamKey, image_id_bits
from zoo.restorers.spectra import point_spread

__all__ = ["KnownDegradation"]

_Parameters = Mapping[str, Value]


class KnownDegradation:
    """What a plan does to faces, without its noise and without rounding.

    Parameters
    ----------
    plan
        Steps whose target is not ``lq`` are passed over.
    size
        ``(height, width)`` of the degraded face as the restorer is given it; where the steps end
        at another size they are followed by a bicubic resize, as `bench` does.
    """

    def __init__(self, plan: Plan, size: tuple[int, int]) -> None:
        self._plan, self._size = plan, size
        self._steps = [
            step
            for step in plan.steps
            if step.target == "lq" and not OPERATIONS[step.operation].noisy
        ]

    def __call__(self, faces: Tensor) -> Tensor:
        """Return ``(n, 3, height, width)`` RGB about [0, 1] degraded, clipped at [0, 1]."""
        levels = faces.clamp(0, 1) * 255
        for step in self._steps:
            change = _CHANGES.get(step.operation)
            taps = point_spread(step.operation, step.parameters)
            if taps is not None:
                levels = _correlated(levels, taps)
            elif change is not None:
                levels = change(levels, step.parameters)
            else:
                levels = self._passed_straight(levels, step)
        if tuple(levels.shape[2:]) != self._size:
            # OpenCV's bicubic has the same coefficient, -0.75.
            levels = functional.interpolate(levels, self._size, mode="bicubic")
        return levels.clamp(0, 255) / 255

    def _passed_straight(self, levels: Tensor, step: Step) -> Tensor:
        """Return what the step itself gives, with the gradient of doing nothing."""
        plan = self._plan
        key = StreamKey(plan.seed, image_id_bits(plan.image_id), plan.variant)
        stream = np.array(key.words(step.slot, PIXELS), np.uint32)
        load = OPERATIONS[step.operation].load()
        before = levels.detach().contiguous().numpy()
        after = np.stack([load(face.copy(), stream, **step.parameters) for face in before])
        if after.shape != before.shape:
            return torch.from_numpy(after)  # another size: no gradient passes
        return levels + (torch.from_numpy(after) - levels).detach()


def _correlated(levels: Tensor, taps: NDArray[np.float64]) -> Tensor:
    """Correlate every channel; borders are mirrored without repeating the edge."""
    down, across = (length // 2 for length in taps.shape)
    rows = _mirrored(levels.shape[2], down)
    columns = _mirrored(levels.shape[3], across)
    framed = levels[:, :, rows][:, :, :, columns]
    kernel = torch.from_numpy(taps).to(levels.dtype).expand(levels.shape[1], 1, *taps.shape)
    return functional.conv2d(framed, kernel, groups=levels.shape[1])


def _mirrored(size: int, reach: int) -> Tensor:
    return torch.from_numpy(np.pad(np.arange(size), reach, mode="reflect"))


def _resized(levels: Tensor, parameters: _Parameters) -> Tensor:
    return _resampled(
        levels,
        (int(parameters["height"]), int(parameters["width"])),
        str(parameters["filter"]),
        bool(parameters["antialias"]),
    )


def _resized_back(levels: Tensor, parameters: _Parameters) -> Tensor:
    small = int(parameters["height"]), int(parameters["width"])
    shrunk = _resampled(levels, small, str(parameters["down"]), antialias=True)
    height, width = levels.shape[2:]
    return _resampled(shrunk, (height, width), str(parameters["up"]), antialias=False)


def _resampled(levels: Tensor, size: tuple[int, int], filter: str, antialias: bool) -> Tensor:
    before = tuple(levels.shape[2:])
    if before == size:
        return levels
    rows, columns = (
        _table(FILTERS.index(filter), old, new, antialias)
        for old, new in zip(before, size, strict=True)
    )
    resized = rows @ levels @ columns.T
    return resized.clamp(0, 255) if filter in ("cubic", "lanczos3") else resized


def _table(code: int, size_in: int, size_out: int, antialias: bool) -> Tensor:
    """Return the matrix ``(size_out, size_in)`` of resizing along one axis."""
    indices, weights = resample_table(code, size_in, size_out, antialias)
    matrix = np.zeros((size_out, size_in), np.float32)
    np.add.at(matrix, (np.arange(size_out)[:, None], indices), weights)
    return torch.from_numpy(matrix)


def _pixelated(levels: Tensor, parameters: _Parameters) -> Tensor:
    block = int(parameters["block"])
    rows, columns = (_block_means(side, block) for side in levels.shape[2:])
    return rows @ levels @ columns.T


def _block_means(size: int, block: int) -> Tensor:
    """Return the matrix ``(size, size)`` that sets runs of ``block`` values to their means."""
    of = torch.arange(size) // block
    same = (of[:, None] == of[None]).float()
    return same / same.sum(dim=1, keepdim=True)


_CHANGES: Mapping[str, Callable[[Tensor, _Parameters], Tensor]] = {
    "resize": _resized,
    "resize_blur": _resized_back,
    "pixelate": _pixelated,
}

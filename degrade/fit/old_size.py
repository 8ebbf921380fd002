"""Find the size that an image had before it was enlarged, also through later noise or JPEG.

Interpolation makes the strength of second differences repeat with the old pixels (A. C.
Gallagher, "Detection of linear and cubic interpolation in JPEG compressed images", CRV 2005,
section 3); the strongest repetitions name a few old sizes, and least squares judges them: a true
one fits far better than the sizes beside it (`degrade.fit.interpolation`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from degrade.fit.blocks import BLOCK, block_grid, second_differences
from degrade.fit.interpolation import INTERPOLATIONS, misfit, shorten
from degrade.images import Image

Samples = NDArray[np.float64]

_LUMA = np.array([0.299, 0.587, 0.114])
_SMALLEST, _LARGEST, _MOST = 8, 0.85, 9.0
"""Old sides tried: from so many pixels or a ninth of the side, up to a share of it."""

_REPETITIONS = 16
_BAND = 0.025
"""Around half the side every second difference is nearly as strong as the next, so all of these
sizes are tried: the half, plus and minus this share of the side."""

_LINES, _ROUGHLY = 40, 16
"""Lines of the image that judge a size, evenly spread, and those that pick whom to judge."""

_JUDGED = 3
_RELATIVES = (0.5, 2.0, 8 / 7)
"""Sizes that a wrong one is mistaken for: its double, and 7/8 of it where it was a JPEG."""

_EXACT = 0.25
"""Squared levels. Rounding three channels leaves 1/12 · (.299² + .587² + .114²) = .037 in luma,
saturated levels a little more; measured on 160 enlarged faces: at most .16."""
_EXACT_ON_GRID = 0.1
"""Less where a JPEG's blocks may be what fits."""

_HALF_SIDE = 1.0
"""Half the side fits that much better (logarithm) than its neighbours in any smooth image, as
no old pixel then coincides with a new one; measured on 40 blurred faces: .65 to 1.03."""

_CERTAIN = 1.2
"""Depth (see `OldSize`) that none of 1 200 images of faces reached, clean, blurred,
noisy or JPEG; 3 of them passed by the next rule."""
_ALONE, _LEAST, _FEW = 3.0, 0.4, 48
"""Or so many times as deep as the next size, at least so deep and not from fewer pixels: noise
added since flattens all sizes alike, and few pixels fit well by chance."""


@dataclass(frozen=True, slots=True)
class OldSize:
    """The pixels that an image had before it was enlarged."""

    height: int  # pixels before
    width: int
    filter: str  # one of `degrade.fit.interpolation.INTERPOLATIONS`
    misfit: float  # variance in squared levels of luma that no image of that size explains
    # Natural logarithm of how much better the size fits than those beside it, twice that of the
    # side where it does less; above 0
    depth: float

    @property
    def exact(self) -> bool:
        """Whether nothing but rounding came after the enlargement."""
        return self.misfit <= _EXACT

    def factor(self, size: tuple[int, int]) -> float:
        """Return sides after over sides before, for an image of ``(height, width)`` now."""
        return math.sqrt(size[0] / self.height * size[1] / self.width)


def find_old_size(image: Image) -> OldSize | None:
    """Return the size before the last enlargement, or None where nothing tells.

    Parameters
    ----------
    image
        uint8 (height, width, 3) RGB as it was enlarged: a crop gives None, as do sides below
        32 pixels.
    """
    if min(image.shape[:2]) < 32:
        return None
    luma = image @ _LUMA
    luma -= luma.mean()
    saturated = np.any((image == 0) | (image == 255), axis=2)
    rows, columns = _lines(luma.T, saturated.T), _lines(luma, saturated)
    judge = _SizeJudge(rows, columns)
    sizes = [judge.size(width) for width in _deepest(luma, rows)]
    if not sizes:
        return None
    width = max(sizes, key=lambda size: size.depth).width
    near = {round(width * ratio) + step for ratio in _RELATIVES for step in (-1, 0, 1)}
    sizes += [judge.size(n) for n in sorted(near - {width}) if n in _sizes(luma.shape[1])]
    if block_grid(luma).certain:
        sizes = [old for old in sizes if old.misfit <= _EXACT_ON_GRID or not _of_grid(old, luma)]
    return _certain(sorted(sizes, key=lambda size: -size.depth))


def _certain(sizes: list[OldSize]) -> OldSize | None:
    """Return the first of the old sizes, deepest first, if it is beyond chance."""
    if not sizes:
        return None
    best = sizes[0]
    others = [size.depth for size in sizes if abs(size.width - best.width) > 1]
    alone = max(_LEAST, _ALONE * max(others, default=0.0)) if best.width >= _FEW else _CERTAIN
    return best if best.depth > min(_CERTAIN, alone) else None


def _deepest(luma: Samples, rows: Samples) -> list[int]:
    """Return the few old widths that fit best beside their neighbours along the rows."""
    fewer = np.ascontiguousarray(rows[:, :: max(1, rows.shape[1] // _ROUGHLY)])
    fits = [_Fits(fewer, name) for name in ("linear", "cubic")]
    side = luma.shape[1]
    depth = {n: max(fit.depth(n) for fit in fits) for n in _suggested(luma)}
    chosen: list[int] = []
    left = {False: _JUDGED, True: _JUDGED}
    for n in sorted(depth, key=lambda n: -depth[n]):
        kind = _near_multiple(n, side)
        if left[kind] and all(abs(n - other) > 1 for other in chosen):
            left[kind] -= 1
            chosen.append(n)
    return chosen


def _suggested(luma: Samples) -> list[int]:
    """Return the old widths that the repetition of second differences suggests."""
    height, width = luma.shape
    across, down = _repetition(luma), _repetition(luma.T)
    sizes = np.array(_sizes(width))
    heights = np.rint(sizes * (height / width)).astype(np.int64) + np.array([[-1], [0], [1]])
    # A repetition faster than every second pixel is seen as its mirror image.
    strength = across[np.minimum(sizes, width - sizes)]
    strength += down[np.clip(np.minimum(heights, height - heights), 0, height // 2)].max(axis=0)
    strongest = sizes[np.argsort(-strength, kind="stable")[:_REPETITIONS]]
    half = sizes[np.abs(sizes - width / 2) <= _BAND * width]
    # Repetitions of whole eighths are those of a JPEG's blocks too, and not counted.
    eighths = {k * width // BLOCK for k in range(1, BLOCK)} & set(_sizes(width))
    return sorted({*strongest.tolist(), *half.tolist(), *eighths})


def _sizes(side: int) -> range:
    return range(max(_SMALLEST, math.ceil(side / _MOST)), int(_LARGEST * side) + 1)


def _repetition(luma: Samples) -> Samples:
    """Return how strongly second differences along rows repeat k times a row, k = 0, 1, ..."""
    strength = second_differences(luma)
    phase = np.arange(strength.size) % BLOCK
    strength -= (np.bincount(phase, strength) / np.bincount(phase))[phase]  # the grid of a JPEG
    spectrum = np.abs(np.fft.rfft(strength * np.hanning(strength.size), luma.shape[1]))
    return np.asarray(spectrum / max(float(np.median(spectrum)), 1e-9))


class _Fits:
    """How well lines (N, count) fit as enlargements by one filter, each size worked out once."""

    def __init__(self, lines: Samples, name: str) -> None:
        self.lines, self.name = lines, name
        self._known: dict[int, float] = {}

    def misfit(self, small: int) -> float:
        """Return the variance that no line of ``small`` samples explains."""
        if small not in self._known:
            self._known[small] = misfit(self.lines, small, self.name)
        return self._known[small]

    def depth(self, small: int) -> float:
        """Return the logarithm of how much better a size fits than the four beside it."""
        side = self.lines.shape[0]
        beside = [n for n in (small - 2, small - 1, small + 1, small + 2) if n < side]
        around = np.mean([np.log(self.misfit(n) + 1e-6) for n in beside])
        usual = _HALF_SIDE if abs(2 * small - side) <= 2 else 0.0
        return float(around - np.log(self.misfit(small) + 1e-6)) - usual


class _SizeJudge:
    """Judges old widths of one image by both directions and every filter."""

    def __init__(self, rows: Samples, columns: Samples) -> None:
        self._shape = len(columns), len(rows)
        self._across = {name: _Fits(rows, name) for name in INTERPOLATIONS}
        self._down = {name: _Fits(columns, name) for name in INTERPOLATIONS}

    def size(self, width: int) -> OldSize:
        """Return the old size of that width: the best filter, and the height of equal factor."""
        name = min(INTERPOLATIONS, key=lambda name: self._across[name].misfit(width))
        across, down = self._across[name], self._down[name]
        height = max(_SMALLEST, round(width * self._shape[0] / self._shape[1]))
        height = max((height, height - 1, height + 1), key=down.depth)
        left = max(across.misfit(width), down.misfit(height))
        return OldSize(
            height, width, name, left, 2.0 * min(across.depth(width), down.depth(height))
        )


def _lines(lines: Samples, saturated: NDArray[np.bool_]) -> Samples:
    """Return some of the lines (N, ...), evenly spread, unsaturated where there are enough."""
    whole = np.flatnonzero(~saturated.any(axis=0))
    chosen = whole if len(whole) >= _LINES else np.arange(lines.shape[1])
    return np.ascontiguousarray(lines[:, chosen[:: max(1, len(chosen) // _LINES)]])


def _of_grid(old: OldSize, luma: Samples) -> bool:
    return _near_multiple(old.width, luma.shape[1]) or _near_multiple(old.height, luma.shape[0])


def _near_multiple(small: int, side: int) -> bool:
    """Whether 8 × 8 blocks look like that old size: a multiple of an eighth of the side."""
    multiple = small * BLOCK / side
    slack = 2.5 if multiple > BLOCK / 2 else 0.6
    return abs(multiple - round(multiple)) * side / BLOCK <= slack


def shrink_back(image: Image, old: OldSize) -> Image:
    """Return the image before it was enlarged, rounded: uint8 (old.height, old.width, 3).

    Least squares: exact where nothing but rounding came after the enlargement.
    """
    height, width = image.shape[:2]
    rows = shorten(image.astype(np.float64).reshape(height, -1), old.height, old.filter)
    columns = rows.reshape(old.height, width, 3).transpose(1, 0, 2).reshape(width, -1)
    small = shorten(columns, old.width, old.filter).reshape(old.width, old.height, 3)
    return np.ascontiguousarray(np.clip(np.rint(small.transpose(1, 0, 2)), 0, 255).astype(np.uint8))

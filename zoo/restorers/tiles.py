"""Work on a photo tile by tile in bounded memory, with edges that fade into each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zoo.restorer import Image

__all__ = ["Progress", "Tiling", "in_tiles"]

Progress = Callable[[int, int], None]
"""Called with the tiles done and the tiles in all, from the calling thread."""

_GRID = 16
"""Tiles begin at multiples of this, so that the blocks of JPEG (also of halved chroma) and of the
denoiser lie in every tile as they do in the photo."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a photo is cut."""

    side: int = 1024  # pixels of a tile without what it shares, at most; a multiple of 16
    # Pixels that a tile sees beyond that on every side; a multiple of 16. Mirrored where the photo
    # ends.
    margin: int = 64
    # Pixels over which one tile fades into the next, half of them in each; at most twice the
    # margin, and less than half a side
    feather: int = 32
    threads: int = 1  # tiles worked on at a time; the result is the same for any number

    def __post_init__(self) -> None:
        whole = self.side % _GRID == 0 and self.margin % _GRID == 0
        if not whole or self.side <= 0 or self.margin < 0 or self.threads < 1:
            raise ValueError(f"sides and margins are multiples of {_GRID}, threads 1 or more")
        if not 0 <= self.feather <= min(2 * self.margin, self.side // 2):
            raise ValueError("a feather lies within the margins and within half a tile")


@dataclass(frozen=True, slots=True)
class _Span:
    """One tile along one axis: its core is ``start`` to ``stop`` of ``whole`` pixels."""

    start: int
    stop: int
    whole: int

    def times(self, scale: int) -> _Span:
        """Return the same tile of the photo enlarged."""
        return _Span(self.start * scale, self.stop * scale, self.whole * scale)

    def with_margin(self, margin: int) -> NDArray[np.int64]:
        """Return the photo's row or column at every place of the tile, mirrored at the ends."""
        positions = np.arange(self.start - margin, self.stop + margin) % (2 * self.whole)
        return np.where(positions < self.whole, positions, 2 * self.whole - 1 - positions)

    def reach(self, feather: int) -> slice:
        """Return where the tile enters the result."""
        return slice(max(0, self.start - feather // 2), min(self.whole, self.stop + feather // 2))

    def weight(self, feather: int) -> NDArray[np.float32]:
        """Return the tile's share over its reach; those of all tiles sum to one."""
        reach = self.reach(feather)
        positions = np.arange(reach.start, reach.stop) + 0.5
        share = np.ones(positions.size)
        if self.start > 0:
            share = np.minimum(share, _risen(positions - self.start, feather))
        if self.stop < self.whole:
            share = np.minimum(share, 1.0 - _risen(positions - self.stop, feather))
        return share.astype(np.float32)


def in_tiles(
    photo: Image,
    work: Callable[[Image], NDArray[np.float32]],
    tiling: Tiling,
    on_progress: Progress | None = None,
    scale: int = 1,
) -> Image:
    """Return the photo with ``work`` done to every tile, rounded.

    Parameters
    ----------
    photo
        uint8 HWC RGB; not written to.
    work
        From a uint8 HWC RGB tile to float32 levels, ``scale`` times as large. Where a pixel
        depends on those within ``margin - feather / 2`` alone, no tile shows.
    tiling
        How it is cut.
    on_progress
        Told of every tile done.
    scale
        By how much the result is larger than the photo.
    """
    height, width = photo.shape[:2]
    tiles = [
        (rows, columns) for rows in _spans(height, tiling) for columns in _spans(width, tiling)
    ]
    total = np.zeros((height * scale, width * scale, 3), np.float32)
    margin, feather = tiling.margin * scale, tiling.feather * scale
    for count, (rows, columns, tile) in enumerate(_worked(photo, tiles, work, tiling), start=1):
        rows, columns = rows.times(scale), columns.times(scale)
        down, across = rows.reach(feather), columns.reach(feather)
        inner = tile[_within(rows, down, margin), _within(columns, across, margin)]
        weight = rows.weight(feather)[:, None] * columns.weight(feather)
        total[down, across] += inner * weight[..., None]
        if on_progress is not None:
            on_progress(count, len(tiles))
    np.rint(total, out=total)
    return np.clip(total, 0, 255, out=total).astype(np.uint8)


def _worked(
    photo: Image,
    tiles: list[tuple[_Span, _Span]],
    work: Callable[[Image], NDArray[np.float32]],
    tiling: Tiling,
) -> Iterator[tuple[_Span, _Span, NDArray[np.float32]]]:
    """Yield the tiles in order, only as many as there are threads on their way."""

    def cut(rows: _Span, columns: _Span) -> NDArray[np.float32]:
        return work(
            photo[np.ix_(rows.with_margin(tiling.margin), columns.with_margin(tiling.margin))]
        )

    if tiling.threads == 1:
        for rows, columns in tiles:
            yield rows, columns, cut(rows, columns)
        return
    with ThreadPoolExecutor(tiling.threads) as pool:
        waiting: deque[tuple[_Span, _Span, Future[NDArray[np.float32]]]] = deque()
        for rows, columns in tiles:
            waiting.append((rows, columns, pool.submit(cut, rows, columns)))
            if len(waiting) >= tiling.threads:
                first = waiting.popleft()
                yield first[0], first[1], first[2].result()
        for rows, columns, tile in waiting:
            yield rows, columns, tile.result()


def _spans(whole: int, tiling: Tiling) -> list[_Span]:
    """Cut a side into spans of much the same length, on the grid."""
    count = -(-whole // tiling.side)
    cuts = [round(n * whole / count / _GRID) * _GRID for n in range(count)] + [whole]
    return [_Span(start, stop, whole) for start, stop in pairwise(cuts)]


def _within(span: _Span, reach: slice, margin: int) -> slice:
    """Return the reach in the tile's own pixels."""
    first = span.start - margin
    return slice(reach.start - first, reach.stop - first)


def _risen(distance: NDArray[np.float64], feather: int) -> NDArray[np.float64]:
    """Return how far a ramp has risen from 0 to 1 at a distance from its middle."""
    if feather == 0:
        return (distance > 0.0).astype(np.float64)
    return np.clip(distance / feather + 0.5, 0.0, 1.0)

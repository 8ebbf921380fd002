"""Planes that are used again: fresh memory costs more than most kernels.

The first touch of a fresh 3 MB array costs hundreds of page faults, up to 3 ms on a virtual
machine, against 0.05 ms to fill it. Each thread keeps a few flat buffers; what is in them when
they are handed out is undefined.
"""

from __future__ import annotations

import math
import threading

import numpy as np

from degrade.ops.kernels.arrays import Planes

_MOST_BUFFERS = 6
"""Buffers kept; a step needs its input, its output and a few more."""
_LARGEST = 64 * 1024 * 1024
"""Values; larger planes are not kept when they are given back."""


class PlaneMemory(threading.local):
    """Float32 buffers of one thread, handed out and given back."""

    def __init__(self) -> None:
        self._free: list[Planes] = []

    def take(self, shape: tuple[int, ...]) -> Planes:
        """Return a contiguous float32 array of that shape, its content undefined."""
        count = math.prod(shape)
        fitting = [buffer for buffer in self._free if buffer.size >= count]
        if fitting:
            buffer = min(fitting, key=lambda candidate: candidate.size)
            self._forget(buffer)
        else:
            buffer = np.empty(max(count, 1), np.float32)
        return buffer[:count].reshape(shape)

    def give(self, planes: Planes) -> None:
        """Take back an array that `take` handed out, or adopt another that nobody uses."""
        buffer: Planes = planes
        while isinstance(buffer.base, np.ndarray):
            buffer = buffer.base
        if buffer.dtype != np.float32 or not buffer.flags.c_contiguous:
            return
        if buffer.size > _LARGEST or any(
            np.may_share_memory(other, buffer) for other in self._free
        ):
            return
        self._free.append(buffer.reshape(-1))
        if len(self._free) > _MOST_BUFFERS:
            self._forget(min(self._free, key=lambda candidate: candidate.size))

    def _forget(self, buffer: Planes) -> None:
        self._free = [other for other in self._free if other is not buffer]


PLANES = PlaneMemory()
"""The buffers of the current thread; a cache, not state: no result depends on it."""

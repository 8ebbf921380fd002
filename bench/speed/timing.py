"""Time two sides in turn on one core; the seconds are CPU time of the process that works.

With one thread CPU time is what a clock on the wall shows on an idle machine, and it does not
grow when something else runs. Nothing here knows what it times.
"""

from __future__ import annotations

import ctypes
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_SAMPLE = 0.012
"""Seconds that one sample should last; shorter calls are repeated within it."""
_WARM_UP_CALLS, _WARM_UP_SECONDS = 64, 1.5
"""What a side gets first, whichever is less. A peer whose calls leave reference cycles takes new
memory, and page faults, until Python collects them: AlbumentationsX's noise 36 calls long."""
_MMAP, _TRIM, _PAD = 1 << 25, 1 << 30, 1 << 26  # the first is the largest that glibc takes
KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(_MMAP),
    "MALLOC_TRIM_THRESHOLD_": str(_TRIM),
    "MALLOC_TOP_PAD_": str(_PAD),
}
"""Environment in which glibc's malloc keeps freed memory (mallopt(3)); see `keep_memory`."""
_OPTIONS = {-3: _MMAP, -1: _TRIM, -2: _PAD}  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD

TimedCalls = Callable[[int], float]
"""Makes so many calls and returns the CPU seconds that they took together."""


def timed_calls(function: Callable[[], object]) -> TimedCalls:
    """Return the calls of a function of this process, timed."""

    def seconds(calls: int) -> float:
        start = time.process_time()
        for _ in range(calls):
            function()
        return time.process_time() - start

    return seconds


@dataclass(frozen=True, slots=True)
class Ratio:
    """Two sides timed in turn: median milliseconds of a call, and the pairwise ratios."""

    ours_ms: float
    reference_ms: float
    median: float  # of reference / ours, as low and high
    low: float
    high: float
    runs: int

    @classmethod
    def of(cls, ours: Sequence[float], reference: Sequence[float]) -> Ratio:
        """Return the ratio of two equally long lists of seconds."""
        ratios = [theirs / own for own, theirs in zip(ours, reference, strict=True)]
        return cls(
            statistics.median(ours) * 1e3,
            statistics.median(reference) * 1e3,
            statistics.median(ratios),
            min(ratios),
            max(ratios),
            len(ratios),
        )


def in_turn(ours: TimedCalls, reference: TimedCalls, runs: int) -> Ratio:
    """Time ours, reference, ours, reference, ... ``runs`` times each, after a warm-up."""
    sides = (ours, reference)
    calls = [max(1, math.ceil(_SAMPLE / max(_warm_up(side), 1e-6))) for side in sides]
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        for side, count, samples in zip(sides, calls, seconds, strict=True):
            samples.append(side(count) / count)
    return Ratio.of(*seconds)


def _warm_up(side: TimedCalls) -> float:
    """Call a side until it is warm and return the seconds of a call."""
    spent = 0.0
    for _ in range(_WARM_UP_CALLS // 4):
        spent += side(4)
        if spent > _WARM_UP_SECONDS:
            break
    return side(4) / 4


def keep_memory() -> bool:
    """Let this process keep the memory that it frees; False where it has no glibc.

    By default large arrays go back to the system, or not, depending on what was freed before:
    the same call of a peer took 3 ms or 16 ms of which 12 were page faults. It cannot be undone,
    so only a command may ask for it.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is None:
        return False
    return all(mallopt(option, value) == 1 for option, value in _OPTIONS.items())


@contextmanager
def one_core() -> Iterator[int | None]:
    """Bind this process and its children to one core, OpenCV to one thread; undo it after.

    Yields the core's number, None where the system cannot bind a process.
    """
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else None
    core = max(allowed) if allowed else None
    try:
        if core is not None:
            os.sched_setaffinity(0, {core})
        yield core
    finally:
        if allowed:
            os.sched_setaffinity(0, allowed)
        cv2.setNumThreads(threads)


def machine_text(environment: Mapping[str, Any]) -> str:
    """Return processor and versions, the head of every table."""
    return "{cpu}, Python {python}, Relume {relume}".format(**environment)


def thread_text(core: int | None) -> str:
    """Return where both sides ran."""
    return "one thread" if core is None else f"one thread on core {core}"


def met_text(met: bool | None) -> str:
    """Return whether a bar is met, in a word; empty without a bar."""
    return {None: "", True: "yes", False: "no"}[met]

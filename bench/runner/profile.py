"""What one call costs: its wall time, and the memory that it takes at most.

On the processor the memory is the process's, on a GPU that of torch's allocator there.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from zoo.restorers.placement import CPU

__all__ = ["Meter"]

_PEAK_STATUS = Path("/proc/self/status")
_PEAK_RESET = Path("/proc/self/clear_refs")
_RESET_PEAK = b"5"
"""Written to ``clear_refs``, sets the peak to what is resident now (proc_pid_clear_refs(5))."""


class Meter:
    """Measures the block of a ``with`` statement.

    Parameters
    ----------
    device
        Where the block computes, ``cpu`` or ``cuda:N``. A GPU works on after a call returns: the
        clock is read when it has done all that it was given, before the block and in it.

    Attributes
    ----------
    seconds
        Wall time, known after the block.
    memory
        Bytes by which memory rose at most within the block, above what was taken when it began;
        None where the system does not tell (Linux and CUDA do).
    """

    def __init__(self, device: str = CPU) -> None:
        self.seconds = 0.0
        self.memory: int | None = None
        self._device = device
        self._before: int | None = None
        self._start = 0.0

    def __enter__(self) -> Meter:
        self._before = _resident() if self._device == CPU else _allocated(self._device)
        self._start = time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        if self._device != CPU and error[0] is None:
            _cuda().synchronize(self._device)
        self.seconds = time.perf_counter() - self._start
        if self._before is None or error[0] is not None:
            return
        on_gpu = self._device != CPU
        peak = _cuda().max_memory_allocated(self._device) if on_gpu else _status("VmHWM")
        self.memory = None if peak is None else max(0, int(peak) - self._before)


def _resident() -> int | None:
    """Return the process's resident bytes, from where on its peak is told anew."""
    try:
        _PEAK_RESET.write_bytes(_RESET_PEAK)
    except OSError:
        return None  # not Linux, or not allowed in this container
    return _status("VmRSS")


def _allocated(device: str) -> int:
    """Return the bytes taken on a GPU that has done its work, from where on the peak is told."""
    cuda = _cuda()
    cuda.synchronize(device)
    cuda.reset_peak_memory_stats(device)
    return int(cuda.memory_allocated(device))


def _status(name: str) -> int | None:
    """Return a line of the process's status in bytes."""
    for line in _PEAK_STATUS.read_bytes().splitlines():
        if line.startswith(name.encode() + b":"):
            return int(line.split()[1]) * 1024
    return None


def _cuda() -> Any:
    import torch

    return torch.cuda

"""The number of the epoch, seen by worker processes that were started before it changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["SharedEpoch"]


class SharedEpoch:
    """A whole number of 0 or more in memory that child processes share.

    A process that is being started with it, by fork, spawn or forkserver, sees what its parent
    sets later: so do a data loader's persistent workers. Pickled for anything else, such as a
    cluster or a file, it is a copy of its value.
    """

    __slots__ = ("_shared",)

    def __init__(self, epoch: int = 0) -> None:
        from multiprocessing.sharedctypes import RawValue

        self._shared: Any = RawValue("Q", epoch)  # one aligned word: no lock is needed

    @property
    def value(self) -> int:
        """The epoch."""
        return int(self._shared.value)

    @value.setter
    def value(self, epoch: int) -> None:
        self._shared.value = epoch

    def __reduce__(self) -> tuple[Callable[..., SharedEpoch], tuple[Any]]:
        from multiprocessing.context import get_spawning_popen

        if get_spawning_popen() is None:
            return SharedEpoch, (self.value,)
        return _around, (self._shared,)


def _around(shared: Any) -> SharedEpoch:
    epoch = SharedEpoch.__new__(SharedEpoch)
    epoch._shared = shared
    return epoch

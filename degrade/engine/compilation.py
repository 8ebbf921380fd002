"""Say that kernels are being compiled, once a process, at the moment it begins.

It watches Numba and compiles nothing itself; where compiled code is kept is decided in
`degrade.ops.kernels.compile`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from numba.core import event

__all__ = ["told_of_compilation"]


@contextmanager
def told_of_compilation() -> Iterator[None]:
    """Within the block, write one line to standard error when a kernel has to be compiled.

    Nothing is written when every kernel comes from the cache. Costs a few microseconds; any
    number of threads may be inside at once.
    """
    with event.install_listener("numba:compile", _Teller()):
        yield


class _Teller(event.Listener):
    """Hears of each compilation that no cache could spare."""

    def on_start(self, event: event.Event) -> None:
        """Say it, if the function is one of ours; other people's code compiles too."""
        function = event.data["dispatcher"].py_func
        if function.__module__.startswith("degrade."):
            _tell()

    def on_end(self, event: event.Event) -> None:
        """Do nothing: the picture is the sign that it is over."""


@cache
def _tell() -> None:
    from degrade.ops.kernels.compile import is_cached

    once = "once" if is_cached() else "in every process, as no folder can be written to keep it"
    hint = "" if is_cached() else ": set NUMBA_CACHE_DIR to one that can"
    sys.stderr.write(f"degrade: compiling for this machine, {once}; some 20 seconds{hint}\n")
    sys.stderr.flush()

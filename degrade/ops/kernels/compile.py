"""The one way kernels are compiled: cached on disk, GIL released, IEEE arithmetic as written.

Numba tries NUMBA_CACHE_DIR, then the package's own __pycache__, then the user's cache folder,
and fails where none can be written; here the kernel is then compiled anew in every process.
Numba takes a compiled function for valid while its own file has not changed, although code of
other files is compiled into it; here it is valid while no kernel's file has changed.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import event
from numba.core.caching import CompileResultCacheImpl, FunctionCache

Function = TypeVar("Function", bound=Callable[..., Any])

# error_model="numpy": the check for a zero divisor that Python's model adds keeps LLVM from
# vectorising any loop with a division (20 times slower, measured on the normals).
_compiled = numba.njit(nogil=True, fastmath=False, error_model="numpy")


def kernel(function: Function) -> Function:
    """Compile for use from Python: cached, without the GIL, no fastmath, no threads."""
    return _cached(function)


def inline(function: Function) -> Function:
    """Compile for use inside other kernels; the optimiser decides what to inline."""
    return _cached(function)


def _cached(function: Function) -> Function:
    compiled = _compiled(function)
    enable_cache(compiled)
    return cast(Function, compiled)


_PACKAGE = Path(__file__).parents[2]


def enable_cache(dispatcher: Any) -> None:
    """Let a function that ``numba.njit`` returned keep its machine code on disk, if it can."""
    try:
        dispatcher._cache = _KernelCache(dispatcher.py_func)  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise


@cache
def is_cached() -> bool:
    """Return whether there is a folder in which compiled kernels can be kept."""
    try:
        _KernelCache(is_cached.__wrapped__)  # type: ignore[no-untyped-call]
    except RuntimeError:
        return False
    return True


@cache
def _sources() -> str:
    """Return the sha256 of every file whose code may be compiled into a kernel."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        content = path.read_bytes()
        if b"@kernel" in content or b"@inline" in content or path.name == "portable_math.py":
            digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + content)
    return digest.hexdigest()


class _Stamped:
    """One of Numba's locators, dated by the content of all kernels."""

    def __init__(self, locator: Any) -> None:
        self._locator = locator

    def __getattr__(self, name: str) -> Any:
        return getattr(self._locator, name)

    def get_source_stamp(self) -> str:
        """Return what changes when the machine code must be made anew."""
        return _sources()


class _KernelCacheStore(CompileResultCacheImpl):
    @property
    def locator(self) -> Any:
        return _Stamped(super().locator)


class _KernelCache(FunctionCache):
    _impl_class = _KernelCacheStore


@contextmanager
def announce_compilation() -> Iterator[None]:
    """Within the block, write one line to standard error when a kernel has to be compiled.

    Nothing is written when every kernel comes from the cache. Costs a few microseconds; any
    number of threads may be inside at once.
    """
    with event.install_listener("numba:compile", _CompilationListener()):
        yield


class _CompilationListener(event.Listener):
    """Hears of each compilation that no cache could spare."""

    def on_start(self, event: event.Event) -> None:
        """Say it, if the function is one of ours; other people's code compiles too."""
        function = event.data["dispatcher"].py_func
        if function.__module__.startswith("degrade."):
            _announce()

    def on_end(self, event: event.Event) -> None:
        """Do nothing: the image is the sign that it is over."""


@cache
def _announce() -> None:
    from degrade.ops.kernels.compile import is_cached

    once = "once" if is_cached() else "in every process, as no folder can be written to keep it"
    hint = "" if is_cached() else ": set NUMBA_CACHE_DIR to one that can"
    sys.stderr.write(f"degrade: compiling for this machine, {once}; some 20 seconds{hint}\n")
    sys.stderr.flush()

"""Where compiled kernels are kept, and when they are out of date.

Numba tries NUMBA_CACHE_DIR, then the package's own __pycache__, then the user's cache folder,
and fails where none can be written; here the kernel is then compiled anew in every process.
Numba takes a compiled function for valid while its own file has not changed, although code of
other files is compiled into it; here it is valid while no kernel's file has changed.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from numba.core.caching import CompileResultCacheImpl, FunctionCache

__all__ = ["enable_cache", "kept"]

_PACKAGE = Path(__file__).parents[2]


def enable_cache(dispatcher: Any) -> None:
    """Let a function that ``numba.njit`` returned keep its machine code on disk, if it can."""
    try:
        dispatcher._cache = _KernelCache(dispatcher.py_func)  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise


@cache
def kept() -> bool:
    """Return whether there is a folder in which compiled kernels can be kept."""
    try:
        _KernelCache(kept.__wrapped__)  # type: ignore[no-untyped-call]
    except RuntimeError:
        return False
    return True


@cache
def _sources() -> str:
    """Return the sha256 of every file whose code may be compiled into a kernel."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        content = path.read_bytes()
        if b"@kernel" in content or b"@inline" in content:
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

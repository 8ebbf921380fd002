"""The one way kernels are compiled: cached on disk, GIL released, IEEE arithmetic as written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from degrade.ops.kernels.cache import enable_cache

__all__ = ["inline", "kernel"]

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

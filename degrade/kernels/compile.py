"""The one way kernels are compiled: cached on disk, GIL released, IEEE arithmetic as written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

__all__ = ["inline", "kernel"]

Function = TypeVar("Function", bound=Callable[..., Any])

# error_model="numpy": the check for a zero divisor that Python's model adds keeps LLVM from
# vectorising any loop with a division (20 times slower, measured on the normals).
_compiled = numba.njit(cache=True, nogil=True, fastmath=False, error_model="numpy")


def kernel(function: Function) -> Function:
    """Compile for use from Python: cached, without the GIL, no fastmath, no threads."""
    return cast(Function, _compiled(function))


def inline(function: Function) -> Function:
    """Compile for use inside other kernels; the optimiser decides what to inline."""
    return cast(Function, _compiled(function))

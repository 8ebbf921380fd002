"""Calls of imagecodecs that stay safe on damaged files."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["decode_with"]

_MORE_THAN_LOST = 4


def decode_with(codec: Callable[..., Any], data: bytes, *rest: Any, **options: Any) -> NDArray[Any]:
    """Return ``codec(data, …)`` as an array, raising what it raises.

    The error paths of imagecodecs (2026.3.6: png, tiff, qoi, jpegxl) give away up to two
    references to ``None`` that they do not own. From Python 3.12 on that does nothing (PEP 683);
    before it, some thousands of damaged files in one process end it with "deallocating None", so
    here the references are given back.
    """
    try:
        return np.asarray(codec(data, *rest, **options))
    except BaseException:
        if sys.version_info < (3, 12):
            for _ in range(_MORE_THAN_LOST):
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(None))
        raise

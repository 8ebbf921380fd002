"""One process a run: the folder of a run is held while it works, and tidied when it begins."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.suite.suite import SuiteError
from degrade.dataset.storage import LocalStorage

if sys.platform != "win32":
    import fcntl

__all__ = ["held"]


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder that is there against other processes, and remove what killed ones left.

    The hold is the system's (flock(2) on the folder), so it ends with the process however that
    ends. Where the system or its file system has none, such as Windows, nobody is kept out and
    nothing is removed.

    Raises
    ------
    SuiteError
        Another process works in it.
    """
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        if _locked(handle, folder):
            LocalStorage(folder).sweep()
        yield
    finally:
        os.close(handle)


def _locked(handle: int, folder: Path) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SuiteError(
            f"another process works in {folder}: wait for it, or choose another --out"
        ) from None
    except OSError:
        return False
    return True

"""One process at a time in a folder or on a file: of two, the second is told so in one line.

The locks are the system's: they end with the process, however that ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import filelock

from degrade.dataset.storage import LocalStorage
from degrade.errors import DatasetError

__all__ = ["hold_file", "hold_folder"]

_LOCK = ".lock"


@contextlib.contextmanager
def hold_folder(folder: Path) -> Iterator[bool]:
    """Hold a folder against other processes, and remove what killed ones left under ``.part``.

    The lock is the file ``.lock`` in the folder, which is made where it is missing. Yields whether
    it is held: where the file system has no locks, nobody is kept out.

    Raises
    ------
    DatasetError
        Another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _held(folder / _LOCK, folder) as held:
        if held:
            LocalStorage(folder).sweep()
        yield held


@contextlib.contextmanager
def hold_file(path: Path) -> Iterator[bool]:
    """Hold a file against other processes of this machine, and leave nothing beside it.

    Yields and raises as `hold_folder`.
    """
    name = hashlib.sha256(os.path.realpath(path).encode()).hexdigest()[:32]
    with _held(Path(tempfile.gettempdir()) / f"relume-{name}.lock", path) as held:
        yield held


@contextlib.contextmanager
def _held(lock_file: Path, what: Path) -> Iterator[bool]:
    lock, held = filelock.FileLock(lock_file), True
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise DatasetError(
            f"another process works in {what}: wait for it, or choose another --out"
        ) from None
    except (OSError, NotImplementedError):
        held = False  # no locks here
    try:
        yield held
    finally:
        lock.release()

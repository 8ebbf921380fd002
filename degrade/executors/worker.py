"""What runs in a worker: one thread an image, and the versions that must be the same everywhere.

The work is divided between images, so a library that also divides each image only makes the
workers wait for each other. Dask pins OMP, MKL and OPENBLAS in the workers it starts, but
neither Numba nor OpenCV (dask/distributed#9075). `run_checked` is imported by name on a cluster's
workers, so it must stay where it is.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

from degrade.errors import UserError

_READ_AT_IMPORT = {
    "OMP_NUM_THREADS": "numpy",
    "OPENBLAS_NUM_THREADS": "numpy",
    "MKL_NUM_THREADS": "numpy",
    "NUMBA_NUM_THREADS": "numba",
    "OPENCV_FOR_THREADS_NUM": "cv2",
}
"""Environment variable to the module whose first import settles it.

A change of NUMBA_NUM_THREADS after Numba's threads have started makes every later compilation
fail (numba.core.config.reload_config), so a module that is loaded is left to its own setter.
"""


def pin_threads() -> None:
    """Give the libraries of this process one thread each; costs microseconds when repeated."""
    for name, module in _READ_AT_IMPORT.items():
        if module not in sys.modules:
            os.environ[name] = "1"
    cv2 = sys.modules.get("cv2")
    if cv2 is not None:
        cv2.setNumThreads(0)  # 0 is "in the calling thread", as OpenCV documents it


_PACKAGES = ("numpy", "numba", "llvmlite", "imagecodecs", "pillow", "distributed")
"""What computes and decodes pixels, and what the machines speak to each other with."""


@cache
def installed_versions() -> Mapping[str, str]:
    """Return the version of each thing that matters, on the machine where this is called.

    ``relume`` is its version and the first digits of the sha256 of its sources: two checkouts
    may call themselves the same.
    """
    versions = {"relume": _own_version(), "python": ".".join(platform.python_version_tuple()[:2])}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def _own_version() -> str:
    from degrade import __version__

    package = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{__version__} (sources {digest.hexdigest()[:8]})"


def describe_difference(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """Return ``numba 0.68.1 here, 0.61.0 there; …`` for what differs, empty when nothing does."""
    names = [*here, *(name for name in there if name not in here)]
    return "; ".join(
        f"{name} {here.get(name, 'unknown')} here, {there.get(name, 'unknown')} there"
        for name in names
        if here.get(name) != there.get(name)
    )


Task = TypeVar("Task")
Result = TypeVar("Result")


def run_checked(
    function: Callable[[Task], Result], expected: Mapping[str, str], task: Task
) -> Result:
    """Return ``function(task)``, on one thread, if this machine has the expected versions.

    Checked with each task, as workers may join a cluster at any time. Raises UserError.
    """
    difference = describe_difference(expected, installed_versions())
    if difference:
        raise UserError(
            f"a worker on {platform.node()} would give other bytes: {difference}; make them equal"
        )
    pin_threads()
    return function(task)

"""Where a run took place: versions, machine, and the revision of this package's own checkout.

Collects facts; it changes nothing and never fails for a fact that cannot be had.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import degrade

_LIBRARIES = (
    "numpy", "scipy", "numba", "opencv-python-headless", "imagecodecs", "pillow", "scikit-image",
    "torch", "torchvision", "timm", "torchmetrics", "dlib-bin", "pyiqa", "safetensors", "spandrel",
    "onnxruntime",
)  # fmt: skip


def environment() -> dict[str, Any]:
    """Return a JSON-ready record of the software and the machine."""
    return {
        "relume": relume_version(),
        "git": git_state(Path(__file__).resolve().parents[2]),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "torch_threads": _torch_threads(),
        "libraries": {name: version for name in _LIBRARIES if (version := _version(name))},
    }


def relume_version() -> str:
    """Return the version of Relume that is running."""
    return degrade.__version__


def git_state(root: Path) -> dict[str, Any] | None:
    """Return ``revision`` and ``dirty`` of the checkout whose top is ``root``, else None.

    A package installed below some other project's checkout is not that project: None.
    """
    top = _git(root, "rev-parse", "--show-toplevel")
    revision = _git(root, "rev-parse", "HEAD")
    if top is None or revision is None or Path(top).resolve() != root.resolve():
        return None
    return {"revision": revision, "dirty": bool(_git(root, "status", "--porcelain"))}


def _git(root: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(root), *arguments]
    try:
        finished = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return finished.stdout.strip() if finished.returncode == 0 else None


def _torch_threads() -> int | None:
    """Return how many threads torch uses; None where nothing has imported it."""
    return int(sys.modules["torch"].get_num_threads()) if "torch" in sys.modules else None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


_TOP = Path(__file__).parents[2]
_SOURCES = ("*.py", "*.yaml", "*.json", "*.safetensors")
_MEASURING = ("bench/metrics",)
_RESTORING = ("degrade", "zoo")


def restoring_software() -> str:
    """Return the digest of what restores: degrade, zoo, libraries, processor, threads of torch."""
    return _digest(_RESTORING, _facts())


def measuring_software() -> str:
    """Return the digest of what measures: as `restoring_software`, and the metrics."""
    return _digest((*_RESTORING, *_MEASURING), _facts())


def _facts() -> str:
    known = environment()
    names = ("relume", "python", "cpu", "torch_threads", "libraries")
    return json.dumps({name: known[name] for name in names}, sort_keys=True)


def _digest(folders: tuple[str, ...], facts: str) -> str:
    total = hashlib.sha256(facts.encode())
    for folder in folders:
        for path in sorted(p for pattern in _SOURCES for p in (_TOP / folder).rglob(pattern)):
            total.update(path.relative_to(_TOP).as_posix().encode() + b"\0")
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()

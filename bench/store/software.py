"""What computes here, as a digest: a result kept under one is not read under another.

Own sources, shipped weights, libraries, processor and threads. It is stricter than need be: an
edited comment makes results new. A result that should have changed and did not would be worse.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from bench.store.environment import environment

__all__ = ["measuring_software", "restoring_software"]

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

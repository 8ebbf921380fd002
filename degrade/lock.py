"""run.json: what a folder was built from, so that a later run neither mixes nor forgets it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

from degrade.errors import DatasetError
from degrade.images import atomic_file
from degrade.operations import OPERATIONS
from degrade.pairs import PairedDataset

__all__ = ["LOCK_FILE", "claim", "describe", "read_lock"]

LOCK_FILE = "run.json"
_NEEDED = {
    "built_from": {"operation_versions", "longest_side", "inputs", "variants"},
    "made_with": {"source_root", "libraries", "not_portable"},
}
_LIBRARIES = ("numpy", "numba", "llvmlite", "imagecodecs", "pillow", "opencv-python-headless")


def describe(dataset: PairedDataset) -> dict[str, Any]:
    """Return the lock of a build: ``built_from`` must not change, ``made_with`` may."""
    source, recipe = dataset.source, dataset.recipe
    # Sizes too: reading every byte would cost as much as the build, names alone forget changes.
    inputs = [[key, source.size_in_bytes(key)] for key in source.keys]
    versions = {name: OPERATIONS[name].version for name in recipe.operations()}
    return {
        "built_from": {
            "recipe": recipe.name,
            "recipe_digest": recipe.digest,
            "operation_versions": versions,
            "seed": dataset.seed,
            "variants": dataset.variants,
            "longest_side": source.longest,
            "inputs": len(source),
            "inputs_digest": hashlib.sha256(json.dumps(inputs).encode()).hexdigest(),
        },
        "made_with": {
            "source": source.name,
            "source_root": str(source.root.resolve()),
            "relume": _version("relume"),
            "libraries": {name: _version(name) for name in _LIBRARIES},
            "not_portable": [name for name in versions if not OPERATIONS[name].portable],
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cpu": _cpu(),
        },
    }


def claim(folder: Path, dataset: PairedDataset) -> None:
    """Write the lock of a new folder, or check the one that is there.

    Raises DatasetError when the folder was built from something else, saying what differs, or
    holds files that no build made.
    """
    lock = describe(dataset)
    if (folder / LOCK_FILE).is_file():
        _compare(folder, read_lock(folder)["built_from"], lock["built_from"])
        return
    if folder.exists() and not folder.is_dir():
        raise DatasetError(f"{folder} is a file: give a folder for the dataset")
    if folder.is_dir() and any(not entry.name.endswith(".part") for entry in folder.iterdir()):
        raise DatasetError(f"{folder} holds other files: give a new or an empty folder")
    with atomic_file(folder / LOCK_FILE) as file:
        file.write(json.dumps(lock, indent=2, sort_keys=True).encode() + b"\n")


def read_lock(folder: Path) -> dict[str, Any]:
    """Return the lock of a built folder; raises DatasetError without one, or with a damaged one."""
    try:
        lock = json.loads((folder / LOCK_FILE).read_text(encoding="utf-8"))
        for part, keys in _NEEDED.items():
            if not lock[part].keys() >= keys:
                raise ValueError
    except FileNotFoundError:
        raise DatasetError(f"{folder} was not made by `degrade build`: no {LOCK_FILE}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DatasetError(f"{folder / LOCK_FILE} is damaged: build into a new folder") from None
    assert isinstance(lock, dict)
    return lock


def _compare(folder: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    changed = [key for key in new if old.get(key) != new[key]]
    if changed:
        what = ", ".join(f"{key} ({_short(old.get(key))} → {_short(new[key])})" for key in changed)
        raise DatasetError(
            f"{folder} was built from something else; changed: {what}. Give another folder, "
            "or delete this one"
        )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:12]}…"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()

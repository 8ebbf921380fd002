"""run.json: what a folder was built from, so that a later run neither mixes nor forgets it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from degrade.dataset.layout import StorageFormat
from degrade.dataset.manifest import DatasetLocation, storage_of
from degrade.dataset.paired_dataset import PairedDataset
from degrade.dataset.sources import ImageSource, open_source
from degrade.dataset.storage import Storage, open_storage
from degrade.errors import DatasetError
from degrade.images import DecodePolicy
from degrade.ops import OPERATIONS

LOCK_FILE = "run.json"
_NEEDED = {
    "built_from": {"operation_versions", "longest_side", "inputs", "variants"},
    "made_with": {"source_root", "libraries", "not_portable"},
}
_LIBRARIES = ("numpy", "numba", "llvmlite", "imagecodecs", "pillow", "opencv-python-headless")
_DEFAULTS = {"storing": StorageFormat().as_record(), "reading": DecodePolicy().as_record()}
"""What a lock means that was written before these could be chosen."""
_CHOSEN = "storing.shard_images"
"""Not known of a build from that time; its marks of shards are not read."""


def describe(dataset: PairedDataset, storage_format: StorageFormat) -> dict[str, Any]:
    """Return the lock of a build: ``built_from`` must not change, ``made_with`` may."""
    source, recipe = dataset.source, dataset.recipe
    versions = {name: OPERATIONS[name].version for name in recipe.operations()}
    return {
        "built_from": {
            "recipe": recipe.name,
            "recipe_digest": recipe.digest,
            "operation_versions": versions,
            "seed": dataset.seed,
            "variants": dataset.variants,
            "longest_side": source.longest,
            "reading": source.reading.as_record(),
            "storing": storage_format.as_record(),
            "inputs": len(source.keys) + len(source.unusable),
            "inputs_digest": _inputs_digest(dataset),
        },
        "made_with": {
            "source": source.name,
            "source_root": source.root,
            "relume": _version("relume"),
            "libraries": {name: _version(name) for name in _LIBRARIES},
            "not_portable": [name for name in versions if not OPERATIONS[name].portable],
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cpu": _cpu(),
        },
    }


def _inputs_digest(dataset: PairedDataset) -> str:
    """Return the sha256 of every input's name and size, as a JSON list of pairs.

    Sizes too: reading every byte would cost as much as the build, names alone forget changes.
    """
    source, digest = dataset.source, hashlib.sha256()
    separator = "["
    for key in source.keys:
        digest.update(f"{separator}{json.dumps([key, source.size_in_bytes(key)])}".encode())
        separator = ", "
    for key, _ in source.unusable:
        digest.update(f"{separator}{json.dumps([key, -1])}".encode())
        separator = ", "
    digest.update(b"]" if separator == ", " else b"[]")
    return digest.hexdigest()


def claim(
    location: DatasetLocation, dataset: PairedDataset, storage_format: StorageFormat
) -> StorageFormat:
    """Write the lock of a new folder, or check the one that is there.

    Returns ``storage_format`` with the size of its shards settled, as the folder has it. Raises
    DatasetError when the folder was built from something else, saying what differs, or holds
    files that no build made.
    """
    storage = storage_of(location)
    _refuse_inside(storage, dataset.source.storage)
    if storage.exists(LOCK_FILE):
        return _go_on(storage, dataset, storage_format)
    _refuse_other_files(storage)
    storage_format = storage_format.settled(len(dataset.source), dataset.variants)
    lock = describe(dataset, storage_format)
    text = json.dumps(lock, indent=2, sort_keys=True)
    if not storage.create(LOCK_FILE, text.encode() + b"\n"):
        # Another build claimed the folder while this one listed its inputs.
        return _go_on(storage, dataset, storage_format)
    return storage_format


def _go_on(
    storage: Storage, dataset: PairedDataset, storage_format: StorageFormat
) -> StorageFormat:
    old = read_lock(storage)["built_from"]
    if storage_format.shard_images is None:
        storage_format = replace(storage_format, shard_images=_stored(old).shard_images)
    storage_format = storage_format.settled(len(dataset.source), dataset.variants)
    _compare(storage, old, json.loads(json.dumps(describe(dataset, storage_format)["built_from"])))
    return storage_format


def _refuse_inside(storage: Storage, source: Storage) -> None:
    """Raise DatasetError where the build's results would be among its inputs."""
    if storage.local is None or source.local is None:
        return
    out, images = storage.local.resolve(), source.local.resolve()
    if out.is_relative_to(images) and images.is_dir():
        raise DatasetError(
            f"{storage.location} lies inside {source.location}, so its pairs would be taken for "
            "inputs: build elsewhere"
        )


def _refuse_other_files(storage: Storage) -> None:
    folder = storage.local
    if folder is not None:
        if folder.exists() and not folder.is_dir():
            raise DatasetError(f"{folder} is a file: give a folder for the dataset")
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    else:
        names = storage.names()
    if any(not name.endswith(".part") for name in names):
        raise DatasetError(f"{storage.location} holds other files: give a new or an empty folder")


def stored_as(location: DatasetLocation) -> StorageFormat:
    """Return how a built dataset is stored; raises DatasetError."""
    return _stored(read_lock(location)["built_from"])


def source_of(lock: Mapping[str, Any], moved_to: str | Path | None = None) -> ImageSource:
    """Return where the images of a lock's build are: where it took them from, or ``moved_to``.

    The source lists nothing by itself; it reads as the build did. Raises DatasetError when the
    place is not there any more.
    """
    built = lock["built_from"]
    reading, longest = DecodePolicy.from_record(built.get("reading", {})), built["longest_side"]
    if moved_to is not None:
        return open_source(moved_to, longest=longest, reading=reading)
    storage = open_storage(lock["made_with"]["source_root"])
    if storage.local is not None and not storage.local.is_dir():
        raise DatasetError(
            f"the sources are not at {storage.location} any more: say where they are with --source"
        )
    return ImageSource(storage.location, storage, (), longest, reading)


def _stored(built_from: Mapping[str, Any]) -> StorageFormat:
    return StorageFormat.from_record(built_from.get("storing", {}))


def read_lock(location: DatasetLocation) -> dict[str, Any]:
    """Return the lock of a built folder; raises DatasetError without one, or with a damaged one."""
    storage = storage_of(location)
    try:
        lock = json.loads(storage.read(LOCK_FILE).decode())
        for part, keys in _NEEDED.items():
            if not lock[part].keys() >= keys:
                raise ValueError
    except FileNotFoundError:
        raise DatasetError(
            f"{storage.location} was not made by `degrade build`: no {LOCK_FILE}"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DatasetError(
            f"{storage.location}/{LOCK_FILE} is damaged: build into a new folder"
        ) from None
    assert isinstance(lock, dict)
    return lock


def _compare(storage: Storage, old: dict[str, Any], new: dict[str, Any]) -> None:
    before, now = _flat(_DEFAULTS | old), _flat(new)
    changes = [
        f"{key} ({_short(before.get(key))} → {_short(value)})"
        for key, value in now.items()
        if before.get(key) != value and not (key == _CHOSEN and before.get(key) is None)
    ]
    if changes:
        raise DatasetError(
            f"{storage.location} was built from something else; changed: {', '.join(changes)}. "
            "Give another folder, or delete this one"
        )


def _flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the record without records inside: their keys follow their own, after a dot."""
    flat: dict[str, Any] = {}
    for key, value in record.items():
        flat |= _flat(value, f"{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


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

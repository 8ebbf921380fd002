"""The images of a run: their keys, which belong to one original, their pixels and files.

The degraded versions of one image are no independent samples: every interval and every test here
draws originals ("photographs" in tables), with all of their versions together: the cluster
bootstrap (Davison and Hinkley 1997, section 3.8).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degrade.errors import DatasetError, ImageError
from degrade.images import atomic_file, encode_png, read_image

HQ = "hq"
"""Stands for HQ where a restorer's name is asked for."""

ConditionKey = tuple[str, str]
"""``(dataset, recipe)``."""

ImageKey = tuple[str, int]
"""``(key, variant)`` of a degraded image."""


def photographs(keys: Iterable[ImageKey]) -> dict[ImageKey, str]:
    """Return the photograph's name of each degraded image of one data set.

    With several variants `degrade.pair_key` ends each key with its own, as in
    ``a-v00002``; that ending is taken off. Where no image has a variant but 0 there is one
    version of each, and a photograph may be called ``a-v00000``.
    """
    keys = list(keys)
    if not any(variant for _, variant in keys):
        return {key: key[0] for key in keys}
    return {key: key[0].removesuffix(f"-v{key[1]:05d}") for key in keys}


def per_photograph(
    values: Mapping[ImageKey, float], names: Mapping[ImageKey, str]
) -> dict[str, float]:
    """Return the mean over the versions of each photograph that have values, by name, sorted."""
    grouped: dict[str, list[float]] = {}
    for key in sorted(values):
        grouped.setdefault(names[key], []).append(values[key])
    return {name: sum(grouped[name]) / len(grouped[name]) for name in sorted(grouped)}


def numbered(keys: Iterable[ImageKey]) -> NDArray[np.intp]:
    """Return a number for each image in the order given, equal for one photograph."""
    known = list(keys)
    names = photographs(known)
    order = {name: number for number, name in enumerate(sorted(set(names.values())))}
    return np.array([order[names[key]] for key in known], np.intp)


def array_digest(array: NDArray[Any]) -> str:
    """Return the digest of an array's type, shape and values; of an image, of its pixels."""
    total = hashlib.sha256(f"{array.dtype.str} {array.shape}\n".encode())
    total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


PairDigests = dict[tuple[ConditionKey, ImageKey], str]
"""Of each degraded image of a run, as they come by, its `pair_digest`.

They tell which pixels a run was about: names and seeds can be equal where images are not.
"""


def pair_digest(hq: NDArray[np.uint8], lq: NDArray[np.uint8]) -> str:
    """Return the digests of the pixels of both halves."""
    return f"{array_digest(hq)} {array_digest(lq)}"


def digest_of_pairs(
    digests: PairDigests, condition: ConditionKey, keys: Iterable[ImageKey]
) -> str | None:
    """Return one digest of these images, whatever their order; None where one was not read."""
    total = hashlib.sha256()
    for key in sorted(keys):
        digest = digests.get((condition, key))
        if digest is None:
            return None
        total.update(f"{key[0]}\0{key[1]} {digest}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


class RestoredFiles:
    """The images of a run: ``FOLDER/<dataset>/<recipe>/<who>/<key>.png``.

    ``who`` is a restorer, or ``hq``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, dataset: str, recipe: str, who: str, key: str) -> Path:
        """Return the file of an image; DatasetError where its name would leave the folder."""
        parts = PurePosixPath(key).parts
        if not parts or ".." in parts or PurePosixPath(key).is_absolute() or "\\" in key:
            raise DatasetError(f"'{key}' is not a relative path below the folder: rename the image")
        path = self._folder.joinpath(safe_name(dataset), safe_name(recipe), safe_name(who), *parts)
        return path.with_name(f"{parts[-1]}.png")

    def read(self, path: Path) -> NDArray[np.uint8] | None:
        """Return an image written earlier, or None when there is none that can be read."""
        try:
            return read_image(path) if path.is_file() else None
        except ImageError:
            return None

    def write(self, path: Path, image: NDArray[np.uint8], made_by: str = "") -> bytes:
        """Write an image whole or not at all, and return the file; ``made_by`` tags it."""
        png = encode_png(image, {"relume": made_by} if made_by else None)
        self.write_file(path, png)
        return png

    def write_file(self, path: Path, png: bytes) -> None:
        """Write an image that is encoded already, whole or not at all."""
        with atomic_file(path) as file:
            file.write(png)


def safe_name(name: str) -> str:
    """Return a name as a part of a path: signs but letters, digits and ``-_.`` are dashes."""
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
    return safe if safe.strip(".") else f"-{safe}"

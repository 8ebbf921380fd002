"""Feature vectors of a run: kept in memory while it works, in files beside its rows afterwards.

So set metrics and comparisons never look at an image twice. Nothing here knows a network.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics.metric import Measurement
from bench.store.images import ImageKey, safe_name
from degrade.errors import DatasetError
from degrade.images import atomic_file

VectorKey = tuple[str, str, str, str]
"""``(dataset, recipe, restorer, feature)``."""


@dataclass(slots=True)
class Vectors:
    """One feature of one restorer's images: ``(key, variant)`` to float32 vector, or to problem."""

    vectors: dict[ImageKey, NDArray[np.float32]] = field(default_factory=dict)
    problems: dict[ImageKey, Measurement] = field(default_factory=dict)

    def stack(self, keys: Iterable[ImageKey]) -> NDArray[np.float64]:
        """Return the vectors of these images, ``(n, d)`` float64 in their order."""
        return np.stack([self.vectors[key] for key in keys]).astype(np.float64)


class FeatureStore:
    """The vectors of a run, by place; picklable.

    Vectors are rounded to float32 when they come in, so that a value computed at once and one
    computed later from the files are the same.
    """

    def __init__(self) -> None:
        self._places: dict[VectorKey, Vectors] = {}

    def add(
        self, key_of: VectorKey, key: ImageKey, vector: NDArray[np.floating[Any]] | Measurement
    ) -> None:
        """Take in one image's vector, or the reason it has none."""
        vectors = self._places.setdefault(key_of, Vectors())
        if isinstance(vector, Measurement):
            vectors.problems[key] = vector
        else:
            vectors.vectors[key] = np.asarray(vector, np.float32)
            vectors.problems.pop(key, None)

    def take(self, other: FeatureStore) -> None:
        """Take in everything another store holds."""
        for key_of, vectors in other._places.items():
            mine = self._places.setdefault(key_of, Vectors())
            mine.vectors.update(vectors.vectors)
            mine.problems.update(vectors.problems)

    def at(self, key_of: VectorKey) -> Vectors:
        """Return what a place holds, perhaps nothing."""
        return self._places.get(key_of, Vectors())

    def save(self, run: Path) -> None:
        """Write every place that holds vectors into the folder of a run, and forget them all.

        A file that is there is replaced: vectors come in for all images of a place or none.
        """
        for key_of, vectors in self._places.items():
            if vectors.vectors:
                write_vectors(file_of(run, key_of), vectors.vectors)
        self._places.clear()


def file_of(run: Path, key_of: VectorKey) -> Path:
    """Return the file of a place in the folder of a run."""
    dataset, recipe, who, feature = key_of
    folder = run / "features" / safe_name(dataset) / safe_name(recipe) / safe_name(who)
    return folder / f"{safe_name(feature)}.npz"


def reference_file(run: Path, feature: str) -> Path:
    """Return the file of a run that keeps the vectors of its reference set."""
    return run / "features" / "reference" / f"{safe_name(feature)}.npz"


def write_vectors(path: Path, vectors: Mapping[ImageKey, NDArray[np.float32]]) -> None:
    """Write vectors, whole or not at all, sorted by image."""
    with atomic_file(path) as file:
        _write(file, vectors)


def read_vectors(path: Path) -> dict[ImageKey, NDArray[np.float32]]:
    """Return what `write_vectors` wrote, executing nothing; DatasetError for any other file."""
    try:
        with path.open("rb") as file:
            return _read(file)
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing: run the suite again into the same folder") from None
    except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile):
        raise DatasetError(
            f"{path} does not hold feature vectors: delete it and run the suite again into the "
            "same folder"
        ) from None


def pack_vectors(vectors: Mapping[ImageKey, NDArray[np.float32]]) -> bytes:
    """Return what `write_vectors` writes."""
    file = io.BytesIO()
    _write(file, vectors)
    return file.getvalue()


def unpack_vectors(packed: bytes) -> dict[ImageKey, NDArray[np.float32]]:
    """Return what `pack_vectors` was given; for bytes that are known to be whole."""
    return _read(io.BytesIO(packed))


def _write(file: IO[bytes], vectors: Mapping[ImageKey, NDArray[np.float32]]) -> None:
    keys = sorted(vectors)
    np.savez(
        file,
        keys=np.array([key.encode("utf-8", "surrogateescape") for key, _ in keys]),
        variants=np.array([variant for _, variant in keys], np.int64),
        vectors=np.stack([vectors[key] for key in keys]),
    )


def _read(file: IO[bytes]) -> dict[ImageKey, NDArray[np.float32]]:
    with np.load(file, allow_pickle=False) as stored:
        names = [key.decode("utf-8", "surrogateescape") for key in stored["keys"].tolist()]
        keys = zip(names, stored["variants"].tolist(), strict=True)
        return dict(zip(keys, stored["vectors"].astype(np.float32), strict=True))

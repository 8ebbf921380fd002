"""A reference set: clean faces that restored ones are compared with, instead of their own HQ.

A distance from the HQ of the same images is pulled down by their being the same images; from
a set of its own it is what the papers call it. The set is described once and kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import degrade
from bench.metrics.entry import Direction
from bench.metrics.metric import Measurement, PairMetric, Sample, SetMetric
from bench.runner.cache import Cache
from bench.store.features import read_vectors, reference_file, write_vectors
from bench.store.images import ImageKey
from bench.store.record import holds_run
from degrade.dataset.sources import ImageSource
from degrade.errors import DatasetError
from degrade.terminal import Progress


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference set, opened.

    ``sha256`` is of the names, their files' bytes, and the size they are shrunk to.
    """

    name: str
    source: ImageSource
    sha256: str

    @property
    def label(self) -> str:
        """What a signature says of it: name, number of images, digest."""
        return f"{self.name}-n{len(self.source)}-{self.sha256[:12]}"

    def as_record(self) -> dict[str, object]:
        """Return what ``run.json`` keeps."""
        return {"name": self.name, "images": len(self.source), "sha256": self.sha256}


class AgainstReference:
    """A set metric against one set's ``(m, d)`` vectors, always; its signature says which."""

    def __init__(
        self, metric: SetMetric, reference: Reference, vectors: NDArray[np.float64]
    ) -> None:
        self._metric, self.reference, self.vectors = metric, reference, vectors
        self.name: str = metric.name
        self.direction: Direction = metric.direction
        self.unit: str = metric.unit
        self.source: str = metric.source
        self.judge: str = metric.judge
        self.feature: str = metric.feature
        self.signature: str = f"{metric.signature}|reference:{reference.label}"
        self.entry = getattr(metric, "entry", None)

    def describe(self, sample: Sample) -> NDArray[np.float64] | Measurement:
        """Return the vector of one image, or the reason there is none."""
        return self._metric.describe(sample)

    def compare(
        self,
        restored: NDArray[np.float64],
        reference: NDArray[np.float64],
        images: NDArray[np.intp] | None = None,
    ) -> Measurement:
        """Return the distance of ``restored`` from the reference set; ``reference`` is not read."""
        return self._metric.compare(restored, self.vectors, images)


def open_reference(location: str, longest: int | None = None) -> Reference:
    """Open a folder or named data set as a reference set, and read every file once.

    Images whose longer side has more pixels than ``longest`` are shrunk to it, as the suite's are.
    Raises DatasetError for no such set, fewer than two images, or one that cannot be read.
    """
    source = degrade.open_source(location, longest=longest)
    if source.unusable:
        name, reason = source.unusable[0]
        raise DatasetError(f"{location}: {name} {reason}: a reference set must be whole")
    if len(source) < 2:
        raise DatasetError(f"{location} holds 1 image: a reference set needs two or more")
    total = hashlib.sha256(f"longest {longest}\n".encode())
    for key in source.keys:
        total.update(key.encode() + b"\0" + hashlib.sha256(source.read_bytes(key)).digest())
    return Reference(Path(source.name).resolve().name, source, total.hexdigest())


def refer(
    metrics: Sequence[PairMetric | SetMetric], reference: Reference, out: Path, cache: Cache
) -> list[PairMetric | SetMetric]:
    """Return the metrics with every set metric put against the reference set.

    The set's vectors are those of the run, where ``out`` holds one, whose signatures say which
    set it is; else the cache's; else they are computed, and kept there. Nothing is written into
    ``out``: the run in it may be another one, see `keep_in_run`. Raises ImageError.
    """
    vectors: dict[str, NDArray[np.float64] | None] = {}
    referred: list[PairMetric | SetMetric] = []
    for metric in metrics:
        if not isinstance(metric, SetMetric):
            referred.append(metric)
            continue
        if metric.feature not in vectors:
            vectors[metric.feature] = _vectors(metric, reference, out, cache)
        own = vectors[metric.feature]
        referred.append(metric if own is None else AgainstReference(metric, reference, own))
    return referred


def keep_in_run(metrics: Sequence[PairMetric | SetMetric], run: Path) -> None:
    """Write the vectors of `refer`'s metrics into their run's folder, if they are not there."""
    for metric in metrics:
        if not isinstance(metric, AgainstReference):
            continue
        path = reference_file(run, metric.feature)
        keys = [(key, 0) for key in metric.reference.source.keys]
        vectors = dict(zip(keys, metric.vectors.astype(np.float32), strict=True))
        stored = _stored(path) or {}
        if stored.keys() != vectors.keys() or not all(
            np.array_equal(stored[key], vectors[key]) for key in keys
        ):
            write_vectors(path, vectors)


def _vectors(
    metric: SetMetric, reference: Reference, out: Path, cache: Cache
) -> NDArray[np.float64] | None:
    """Return ``(m, d)`` vectors; None where the metric cannot run here and says so itself."""
    path = reference_file(out, metric.feature)
    keys = [(key, 0) for key in reference.source.keys]
    vectors = _stored(path) if holds_run(out) else None
    if vectors is None or vectors.keys() != set(keys):
        vectors = cache.reference(metric.feature, reference.sha256)
        if vectors is None:
            vectors = _describe_all(metric, reference)
            if not vectors:
                return None
            cache.keep_reference(metric.feature, reference.sha256, vectors)
    return np.stack([vectors[key] for key in keys]).astype(np.float64)


def _describe_all(metric: SetMetric, reference: Reference) -> dict[ImageKey, NDArray[np.float32]]:
    """Describe every image of the set; none where the metric cannot describe the first."""
    vectors: dict[ImageKey, NDArray[np.float32]] = {}
    with Progress(len(reference.source), f"reference {reference.name}") as progress:
        for key in reference.source.keys:
            vector = metric.describe(Sample(reference.source.read(key)))
            if isinstance(vector, Measurement):
                if not vectors:
                    break
                raise DatasetError(f"{reference.name}: {key}: {vector.detail}: remove it")
            vectors[key, 0] = np.asarray(vector, np.float32)
            progress.advance()
    return vectors


def _stored(path: Path) -> dict[ImageKey, NDArray[np.float32]] | None:
    try:
        return read_vectors(path)
    except DatasetError:
        return None  # absent or damaged: computed anew

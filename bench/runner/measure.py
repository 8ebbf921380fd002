"""Measure restored images: pair metrics one by one, set metrics over all of a condition.

Turns whatever a metric does into a `Measurement`; it writes no row and restores nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics.distribution.distances import SMALL_SET
from bench.metrics.entry import Status
from bench.metrics.metric import Measurement, PairMetric, Sample, SetMetric
from bench.runner.cache import PIXELS, Cache
from bench.runner.restorer_runner import TracebackLog
from bench.store.features import Vectors
from bench.store.images import array_digest, numbered


class Samples:
    """Hands out one `Sample` for equal pixels, so that a feature is computed once for them.

    Keeps what it made until `forget`; meant for the versions of one image.
    """

    def __init__(self) -> None:
        self._known: dict[str, Sample] = {}

    def of(self, image: NDArray[np.uint8]) -> Sample:
        """Return the sample of these pixels."""
        pixels = np.ascontiguousarray(image)
        digest = array_digest(pixels)
        if digest not in self._known:
            self._known[digest] = Sample(pixels)
            self._known[digest].feature(PIXELS, lambda _: digest)
        return self._known[digest]

    def forget(self) -> None:
        """Let go of every image and feature."""
        self._known.clear()


def measure_all(
    metrics: Sequence[PairMetric], restored: Sample, hq: Sample, errors: TracebackLog, cache: Cache
) -> list[Measurement]:
    """Measure one image by several metrics, each as `measure` does, but for what the cache has."""
    known = cache.values(restored, hq) if metrics else {}
    values, new = [], []
    for metric in metrics:
        value = known.get(metric.signature)
        if value is None:
            value = measure(metric, restored, hq, errors)
            new.append((metric, value))
        values.append(value)
    cache.keep_values(restored, hq, new)
    return values


def measure(metric: PairMetric, restored: Sample, hq: Sample, errors: TracebackLog) -> Measurement:
    """Measure one image; an exception or a value that is none becomes an ``error``."""
    try:
        return _checked(metric.measure(restored, hq))
    except Exception as error:  # one image must not end a run of hours; the traceback is kept
        return Measurement(None, Status.ERROR, errors.note(metric.name, error))


def describe(
    metric: SetMetric, sample: Sample, errors: TracebackLog, cache: Cache
) -> NDArray[np.floating[Any]] | Measurement:
    """Return one image's feature vector, perhaps the cache's; an exception becomes an ``error``."""
    known = cache.vector(metric, sample)
    if known is not None:
        return known
    try:
        vector = metric.describe(sample)
    except Exception as error:  # as in `measure`
        return Measurement(None, Status.ERROR, errors.note(metric.name, error))
    if not isinstance(vector, Measurement):
        cache.keep_vector(metric, sample, vector)
    return vector


def compare_sets(
    metric: SetMetric, restored: Vectors, hq: Vectors | None, errors: TracebackLog
) -> tuple[Measurement, int]:
    """Return the distance of a restorer's images from a set, and the number of images.

    The order of the images is that of their names, whatever order they were restored in. They are
    compared with their ``hq``, both where they have vectors, or with the metric's own reference.
    """
    keys = sorted(restored.vectors if hq is None else restored.vectors.keys() & hq.vectors.keys())
    problems = {**(hq.problems if hq else {}), **restored.problems}
    if not keys:
        nothing = Measurement(None, Status.ERROR, "no image gave a feature vector")
        return next(iter(problems.values()), nothing), 0
    vectors = restored.stack(keys)
    try:
        others = vectors[:0] if hq is None else hq.stack(keys)
        result = _checked(metric.compare(vectors, others, numbered(keys)))
    except Exception as error:  # as in `measure`
        result = Measurement(None, Status.ERROR, errors.note(metric.name, error))
    notes = [result.detail] if result.detail else []
    if result.status is Status.OK and len(keys) < SMALL_SET:
        notes.append(f"{len(keys)} images, fewer than {SMALL_SET}: compare only at equal n")
    if problems:
        notes.append(f"{len(problems)} left out: {next(iter(problems.values())).detail}")
    return Measurement(result.value, result.status, "; ".join(notes)), len(keys)


def _checked(measurement: Measurement) -> Measurement:
    value = measurement.value
    if measurement.status is Status.OK and (value is None or math.isnan(value)):
        return Measurement(None, Status.ERROR, f"the value is {value}")
    if measurement.status is not Status.OK and value is not None:
        return Measurement(None, measurement.status, measurement.detail)
    return measurement

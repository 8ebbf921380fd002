"""How far our metrics are from other implementations of them, on pairs of images.

Pure comparison: a metric's entry names the others, `bench.validate.peers` loads them.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import degrade
from bench.metrics.entry import MetricEntry, Peer, Status
from bench.metrics.metric import Measurement, PairMetric, Sample, SetMetric, UnavailableMetric
from bench.metrics.registry import entries, load_metric
from bench.validate.peers import Compare, Measure
from degrade.config import nearest
from degrade.errors import DatasetError, UserError
from degrade.lazy import load_attribute

ImagePair = tuple[Sample, Sample]
"""Restored, and its HQ."""

_FOLDERS = (("restored", "hq"), ("dist", "ref"), ("lq", "hq"))
"""Names of the two folders of `stored_pairs`: ours, pyiqa's, and those `degrade build` writes."""

_SEED = 7


@dataclass(frozen=True, slots=True)
class Agreement:
    """One metric beside one other implementation of it, on ``n`` pairs with a value of both.

    ``relative`` is the largest difference over the larger of the two values (two infinite ones
    differ by 0) and ``tolerance`` what it may be; None where the other is of another definition. A
    status other than ``ok`` says why there is nothing to compare.
    """

    metric: str
    backend: str
    n: int
    absolute: float | None
    relative: float | None
    tolerance: float | None
    status: Status
    detail: str

    @property
    def fails(self) -> bool:
        """Whether the two are further apart than they may be, or one failed."""
        if self.status is Status.ERROR:
            return True
        if self.relative is None or self.tolerance is None:
            return False
        return not self.relative <= self.tolerance


def crosscheck(
    pairs: Sequence[ImagePair],
    metrics: Sequence[str] = (),
    tell: Callable[[str], None] = lambda note: None,
) -> list[Agreement]:
    """Compare our metrics with every other implementation of them, on pairs of equal size.

    Metrics of sets need two pairs or more. No names are all that have another implementation;
    UserError for one that has none. ``tell`` gets each comparison's name before it is made.
    """
    rows = [(entry, peer) for entry in entries().values() for peer in entry.peers]
    known = dict.fromkeys(entry.name for entry, _ in rows)
    for name in metrics:
        if name not in known:
            raise UserError(
                f"no other implementation of {name!r} is known.{nearest(name, known)} "
                f"There is one of: {', '.join(known)}"
            )
    agreements = []
    for entry, peer in rows:
        if not metrics or entry.name in metrics:
            tell(f"{entry.name}, {peer.name}")
            agreements.append(_compared(entry, peer, pairs))
    return agreements


def default_pairs(limit: int) -> Iterator[ImagePair]:
    """Yield scikit-image's photographs, at most 320 pixels long, degraded by ``gfpgan``."""
    source = degrade.open_source("sample-photos", longest=320)
    pairs = degrade.PairedDataset(source, degrade.load_recipe("gfpgan"), seed=_SEED)
    for index in range(min(limit, len(pairs))):
        pair = pairs[index]
        yield Sample(pair.lq), Sample(pair.hq)


def stored_pairs(folder: Path, limit: int) -> Iterator[ImagePair]:
    """Yield the pairs of two folders in ``folder``, matched by the names of their files.

    DatasetError where it lacks the two, their names differ, or a pair is not of one size.
    """
    names = next((each for each in _FOLDERS if all((folder / n).is_dir() for n in each)), None)
    if names is None:
        known = ", ".join(f"{one}/ and {other}/" for one, other in _FOLDERS)
        raise DatasetError(f"{folder} holds no pairs: put the images into {known}")
    restored, hq = (degrade.open_source(folder / name) for name in names)
    unmatched = set(restored.keys) ^ set(hq.keys)
    if unmatched:
        raise DatasetError(
            f"{folder}: {min(unmatched)} is in one of {names[0]}/ and {names[1]}/ only"
        )
    for key in restored.keys[:limit]:
        pair = Sample(restored.read(key)), Sample(hq.read(key))
        if pair[0].image.shape != pair[1].image.shape:
            raise DatasetError(f"{folder}: the two images {key} are of different size")
        yield pair


def _compared(entry: MetricEntry, peer: Peer, pairs: Sequence[ImagePair]) -> Agreement:
    absent = [name for name in peer.packages if importlib.util.find_spec(name) is None]
    if absent:
        extra = "pyiqa" if "pyiqa" in absent else "bench"
        detail = f"{', '.join(absent)} not installed: run `pip install 'relume[{extra}]'`"
        return _no_agreement(entry, peer, Measurement(None, Status.PACKAGE_MISSING, detail))
    ours = load_metric(entry.name)
    if isinstance(ours, UnavailableMetric):
        return _no_agreement(entry, peer, ours.reason)
    if isinstance(ours, SetMetric):
        values = _values_of_sets(ours, peer, pairs)
    else:
        values = _values_of_pairs(ours, peer, pairs)
    if isinstance(values, Measurement):
        return _no_agreement(entry, peer, values)
    absolute = max(_difference(*each) for each in values)
    relative = max(_difference(*each) / (max(map(abs, each)) or 1.0) for each in values)
    return Agreement(
        entry.name, peer.name, len(values), absolute, relative, peer.tolerance, Status.OK, peer.why
    )


def _load(peer: Peer) -> Any:
    return load_attribute(peer.loader)(*([peer.argument] if peer.argument else []))


def _values_of_pairs(
    ours: PairMetric, peer: Peer, pairs: Iterable[ImagePair]
) -> list[tuple[float, float]] | Measurement:
    """Return both values of each pair that has both; the first reason where none has."""
    theirs: Measure = _load(peer)
    values, reason = [], None
    for restored, hq in pairs:
        both = ours.measure(restored, hq), theirs(restored, hq)
        lacking = next((each for each in both if each.value is None), None)
        if lacking is None:
            values.append((float(both[0].value or 0.0), float(both[1].value or 0.0)))
        elif lacking.status in (Status.WEIGHTS_MISSING, Status.PACKAGE_MISSING):
            return lacking
        reason = reason or lacking
    return values or reason or Measurement(None, Status.ERROR, "there are no pairs")


def _values_of_sets(
    ours: SetMetric, peer: Peer, pairs: Sequence[ImagePair]
) -> list[tuple[float, float]] | Measurement:
    sides = []
    for side in zip(*pairs, strict=True):
        vectors = []
        for sample in side:
            vector = ours.describe(sample)
            if isinstance(vector, Measurement):
                return vector
            vectors.append(vector)
        sides.append(np.stack(vectors))
    if not sides:
        return Measurement(None, Status.ERROR, "there are no pairs")
    value = ours.compare(sides[0], sides[1])
    if value.value is None:
        return value
    theirs: Compare = _load(peer)
    return [(value.value, theirs(sides[0], sides[1]))]


def _no_agreement(entry: MetricEntry, peer: Peer, reason: Measurement) -> Agreement:
    return Agreement(
        entry.name, peer.name, 0, None, None, peer.tolerance, reason.status, reason.detail
    )


def _difference(one: float, other: float) -> float:
    return 0.0 if one == other else math.fabs(one - other)

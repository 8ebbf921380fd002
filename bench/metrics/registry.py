"""Every metric by name: those of the rooms beside this file, and of other installed packages.

A module of a room declares its metrics as ``ENTRIES`` and imports what is heavy inside its loader,
so listing imports no torch, no dlib and no OpenCV. Another package names a `MetricEntry`, or
several, by an entry point of the group ``relume.metrics``.
"""

from __future__ import annotations

import functools
import importlib.util
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, cast

from bench.metrics.entry import MetricEntry, Status
from bench.metrics.metric import PairMetric, SetMetric, unavailable
from bench.metrics.no_reference.pyiqa_metric import PREFIX, load_pyiqa, pyiqa_entry, pyiqa_error
from degrade.config import nearest
from degrade.errors import UserError
from degrade.lazy import load_attribute
from zoo.weights.files import WeightsMissing, is_present, known_weights, own_file
from zoo.weights.licences import is_accepted

GROUP = "relume.metrics"
"""The group of entry points by which other packages offer metrics."""

_ROOMS = ("pixel", "perceptual", "no_reference", "identity", "distribution")
"""In the order of listings; modules stand there in alphabetical order."""

_EXTRAS = MappingProxyType({"onnxruntime": "arcface", "torchmetrics": "bench"})
"""Which extra of relume brings a package; the others come with ``zoo``."""

RECORDED = ("name", "kind", "feature", "direction", "unit", "signature", "source", "judge",
            "needs_reference", "error", "cap", "distance", "ranking")  # fmt: skip
"""Facts that a run's record keeps, so that it can be reported where the metric is not installed."""


def entries() -> Mapping[str, MetricEntry]:
    """Return every entry by name, in the order of listings, read-only; without ``pyiqa:NAME``.

    Raises UserError where another package offers what is no entry, or a name that is taken.
    """
    return MappingProxyType({**_built_in(), **_offered(tuple(sys.path))})


@functools.cache
def _built_in() -> dict[str, MetricEntry]:
    known_entries: dict[str, MetricEntry] = {}
    for room in _ROOMS:
        package = importlib.import_module(f"bench.metrics.{room}")
        for module in sorted(each.name for each in pkgutil.iter_modules(package.__path__)):
            declared = importlib.import_module(f"{package.__name__}.{module}")
            for entry in getattr(declared, "ENTRIES", ()):
                assert entry.name not in known_entries, f"{entry.name} is declared twice"
                known_entries[entry.name] = entry
    return known_entries


@functools.lru_cache(maxsize=1)
def _offered(path: tuple[str, ...]) -> dict[str, MetricEntry]:
    """Return the metrics of other packages on the path, by the names of their entry points."""
    known_entries: dict[str, MetricEntry] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        for entry in _entries_of(point):
            if entry.name in _built_in() or entry.name in known_entries:
                raise UserError(f"{_package(point)} offers the metric {entry.name}, which is taken")
            known_entries[entry.name] = entry
    return known_entries


def _entries_of(point: EntryPoint) -> Iterator[MetricEntry]:
    try:
        declared: object = point.load()
    except Exception as error:
        reason = " ".join(str(error).split()) or "no reason given"
        raise UserError(
            f"{_package(point)} cannot be imported for its metric {point.name} "
            f"({type(error).__name__}: {reason}): update or uninstall it"
        ) from error
    several = declared if isinstance(declared, Iterable) else (declared,)
    for entry in several:
        if not isinstance(entry, MetricEntry):
            raise UserError(
                f"{_package(point)} offers {type(entry).__name__} as the metric {point.name}: it "
                "must be a bench.metrics.entry.MetricEntry"
            )
        yield entry


def _package(point: EntryPoint) -> str:
    return f"the package {point.dist.name}" if point.dist is not None else point.value


def metric_names() -> tuple[str, ...]:
    """Return the names that `load_metric` takes."""
    return tuple(entries())


def entry_of(name: str) -> MetricEntry:
    """Return the facts of one metric, also of ``pyiqa:NAME``; UserError for an unknown name."""
    if name.startswith(PREFIX):
        return pyiqa_entry(name)
    known = entries()
    if name not in known:
        raise UserError(
            f"no metric is called {name!r}.{nearest(name, known)} `bench metrics` lists them all"
        )
    return known[name]


def metric_facts(metric: PairMetric | SetMetric) -> dict[str, Any]:
    """Return what a run's record keeps of a metric.

    Of one without an entry, as tests and callers of the runner may have, what its class tells.
    """
    entry = getattr(metric, "entry", None)
    facts = {name: getattr(entry, name) for name in RECORDED} if entry else {}
    own = ("name", "direction", "unit", "signature", "source", "judge")
    kind = "set" if isinstance(metric, SetMetric) else "pair"
    facts |= {"kind": kind, "feature": getattr(metric, "feature", "")}
    return {**facts, **{name: str(getattr(metric, name)) for name in own}}


def recorded_entry(facts: Mapping[str, Any]) -> MetricEntry:
    """Return the entry of a metric from its facts in a ``run.json``.

    What the record of an earlier version lacks is taken from the registry, where the metric is
    still known there.
    """
    name = str(facts["name"])
    if name.startswith(PREFIX):
        known = MetricEntry(name, "pair", "higher", "", "", "", error=pyiqa_error(name))
    else:
        known = entries().get(name) or MetricEntry(name, "pair", "higher", "", "", "")
    names = {each.name for each in fields(MetricEntry)} & set(RECORDED) & facts.keys()
    return replace(known, **{each: facts[each] for each in names})


def describe_metrics() -> list[MetricEntry]:
    """Return the facts of every metric and whether it can run here, loading none.

    Weights are looked for by name, not checked: that happens when they are loaded.
    """
    return [_with_status(entry) for entry in entries().values()]


def load_metric(name: str) -> PairMetric | SetMetric:
    """Return one metric of `entries` or ``pyiqa:NAME``, ready: all reading of weights happens here.

    Where a package or the weights are not on this machine, a stand-in comes back whose every
    measurement carries the status and the command that mends it. Nothing is ever downloaded.
    UserError for an unknown name, WeightsRefused where a weights file is damaged or not the
    published one.
    """
    if name.startswith(PREFIX):
        return load_pyiqa(name)
    entry = _with_status(entry_of(name))
    if not entry.available:
        return unavailable(entry)
    try:
        return cast(PairMetric | SetMetric, load_attribute(entry.loader)(entry))
    except WeightsMissing as error:
        return unavailable(replace(entry, status=Status.WEIGHTS_MISSING, detail=str(error)))


def _with_status(entry: MetricEntry) -> MetricEntry:
    absent = [name for name in entry.packages if importlib.util.find_spec(name) is None]
    if absent:
        extra = next((_EXTRAS[name] for name in absent if name in _EXTRAS), "zoo")
        detail = f"{', '.join(absent)} not installed: run `pip install 'relume[{extra}]'`"
        return replace(entry, status=Status.PACKAGE_MISSING, detail=detail)
    if entry.weights and not is_present(known_weights(entry.weights)):
        detail = f"run `zoo fetch {entry.weights}` with a network"
        return replace(entry, status=Status.WEIGHTS_MISSING, detail=detail)
    if entry.file:
        try:
            own_file(entry.file)
        except WeightsMissing as error:
            return replace(entry, status=Status.WEIGHTS_MISSING, detail=str(error))
    if entry.licence and not is_accepted(entry.licence):
        detail = f"run `bench metrics --accept-licence {entry.licence}` if you agree to its licence"
        return replace(entry, status=Status.WEIGHTS_MISSING, detail=detail)
    return entry

"""The table of metrics: what each is called, what it is, how it is loaded.

Listing imports no torch, no dlib and no OpenCV; loading imports what the one metric needs.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from bench.metrics.fd_efficientnet import FD, load_fd
from bench.metrics.fid import FID, load_fid
from bench.metrics.identity_dlib import FACE_FOUND, IDENTITY, load_face_found, load_identity
from bench.metrics.kd_efficientnet import KD, load_kd
from bench.metrics.lpips import LPIPS, load_lpips
from bench.metrics.metric import MetricEntry, PairMetric, SetMetric, Status
from bench.metrics.perceptual_efficientnet import PERCEPTUAL, load_perceptual
from bench.metrics.psnr import PSNR_PROTOCOLS, Psnr
from bench.metrics.ssim import SSIM_PROTOCOLS, Ssim
from bench.metrics.unavailable import unavailable
from degrade.errors import UserError
from degrade.yaml_lines import nearest
from zoo.weights import WeightsMissing, is_present, known_weights

__all__ = ["METRICS", "MetricSource", "describe_metrics", "load_metric", "metric_names"]


@dataclass(frozen=True, slots=True)
class MetricSource:
    """One row of the table: the facts, and the function that loads the metric."""

    entry: MetricEntry
    load: Callable[[], PairMetric | SetMetric]


def _table() -> Mapping[str, MetricSource]:
    rows = [
        *(MetricSource(row[0], partial(Psnr, *row)) for row in PSNR_PROTOCOLS),
        *(MetricSource(row[0], partial(Ssim, *row)) for row in SSIM_PROTOCOLS),
        MetricSource(PERCEPTUAL, load_perceptual),
        MetricSource(LPIPS, load_lpips),
        MetricSource(IDENTITY, load_identity),
        MetricSource(FACE_FOUND, load_face_found),
        MetricSource(FD, load_fd),
        MetricSource(KD, load_kd),
        MetricSource(FID, load_fid),
    ]
    return MappingProxyType({row.entry.name: row for row in rows})


METRICS: Mapping[str, MetricSource] = _table()
"""Every metric by name, in the order of listings."""


def metric_names() -> tuple[str, ...]:
    """Return the names that `load_metric` takes."""
    return tuple(METRICS)


def describe_metrics() -> list[MetricEntry]:
    """Return the facts of every metric and whether it can run here, loading none.

    Weights are looked for by name, not checked: that happens when they are loaded.
    """
    return [_with_status(row.entry) for row in METRICS.values()]


def load_metric(name: str) -> PairMetric | SetMetric:
    """Return one metric, ready to measure: all reading of weights happens here.

    Where a package or the weights are not on this machine, a stand-in comes back whose
    every measurement carries the status and the command that mends it. Nothing is ever
    downloaded.

    Raises
    ------
    UserError
        No metric has that name.
    WeightsRefused
        A weights file is there but is damaged or not the published one.
    """
    if name not in METRICS:
        raise UserError(
            f"no metric is called {name!r}.{nearest(name, METRICS)} `bench metrics` lists them all"
        )
    row = METRICS[name]
    entry = _with_status(row.entry)
    if not entry.available:
        return unavailable(entry)
    try:
        return row.load()
    except WeightsMissing as error:
        return unavailable(replace(entry, status=Status.WEIGHTS_MISSING, detail=str(error)))


def _with_status(entry: MetricEntry) -> MetricEntry:
    absent = [name for name in entry.packages if importlib.util.find_spec(name) is None]
    if absent:
        extra = "bench" if "torchmetrics" in absent else "zoo"
        detail = f"{', '.join(absent)} not installed: run `pip install 'relume[{extra}]'`"
        return replace(entry, status=Status.PACKAGE_MISSING, detail=detail)
    if entry.weights and not is_present(known_weights(entry.weights)):
        detail = f"run `zoo fetch {entry.weights}` with a network"
        return replace(entry, status=Status.WEIGHTS_MISSING, detail=detail)
    return entry

"""The table of metrics: what each is called, what it is, how it is loaded.

Listing imports no torch, no dlib and no OpenCV; loading imports what the one metric needs.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from bench.metrics.distribution.fd_efficientnet import FD, load_fd
from bench.metrics.distribution.fd_mobilenet import FD_MOBILENET, load_fd_mobilenet
from bench.metrics.distribution.fid import FID, FID_CLEAN, load_fid, load_fid_clean
from bench.metrics.distribution.fid_torch_fidelity import (
    FID_TORCH_FIDELITY,
    load_fid_torch_fidelity,
)
from bench.metrics.distribution.kd_efficientnet import KD, load_kd
from bench.metrics.distribution.kid import KID, KID_CLEAN, load_kid, load_kid_clean
from bench.metrics.identity.identity_arcface import ARCFACE_METRICS, load_identity_arcface
from bench.metrics.identity.identity_arcface_small import (
    IDENTITY_ARCFACE_SMALL,
    load_identity_arcface_small,
)
from bench.metrics.identity.identity_dlib import (
    FACE_FOUND,
    IDENTITY,
    IDENTITY_DEGREES,
    IDENTITY_STRICT,
    load_face_found,
    load_identity,
    load_identity_degrees,
    load_identity_strict,
)
from bench.metrics.identity.identity_scripts import (
    IDENTITY_RESTOREFORMER,
    IDENTITY_VQFR,
    load_identity_restoreformer,
    load_identity_vqfr,
)
from bench.metrics.identity.landmark_distance import (
    LANDMARK_DISTANCE,
    LANDMARK_DISTANCE_NORMALISED,
    load_landmark_distance,
    load_landmark_distance_normalised,
)
from bench.metrics.metric import MetricEntry, PairMetric, SetMetric, Status
from bench.metrics.no_reference.niqe import NIQE, NIQE_Y_FULL, load_niqe, load_niqe_y_full
from bench.metrics.no_reference.pyiqa_metric import PREFIX, load_pyiqa
from bench.metrics.perceptual.dists import DISTS, load_dists
from bench.metrics.perceptual.lpips import LPIPS, LPIPS_VGG, load_lpips, load_lpips_vgg
from bench.metrics.perceptual.lpips_restoreformer import (
    LPIPS_BGR,
    LPIPS_BGR_UNIT,
    load_lpips_bgr,
    load_lpips_bgr_unit,
)
from bench.metrics.perceptual.perceptual_efficientnet import PERCEPTUAL, load_perceptual
from bench.metrics.perceptual.perceptual_mobilenet import (
    PERCEPTUAL_MOBILENET,
    load_perceptual_mobilenet,
)
from bench.metrics.pixel.ms_ssim import MS_SSIM_PROTOCOLS, MsSsim
from bench.metrics.pixel.psnr import PSNR_PROTOCOLS, Psnr
from bench.metrics.pixel.ssim import SSIM_PROTOCOLS, Ssim
from bench.metrics.unavailable import unavailable
from degrade.config import nearest
from degrade.errors import UserError
from zoo.weights.files import WeightsMissing, is_present, known_weights, own_file
from zoo.weights.licences import is_accepted

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
        *(MetricSource(row[0], partial(MsSsim, *row)) for row in MS_SSIM_PROTOCOLS),
        MetricSource(PERCEPTUAL, load_perceptual),
        MetricSource(PERCEPTUAL_MOBILENET, load_perceptual_mobilenet),
        MetricSource(LPIPS, load_lpips),
        MetricSource(LPIPS_VGG, load_lpips_vgg),
        MetricSource(LPIPS_BGR, load_lpips_bgr),
        MetricSource(LPIPS_BGR_UNIT, load_lpips_bgr_unit),
        MetricSource(DISTS, load_dists),
        MetricSource(NIQE, load_niqe),
        MetricSource(NIQE_Y_FULL, load_niqe_y_full),
        MetricSource(IDENTITY, load_identity),
        MetricSource(IDENTITY_DEGREES, load_identity_degrees),
        MetricSource(IDENTITY_STRICT, load_identity_strict),
        MetricSource(IDENTITY_VQFR, load_identity_vqfr),
        MetricSource(IDENTITY_RESTOREFORMER, load_identity_restoreformer),
        MetricSource(FACE_FOUND, load_face_found),
        MetricSource(IDENTITY_ARCFACE_SMALL, load_identity_arcface_small),
        *(MetricSource(row[0], partial(load_identity_arcface, *row)) for row in ARCFACE_METRICS),
        MetricSource(LANDMARK_DISTANCE, load_landmark_distance),
        MetricSource(LANDMARK_DISTANCE_NORMALISED, load_landmark_distance_normalised),
        MetricSource(FD, load_fd),
        MetricSource(FD_MOBILENET, load_fd_mobilenet),
        MetricSource(KD, load_kd),
        MetricSource(FID, load_fid),
        MetricSource(FID_CLEAN, load_fid_clean),
        MetricSource(FID_TORCH_FIDELITY, load_fid_torch_fidelity),
        MetricSource(KID, load_kid),
        MetricSource(KID_CLEAN, load_kid_clean),
    ]
    return MappingProxyType({row.entry.name: row for row in rows})


METRICS: Mapping[str, MetricSource] = _table()
"""Every metric by name, in the order of listings; any other of pyiqa's goes as ``pyiqa:NAME``."""


_EXTRAS = MappingProxyType({"onnxruntime": "arcface", "torchmetrics": "bench"})
"""Which extra of relume brings a package; the others come with ``zoo``."""


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

    Parameters
    ----------
    name
        Of `METRICS`, or ``pyiqa:NAME`` for any other metric of pyiqa.

    Raises
    ------
    UserError
        No metric has that name.
    WeightsRefused
        A weights file is there but is damaged or not the published one.
    """
    if name.startswith(PREFIX):
        return load_pyiqa(name)
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

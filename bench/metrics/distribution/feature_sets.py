"""Fréchet and kernel distance of two image sets on ImageNet features; they are not FID and KID."""

from __future__ import annotations

from bench.metrics.distribution.distances import (
    FRECHET_PEER,
    KERNEL_PEER,
    SetDistanceMetric,
)
from bench.metrics.entry import MetricEntry, Peer, SetDistance
from bench.metrics.perceptual.features import (
    EFFICIENTNET,
    MOBILENET,
    FeatureSetMetric,
    Judge,
    load_judge,
)


def _entry(
    name: str,
    judge: Judge,
    distance: SetDistance,
    signature: str,
    source: str,
    equal: tuple[float, float] | None,
    peers: tuple[Peer, ...],
) -> MetricEntry:
    return MetricEntry(
        name,
        "set",
        "lower",
        "",
        signature,
        source,
        "bench.metrics.distribution.feature_sets:load_feature_distance",
        judge=judge.name,
        packages=judge.packages,
        packaged=judge.packaged,
        weights=judge.weights,
        feature=judge.pooled,
        distance=distance,
        equal=equal,
        peers=peers,
    )


def _frechet(name: str, judge: Judge, peers: tuple[Peer, ...] = ()) -> MetricEntry:
    return _entry(
        name,
        judge,
        "frechet",
        f"fd|{judge.name}|pooled1280|native-size|singular-value-trace",
        "Fréchet distance (Dowson and Landau 1982; Heusel et al. 2017); not FID",
        (0.0, 1e-4),
        peers,
    )


ENTRIES = (
    _frechet("fd_efficientnet", EFFICIENTNET, (FRECHET_PEER,)),
    _frechet("fd_mobilenet", MOBILENET),
    _entry(
        "kd_efficientnet",
        EFFICIENTNET,
        "kernel",
        f"kd|{EFFICIENTNET.name}|pooled1280|native-size|poly3-gamma1/d-coef1|unbiased"
        "|pairs-of-photographs",
        "kernel of Binkowski et al. 2018, unbiased MMD² of Gretton et al. 2012; not KID",
        None,
        (KERNEL_PEER,),
    ),
)


class FeatureDistance(SetDistanceMetric, FeatureSetMetric):
    """Fréchet or kernel distance of pooled features, of 1280 dimensions."""

    __slots__ = ()


def load_feature_distance(entry: MetricEntry) -> FeatureDistance:
    """Return one of `ENTRIES` with its network loaded; errors as `load_judge`."""
    return FeatureDistance(entry, load_judge(entry.judge))

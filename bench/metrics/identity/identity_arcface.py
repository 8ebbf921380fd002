"""Whether the restored face is still the same to ArcFace networks that others publish.

Five networks, each its own judge and column, through one crop without a detector
(`zoo.portrait.align.arcface_crop`): cosines and degrees of faces aligned as ``ffhq``, cosines of
``tight`` ones. Nothing is fetched here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.metrics.identity.arcface_pair import ArcFacePair
from bench.metrics.metric import MetricEntry

__all__ = ["ARCFACE_METRICS", "load_identity_arcface"]

_Describe = Callable[[NDArray[np.float32]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class _Judge:
    """One network: what it is called, where it is from, what it needs."""

    name: str
    metric: str
    source: str
    package: str
    side: int
    weights: str = ""
    file: str = ""


_JUDGES = (
    _Judge("arcface-w600k-r50", "identity_arcface", "insightface buffalo_l, w600k_r50.onnx",
           "onnxruntime", 112, weights="arcface-w600k-r50"),
    _Judge("arcface-glintr100", "identity_arcface_r100", "insightface antelopev2, glintr100.onnx",
           "onnxruntime", 112, weights="arcface-glintr100"),
    _Judge("arcface-auraface", "identity_auraface", "fal AuraFace-v1, Apache-2.0, glintr100 layout",
           "onnxruntime", 112, weights="arcface-auraface"),
    _Judge("arcface-irse50", "identity_arcface_irse50",
           "TreB1eN/InsightFace_Pytorch, model_ir_se50.pth, as in pSp's identity loss",
           "torch", 112, weights="arcface-irse50"),
    _Judge("arcface-resnet18", "identity_arcface_gray",
           "ronghuaiyang/arcface-pytorch, GFPGAN's arcface_resnet18.pth, the network of Deg.",
           "torch", 128, file="arcface_resnet18.pth"),
)  # fmt: skip
_KINDS = (
    ("", "higher", "cosine", "ffhq"),
    ("_degrees", "lower", "°", "ffhq"),
    ("_tight", "higher", "cosine", "tight"),
)


def _entries() -> tuple[tuple[MetricEntry, str], ...]:
    found = []
    for judge in _JUDGES:
        for ending, direction, unit, template in _KINDS:
            what = "degrees" if unit == "°" else "cosine"
            box = "box" if template == "ffhq" else "box-mirrored"
            entry = MetricEntry(
                name=judge.metric + ending,
                kind="pair",
                direction="lower" if direction == "lower" else "higher",
                unit=unit,
                signature=f"identity|{judge.name}|{what}|{template}-aligned|{box}|{judge.side}px|rgb",
                source=judge.source,
                judge=judge.name,
                packages=(judge.package,),
                weights=judge.weights,
                file=judge.file,
            )
            found.append((entry, template))
    return tuple(found)


ARCFACE_METRICS = _entries()
"""The entries, and how the faces that each takes are aligned."""


def load_identity_arcface(entry: MetricEntry, template: str) -> ArcFacePair:
    """Return one of `ARCFACE_METRICS` with its network loaded.

    Raises
    ------
    WeightsMissing
        The file is not here.
    WeightsRefused
        It is damaged, of another network, or not the published one.
    """
    judge = next(each for each in _JUDGES if each.name == entry.judge)
    describe = _describer(judge)

    def described(image: NDArray[np.uint8]) -> NDArray[np.float64]:
        from zoo.portrait.align.arcface_crop import arcface_crop

        return describe(arcface_crop(image, template, judge.side))

    return ArcFacePair(entry, described, template)


def _describer(judge: _Judge) -> _Describe:
    path = _file_of(judge)
    if judge.package == "onnxruntime":
        from zoo.networks.faces.arcface_onnx import OnnxArcFace

        return OnnxArcFace(path).describe
    return partial(_by_torch, _network(judge.name, path))


def _file_of(judge: _Judge) -> Path:
    from zoo.weights.files import known_weights, locate, own_file

    if judge.file:
        return own_file(judge.file)
    return locate(known_weights(judge.weights), offline=True)


def _network(name: str, path: Path) -> Callable[..., object]:
    """Return RGB ``(1, 3, side, side)`` in [-1, 1] → ``(1, features)``."""
    from zoo.networks.faces.arcface_gray import grey, load_gray
    from zoo.networks.faces.arcface_irse50 import load_irse50

    if name == "arcface-irse50":
        return load_irse50(path)
    network = load_gray(path)
    return lambda faces: network(grey(faces))


def _by_torch(network: Callable[..., object], face: NDArray[np.float32]) -> NDArray[np.float64]:
    import torch

    faces = torch.from_numpy(np.ascontiguousarray(face)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        described = network((faces - 127.5) / 127.5)
    assert isinstance(described, torch.Tensor)
    return np.asarray(described[0].double().numpy())

"""Whether the restored face is still the same person to ArcFace networks.

Five networks that others publish, each its own judge and column, through one crop without a
detector (`zoo.portrait.align.arcface_crop`): cosines and degrees of faces aligned as ``ffhq``,
cosines of ``tight`` ones; and ``arcface-small``, which was trained here to tell images apart,
each seen in many ways, and no person over years: see its card.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import Direction, MetricEntry, Status
from bench.metrics.identity.identity_dlib import cosine, degrees
from bench.metrics.metric import Measurement, RegisteredMetric, Sample, refuse_sizes

if TYPE_CHECKING:
    from zoo.networks.faces.face_descriptor import FaceDescriptor

SMALLEST = 32
"""Pixels of a side; `zoo align` cuts no smaller faces."""


class ArcFacePair(RegisteredMetric):
    """Cosine, or the angle in degrees, of two descriptors of the same region of both images.

    The images are aligned faces, so no detector is asked and every pair has a value. Nothing is
    left out: an image equal to HQ scores 1, or 0 degrees. ``describe`` takes uint8
    (size, size, 3) RGB and returns ``(features,)``; ``template`` says how the faces are aligned.
    """

    __slots__ = ("_describe", "_template")

    def __init__(
        self,
        entry: MetricEntry,
        describe: Callable[[NDArray[np.uint8]], NDArray[np.float64]],
        template: str,
    ) -> None:
        super().__init__(entry)
        self._describe, self._template = describe, template

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Compare two uint8 RGB images of equal size, square, of at least 32 pixels."""
        refused = refuse_sizes(restored, hq, SMALLEST)
        if refused:
            return refused
        height, width = hq.image.shape[:2]
        if height != width:
            text = f"{height} x {width} is not square: give faces that `zoo align` cut"
            return Measurement(None, Status.ERROR, text)
        name = f"{self.judge} {self._template}"
        value = cosine(*(each.feature(name, self._describe) for each in (restored, hq)))
        return Measurement(degrees(value) if self.unit == "°" else value)


_Describe = Callable[[NDArray[np.float32]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class _Network:
    """One network: what it is called, where it is from, what it needs."""

    name: str
    metric: str
    source: str
    package: str
    side: int
    weights: str = ""
    file: str = ""


_NETWORKS = (
    _Network("arcface-w600k-r50", "identity_arcface", "insightface buffalo_l, w600k_r50.onnx",
             "onnxruntime", 112, weights="arcface-w600k-r50"),
    _Network("arcface-glintr100", "identity_arcface_r100", "insightface antelopev2, glintr100.onnx",
             "onnxruntime", 112, weights="arcface-glintr100"),
    _Network("arcface-auraface", "identity_auraface",
             "fal AuraFace-v1, Apache-2.0, glintr100 layout",
             "onnxruntime", 112, weights="arcface-auraface"),
    _Network("arcface-irse50", "identity_arcface_irse50",
             "TreB1eN/InsightFace_Pytorch, model_ir_se50.pth, as in pSp's identity loss",
             "torch", 112, weights="arcface-irse50"),
    _Network("arcface-resnet18", "identity_arcface_gray",
             "ronghuaiyang/arcface-pytorch, GFPGAN's arcface_resnet18.pth, the network of Deg.",
             "torch", 128, file="arcface_resnet18.pth"),
)  # fmt: skip
_KINDS: tuple[tuple[str, Direction, str, str], ...] = (
    ("", "higher", "cosine", "ffhq"),
    ("_degrees", "lower", "°", "ffhq"),
    ("_tight", "higher", "cosine", "tight"),
)
"""Ending of the name, direction, unit, and the template by which the faces are aligned."""

SMALL = MetricEntry(
    "identity_arcface_small",
    "pair",
    "higher",
    "cosine",
    "identity|arcface-small|cosine|tight-aligned|64px",
    "arcface-small, trained here: Deng et al. 2019 (arXiv 1801.07698) on single images",
    "bench.metrics.identity.arcface:load_arcface_small",
    judge="arcface-small",
    packages=("torch", "safetensors"),
    packaged=(("zoo", "weights/arcface-small.safetensors"),),
    error="one_minus",
    equal=(1.0, 1e-6),
)


def _entry(
    network: _Network, ending: str, direction: Direction, unit: str, template: str
) -> MetricEntry:
    value = "degrees" if unit == "°" else "cosine"
    box = "box" if template == "ffhq" else "box-mirrored"
    return MetricEntry(
        network.metric + ending,
        "pair",
        direction,
        unit,
        f"identity|{network.name}|{value}|{template}-aligned|{box}|{network.side}px|rgb",
        network.source,
        "bench.metrics.identity.arcface:load_arcface",
        judge=network.name,
        packages=(network.package,),
        weights=network.weights,
        file=network.file,
        error="value" if unit == "°" else "one_minus",
    )


ENTRIES = (SMALL, *(_entry(network, *kind) for network in _NETWORKS for kind in _KINDS))


def load_arcface(entry: MetricEntry) -> ArcFacePair:
    """Return one of the published `ENTRIES`; raises WeightsMissing or WeightsRefused."""
    network = next(each for each in _NETWORKS if each.name == entry.judge)
    template = "tight" if "tight-aligned" in entry.signature else "ffhq"
    describe = _describer(network)

    def describe_crop(image: NDArray[np.uint8]) -> NDArray[np.float64]:
        from zoo.portrait.align.arcface_crop import arcface_crop

        return describe(arcface_crop(image, template, network.side))

    return ArcFacePair(entry, describe_crop, template)


def load_arcface_small(entry: MetricEntry) -> ArcFacePair:
    """Return the metric with its network loaded; WeightsMissing where it is not shipped."""
    from zoo.networks.faces.face_descriptor import shipped_descriptor

    network = shipped_descriptor("arcface-small")
    return ArcFacePair(entry, lambda image: _describe_small(network, image), "tight")


def _describer(network: _Network) -> _Describe:
    path = _file_of(network)
    if network.package == "onnxruntime":
        from zoo.networks.faces.arcface_onnx import OnnxArcFace

        return OnnxArcFace(path).describe
    return partial(_by_torch, _load_network(network.name, path))


def _file_of(network: _Network) -> Path:
    from zoo.weights.files import known_weights, locate, own_file

    if network.file:
        return own_file(network.file)
    return locate(known_weights(network.weights), offline=True)


def _load_network(name: str, path: Path) -> Callable[..., object]:
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


def _describe_small(network: FaceDescriptor, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    import torch

    faces = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        return np.asarray(network(faces)[0].double().numpy())

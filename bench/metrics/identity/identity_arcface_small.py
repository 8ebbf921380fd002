"""Whether the restored face is still the same to ``arcface-small``, which was trained here.

It was taught to tell photographs apart, each seen in many ways, and no person over years: see
its card. Where it was a restorer's loss, that restorer's values carry a dagger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.metrics.identity.arcface_pair import ArcFacePair
from bench.metrics.metric import MetricEntry

if TYPE_CHECKING:
    from zoo.networks.faces.face_descriptor import FaceDescriptor

__all__ = ["IDENTITY_ARCFACE_SMALL", "load_identity_arcface_small"]

IDENTITY_ARCFACE_SMALL = MetricEntry(
    name="identity_arcface_small",
    kind="pair",
    direction="higher",
    unit="cosine",
    signature="identity|arcface-small|cosine|tight-aligned|64px",
    source="arcface-small, trained here: Deng et al. 2019 (arXiv 1801.07698) on single photographs",
    judge="arcface-small",
    packages=("torch", "safetensors"),
    packaged=(("zoo", "weights/arcface-small.safetensors"),),
)


def load_identity_arcface_small() -> ArcFacePair:
    """Return the metric with its network loaded; WeightsMissing where it is not shipped."""
    from zoo.weights.descriptors import shipped_descriptor

    network = shipped_descriptor("arcface-small")
    return ArcFacePair(IDENTITY_ARCFACE_SMALL, lambda image: _describe(network, image), "tight")


def _describe(network: FaceDescriptor, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    import torch

    faces = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        return np.asarray(network(faces)[0].double().numpy())

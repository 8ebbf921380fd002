"""DISTS: structure and texture of VGG-16's maps, with weights found locally.

torchvision's VGG-16 is looked for where `zoo fetch` puts it; the 2950 weights of the paper ship
inside torchmetrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import MetricEntry
from bench.metrics.metric import Measurement, RegisteredMetric, Sample, refuse_sizes
from bench.metrics.no_reference.pyiqa_metric import pyiqa_peer

if TYPE_CHECKING:
    from torch import Tensor

    from bench.metrics.networks.dists import DistsNetwork

_HEADS = ("torchmetrics", "functional/image/dists_models/weights.pt")

ENTRIES = (
    MetricEntry(
        "dists",
        "pair",
        "lower",
        "",
        "dists|vgg16|rgb|native-size",
        "Ding et al. 2020 (arXiv 2004.07728), weights of dingkeyan93/DISTS",
        "bench.metrics.perceptual.dists:load_dists",
        judge="vgg16",
        packages=("torch", "torchvision", "torchmetrics", "safetensors"),
        weights="vgg16",
        packaged=(_HEADS,),
        error="value",
        ranking=3,
        protocols={"strict": "dists", "pyiqa": "dists"},
        equal=(0.0, 1e-6),
        peers=(pyiqa_peer("dists", 1e-3, "float32, one minus a number near one"),),
    ),
)

_SMALLEST = 32
"""Pixels on the shorter side: VGG-16's last map is then 2 x 2, the least that has a variance."""


class Dists(RegisteredMetric):
    """DISTS of one image pair; 0 for equal images, usually below 1.

    The images are not resized; the authors' demonstration shrinks them to 256 pixels first,
    which gives other values.
    """

    __slots__ = ("_network",)

    def __init__(self, entry: MetricEntry, network: DistsNetwork) -> None:
        super().__init__(entry)
        self._network = network

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Compare two uint8 HWC RGB images of equal size, at least 32 x 32."""
        import torch

        refused = refuse_sizes(restored, hq, _SMALLEST)
        if refused:
            return refused
        with torch.inference_mode():
            hq_maps = hq.feature("dists-vgg16", self._maps)
            return Measurement(float(self._network.distance(self._maps(restored.image), hq_maps)))

    def _maps(self, image: NDArray[np.uint8]) -> list[Tensor]:
        import torch

        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
        with torch.inference_mode():
            return self._network.maps(pixels.float() / 255)


def load_dists(entry: MetricEntry) -> Dists:
    """Return the metric with its network loaded; WeightsMissing when VGG-16 is not here."""
    from bench.metrics.networks.dists import DistsNetwork, load_heads
    from zoo.weights.files import known_weights, load_state_dict, locate

    path = locate(known_weights(entry.weights), offline=True)
    return Dists(entry, DistsNetwork(load_state_dict(path), load_heads()))

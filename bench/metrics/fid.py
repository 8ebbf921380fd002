"""The Fréchet Inception distance as pytorch-fid computes it, with weights found locally.

pytorch-fid's protocol ("legacy" in clean-fid and pyiqa) is taken because the BasicSR family
of face papers descends from it; ``clean`` resizes otherwise and gives other values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.metrics.described import Described
from bench.metrics.frechet import frechet_distance, refuse_sets
from bench.metrics.metric import Measurement, MetricEntry, Sample

if TYPE_CHECKING:
    from bench.metrics.inception import FidInception

__all__ = ["FID", "Fid", "load_fid"]

FID = MetricEntry(
    name="fid",
    kind="set",
    direction="lower",
    unit="",
    signature="fid|inception-2015-12-05|pytorch-fid-legacy|bilinear299|pool3-2048",
    source="Heusel et al. 2017 (arXiv 1706.08500), protocol and weights of pytorch-fid 0.3.0",
    judge="inception-v3",
    packages=("torch", "torchvision", "safetensors"),
    weights="fid-inception",
    feature="inception-pool3",
)


class Fid(Described):
    """Fréchet distance of Inception's pool3 features.

    Biased upwards for small sets: below 2048 images on either side the covariances are
    rank-deficient, and only values of equal n may be compared.

    Parameters
    ----------
    entry
        The facts.
    network
        `FidInception` with its weights.
    """

    __slots__ = ("_network",)

    def __init__(self, entry: MetricEntry, network: FidInception) -> None:
        super().__init__(entry)
        self._network = network

    def describe(self, sample: Sample) -> NDArray[np.float64] | Measurement:
        """Return the ``(2048,)`` features of a uint8 HWC RGB image of any size."""
        return sample.feature("fid-inception", self._features)

    def compare(
        self,
        restored: NDArray[np.float64],
        reference: NDArray[np.float64],
        images: NDArray[np.intp] | None = None,
    ) -> Measurement:
        """Return the distance of two ``(n, 2048)`` sets, n at least 2; ``images`` is unread."""
        refused = refuse_sets(restored, reference)
        return refused or Measurement(frechet_distance(restored, reference))

    def _features(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        import torch

        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
        with torch.inference_mode():
            return np.asarray(self._network(pixels.float() / 255)[0].double().numpy())


def load_fid() -> Fid:
    """Return the metric with its network loaded; WeightsMissing when it is not here."""
    from bench.metrics.inception import FidInception
    from zoo.weights import known_weights, load_state_dict, locate

    path = locate(known_weights(FID.weights), offline=True)
    return Fid(FID, FidInception(load_state_dict(path)))

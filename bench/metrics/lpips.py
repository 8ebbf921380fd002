"""LPIPS (AlexNet, version 0.1), through torchmetrics' network with weights found locally.

Nothing is downloaded here: torchvision's AlexNet is looked for where `zoo fetch` puts it, and
the small linear heads ship inside torchmetrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.metrics.described import Described
from bench.metrics.metric import Measurement, MetricEntry, Sample, refuse_sizes

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["LPIPS", "Lpips", "build_network", "load_lpips"]

LPIPS = MetricEntry(
    name="lpips",
    kind="pair",
    direction="lower",
    unit="",
    signature="lpips|alex|v0.1|rgb|native-size",
    source="Zhang et al. 2018 (arXiv 1801.03924), torchmetrics' network and heads",
    judge="alexnet",
    packages=("torch", "torchvision", "torchmetrics", "safetensors"),
    weights="alexnet",
)

_SMALLEST = 32
"""Pixels on the shorter side: AlexNet's last map is then 1 x 1."""


_LAYERS = {"slice1.0": 0, "slice2.3": 3, "slice3.6": 6, "slice4.8": 8, "slice5.10": 10}
"""torchmetrics' names of the five convolutions, and their places in torchvision's AlexNet."""


def build_network(backbone: Mapping[str, Tensor]) -> nn.Module:
    """Return the LPIPS network in evaluation mode, frozen, on the CPU.

    Parameters
    ----------
    backbone
        torchvision's AlexNet state dict (``features.0.weight`` and so on).

    Raises
    ------
    KeyError, RuntimeError
        The state dict is of another network.
    """
    from torch import nn
    from torchmetrics.functional.image import lpips as torchmetrics_lpips

    # `pnet_rand` leaves the backbone to us, so that nothing is fetched; `pretrained` reads the
    # heads inside the package, which torch >= 2.6 opens with weights_only.
    network = torchmetrics_lpips._LPIPS(pretrained=True, net="alex", pnet_rand=True)
    assert isinstance(network, nn.Module)
    network.net.load_state_dict(
        {
            f"{place}.{part}": backbone[f"features.{layer}.{part}"]
            for place, layer in _LAYERS.items()
            for part in ("weight", "bias")
        }
    )
    return network.eval().requires_grad_(False)


class Lpips(Described):
    """LPIPS of one image pair; 0 for equal images, usually below 1.

    Parameters
    ----------
    entry
        The facts.
    network
        From `build_network`.
    """

    __slots__ = ("_network",)

    def __init__(self, entry: MetricEntry, network: nn.Module) -> None:
        super().__init__(entry)
        self._network = network

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Compare two uint8 HWC RGB images of equal size, at least 32 x 32."""
        import torch

        refused = refuse_sizes(restored, hq, _SMALLEST)
        if refused:
            return refused
        with torch.inference_mode():
            # `normalize` takes [0, 1] and scales it to the [-1, 1] that LPIPS is defined on.
            value = self._network(_tensor(restored.image), _tensor(hq.image), normalize=True)
        return Measurement(float(value))


def _tensor(image: NDArray[np.uint8]) -> Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255


def load_lpips() -> Lpips:
    """Return the metric with its network loaded; WeightsMissing when AlexNet is not here."""
    from zoo.weights import known_weights, load_state_dict, locate

    path = locate(known_weights(LPIPS.weights), offline=True)
    return Lpips(LPIPS, build_network(load_state_dict(path)))

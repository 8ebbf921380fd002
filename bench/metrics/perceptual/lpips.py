"""LPIPS (AlexNet and VGG-16, version 0.1), through torchmetrics' network, weights found locally.

Nothing is downloaded here: torchvision's networks are looked for where `zoo fetch` puts them, and
the small linear heads ship inside torchmetrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.metrics.described import Described
from bench.metrics.metric import Measurement, MetricEntry, Sample, refuse_sizes

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["LPIPS", "LPIPS_VGG", "Lpips", "build_network", "load_lpips", "load_lpips_vgg"]

Net = Literal["alex", "vgg"]


def _entry(name: str, net: Net, judge: str, source: str) -> MetricEntry:
    return MetricEntry(
        name=name,
        kind="pair",
        direction="lower",
        unit="",
        signature=f"lpips|{net}|v0.1|rgb|native-size",
        source=f"Zhang et al. 2018 (arXiv 1801.03924), {source}",
        judge=judge,
        packages=("torch", "torchvision", "torchmetrics", "safetensors"),
        weights=judge,
        packaged=(("torchmetrics", f"functional/image/lpips_models/{net}.pth"),),
    )


LPIPS = _entry("lpips", "alex", "alexnet", "torchmetrics' network and heads")
LPIPS_VGG = _entry("lpips_vgg", "vgg", "vgg16", "as BasicSR's and VQFR's scripts have it")

_SMALLEST = 32
"""Pixels on the shorter side: AlexNet's last map is then 1 x 1, VGG-16's 2 x 2."""


def build_network(backbone: Mapping[str, Tensor], net: Net = "alex") -> nn.Module:
    """Return the LPIPS network in evaluation mode, frozen, on the CPU.

    Parameters
    ----------
    backbone
        torchvision's AlexNet or VGG-16 state dict (``features.0.weight`` and so on).
    net
        ``alex`` or ``vgg``.

    Raises
    ------
    KeyError, RuntimeError
        The state dict is of another network.
    """
    from torch import nn
    from torchmetrics.functional.image import lpips as torchmetrics_lpips

    # `pnet_rand` leaves the backbone to us, so that nothing is fetched; `pretrained` reads the
    # heads inside the package, which torch >= 2.6 opens with weights_only.
    network = torchmetrics_lpips._LPIPS(pretrained=True, net=net, pnet_rand=True)
    assert isinstance(network, nn.Module)
    # Its names are `slice3.6.weight`: a stage, and torchvision's place of the layer.
    network.net.load_state_dict(
        {name: backbone[f"features.{name.split('.', 1)[1]}"] for name in network.net.state_dict()}
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
    bgr, unit
        Mistakes of a published script: red and blue exchanged, and levels left in [0, 1].
    """

    __slots__ = ("_bgr", "_network", "_unit")

    def __init__(
        self, entry: MetricEntry, network: nn.Module, *, bgr: bool = False, unit: bool = False
    ) -> None:
        super().__init__(entry)
        self._network: Any = network  # torchmetrics' own class has no types
        self._bgr, self._unit = bgr, unit

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Compare two uint8 HWC RGB images of equal size, at least 32 x 32."""
        import torch

        refused = refuse_sizes(restored, hq, _SMALLEST)
        if refused:
            return refused
        with torch.inference_mode():
            # The truth's maps serve every restorer; the signature says how they were made.
            truth = hq.feature(f"{self.signature}|maps", self._maps)
            pairs = zip(self._network.lins, self._maps(restored.image), truth, strict=True)
            terms = [head((one - other).square()).mean() for head, one, other in pairs]
        return Measurement(float(sum(terms)))

    def _maps(self, image: NDArray[np.uint8]) -> list[Tensor]:
        """Return the maps of each stage, every place of unit length (Zhang et al. 2018, eq. 1)."""
        import torch

        image = image[..., ::-1] if self._bgr else image
        levels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            # LPIPS is defined on [-1, 1].
            seen = self._network.scaling_layer(levels if self._unit else 2 * levels - 1)
            return [_unit_length(each) for each in self._network.net(seen)]


def _unit_length(maps: Tensor) -> Tensor:
    # The 1e-8 under the root is torchmetrics'; the paper's code adds 1e-10 beside it.
    return maps / (maps.square().sum(dim=1, keepdim=True) + 1e-8).sqrt()


def load_lpips() -> Lpips:
    """Return ``lpips`` with its network loaded; WeightsMissing when AlexNet is not here."""
    return _load(LPIPS, "alex")


def load_lpips_vgg() -> Lpips:
    """Return ``lpips_vgg`` with its network loaded; WeightsMissing when VGG-16 is not here."""
    return _load(LPIPS_VGG, "vgg")


def _load(entry: MetricEntry, net: Net) -> Lpips:
    from zoo.weights.files import known_weights, load_state_dict, locate

    path = locate(known_weights(entry.weights), offline=True)
    return Lpips(entry, build_network(load_state_dict(path), net))

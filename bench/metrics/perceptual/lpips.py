"""LPIPS (AlexNet and VGG-16, version 0.1), through torchmetrics' network, weights found locally.

Nothing is downloaded here: torchvision's networks are looked for where `zoo fetch` puts them, and
the small linear heads ship inside torchmetrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import MetricEntry, Peer
from bench.metrics.metric import Measurement, RegisteredMetric, Sample, refuse_sizes
from bench.metrics.no_reference.pyiqa_metric import pyiqa_peer

if TYPE_CHECKING:
    from torch import Tensor, nn

Net = Literal["alex", "vgg"]

_BGR = "RestoreFormer scripts/metrics/cal_psnr_ssim.py, BGR"


def _entry(
    name: str,
    net: Net,
    signature: str,
    source: str,
    *,
    ranking: int = 0,
    protocols: Mapping[str, str] = MappingProxyType({}),
    peers: tuple[Peer, ...] = (),
) -> MetricEntry:
    judge = {"alex": "alexnet", "vgg": "vgg16"}[net]
    return MetricEntry(
        name,
        "pair",
        "lower",
        "",
        signature,
        source,
        "bench.metrics.perceptual.lpips:load_lpips",
        judge=judge,
        packages=("torch", "torchvision", "torchmetrics", "safetensors"),
        weights=judge,
        packaged=(("torchmetrics", f"functional/image/lpips_models/{net}.pth"),),
        error="value",
        ranking=ranking,
        protocols=protocols,
        equal=(0.0, 1e-6),
        peers=peers,
    )


ENTRIES = (
    _entry(
        "lpips",
        "alex",
        "lpips|alex|v0.1|rgb|native-size",
        "Zhang et al. 2018 (arXiv 1801.03924), torchmetrics' network and heads",
        ranking=4,
        protocols={"strict": "lpips", "pyiqa": "lpips"},
        peers=(pyiqa_peer("lpips", 1e-4, "float32"),),
    ),
    _entry(
        "lpips_vgg",
        "vgg",
        "lpips|vgg|v0.1|rgb|native-size",
        "Zhang et al. 2018 (arXiv 1801.03924), as BasicSR's and VQFR's scripts have it",
        protocols={"basicsr": "lpips", "vqfr": "lpips", "pmrf": "lpips", "pyiqa": "lpips_vgg"},
        peers=(pyiqa_peer("lpips-vgg", 1e-4, "float32"),),
    ),
    # RestoreFormer's script feeds OpenCV's BGR order and prints both. The network there is the
    # repository's VGG-16, or pip's ``lpips`` with AlexNet where that is installed, as the folder
    # of the former comes last in ``sys.path``; here it is VGG-16.
    _entry(
        "lpips_restoreformer",
        "vgg",
        "lpips|vgg|v0.1|bgr|native-size",
        f"{_BGR}, scaled to [-1, 1]: its norm_lpips",
        protocols={"restoreformer": "lpips"},
    ),
    _entry(
        "lpips_restoreformer_unit",
        "vgg",
        "lpips|vgg|v0.1|bgr|unit-range|native-size",
        f"{_BGR}, left in [0, 1]: its lpips; the network sees half the contrast",
        protocols={"restoreformer": "lpips"},
    ),
)

_SMALLEST = 32
"""Pixels on the shorter side: AlexNet's last map is then 1 x 1, VGG-16's 2 x 2."""


def build_network(backbone: Mapping[str, Tensor], net: Net = "alex") -> nn.Module:
    """Return the LPIPS network in evaluation mode, frozen, on the CPU.

    From torchvision's AlexNet (``net`` is ``alex``) or VGG-16 (``vgg``) state dict; KeyError or
    RuntimeError for another network's.
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


class Lpips(RegisteredMetric):
    """LPIPS of one image pair; 0 for equal images, usually below 1.

    ``bgr`` and ``unit`` are mistakes of a published script: red and blue exchanged, and levels left
    in [0, 1].
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
            # HQ's maps serve every restorer; the signature says how they were made.
            hq_maps = hq.feature(f"{self.signature}|maps", self._maps)
            pairs = zip(self._network.lins, self._maps(restored.image), hq_maps, strict=True)
            terms = [head((one - other).square()).mean() for head, one, other in pairs]
        return Measurement(float(sum(terms)))

    def _maps(self, image: NDArray[np.uint8]) -> list[Tensor]:
        """Return each stage's maps, unit length at each position (Zhang et al. 2018, eq. 1)."""
        import torch

        image = image[..., ::-1] if self._bgr else image
        levels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            # LPIPS is defined on [-1, 1].
            scaled = self._network.scaling_layer(levels if self._unit else 2 * levels - 1)
            return [_unit_length(each) for each in self._network.net(scaled)]


def _unit_length(maps: Tensor) -> Tensor:
    # The 1e-8 under the root is torchmetrics'; the paper's code adds 1e-10 beside it.
    return maps / (maps.square().sum(dim=1, keepdim=True) + 1e-8).sqrt()


def load_lpips(entry: MetricEntry) -> Lpips:
    """Return one of `ENTRIES` with its network loaded; WeightsMissing when it is not here."""
    from zoo.weights.files import known_weights, load_state_dict, locate

    _, net, _, order, *rest = entry.signature.split("|")
    path = locate(known_weights(entry.weights), offline=True)
    network = build_network(load_state_dict(path), "alex" if net == "alex" else "vgg")
    return Lpips(entry, network, bgr=order == "bgr", unit="unit-range" in rest)

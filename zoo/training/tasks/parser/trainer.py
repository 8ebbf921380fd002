"""Train a parser: its loss, one step, and how far its masks agree with the right ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.labels import LABELS, UNKNOWN
from zoo.networks.parsing.parsing_unet import ParsingUNet
from zoo.training.base.config import TrainingError
from zoo.training.base.distributed import Processes
from zoo.training.base.schedule import average_weights
from zoo.training.base.trainer import OnFace, Trainer, average_of, on_device, seeded
from zoo.training.data.batches import FaceBatch, FaceBatches
from zoo.training.data.device_batch import one_hot
from zoo.training.data.face_pack import FacePack
from zoo.training.tasks.parser.config import ParserTraining
from zoo.training.tasks.parser.views import degraded_views
from zoo.training.tasks.restorer.validation import validation_faces

__all__ = ["ParserTrainer", "mean_iou", "parsing_loss"]

_CLIP = 1.0
"""Longest gradient."""
_MOST_VALIDATED = 64
_FEATURES = ("l_eye", "r_eye", "l_brow", "r_brow", "nose", "mouth", "u_lip", "l_lip")


class ParserTrainer(Trainer):
    """The network, its average and its optimiser."""

    config_type = ParserTraining
    config_key = "parser_config"
    config: ParserTraining
    batches: FaceBatches
    _pack: FacePack
    _pairs: tuple[Tensor, Tensor]
    """Degraded faces of the validation, ``(n, 3, size, size)``, and the label maps."""

    def __init__(
        self, config: ParserTraining, device: torch.device, processes: Processes | None = None
    ) -> None:
        super().__init__(config, device, processes)
        with seeded(config.seed):
            network = ParsingUNet(config.network)
        self.network = on_device(network, device)
        self.average = average_of(self.network)
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(), config.learning_rate, weight_decay=0.01, fused=True
        )
        self.parts = {
            "network": self.network, "average": self.average, "optimiser": self._optimiser,
        }  # fmt: skip

    @classmethod
    def build(cls, config: ParserTraining) -> nn.Module:
        """Return the network that comes out, untrained."""
        return ParsingUNet(config.network)

    def open(self, faces: Path, out: Path, on_face: OnFace | None = None) -> None:
        """Open a pack of faces aligned to ``ffhq`` with their label maps, see `zoo pack`."""
        self._pack = FacePack(faces)
        if self._pack.template != "ffhq" or not self._pack.masked:
            raise TrainingError(
                f"{faces} has no label maps of faces aligned to ffhq: run `zoo align --template "
                "ffhq`, then `zoo pack`"
            )
        self.template = self._pack.template
        self.batches = FaceBatches(self.config, self._pack, size=self.config.face_size)
        self.batch_bytes = self.batches.batch_bytes
        self._open_validation()

    def step(self, batch: FaceBatch) -> dict[str, Tensor]:
        """Learn from one batch; return its losses."""
        for group in self._optimiser.param_groups:
            group["lr"] = self.learning_rate
        faces, labels = degraded_views(batch, self.config, self.device)
        losses = parsing_loss(self.network(faces), labels, self.config.dice)
        self._optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), _CLIP)
        self._optimiser.step()
        self.done += 1
        average_weights(self.average, self.network, self.config.ema, self.done)
        return {name: value.detach() for name, value in losses.items()}

    def header(self) -> dict[str, Any]:
        """Return the header of the exported weights."""
        return {**super().header(), "parser": self._pack.index.parser}

    @torch.inference_mode()
    def validate(self) -> Mapping[str, float]:
        """Return the mean IoU of all regions that are there, and that of eyes to lips.

        The averaged network's masks of degraded faces are compared with those of the sharp ones.
        """
        lq, labels = self._pairs
        predicted = [
            self.average(face[None].to(self.device)).argmax(dim=1).byte().cpu() for face in lq
        ]
        ious = mean_iou(torch.cat(predicted), labels)
        features = ious[[LABELS.index(name) for name in _FEATURES]]
        return {"iou": float(ious.nanmean()), "iou_features": float(features.nanmean())}

    def _open_validation(self) -> None:
        config, pack = self.config, self._pack
        pairs = None
        if config.validate_every:
            pairs = validation_faces(config.families, pack, _MOST_VALIDATED)
        if pairs is None:
            return
        levels = torch.from_numpy(pairs.lq).permute(0, 3, 1, 2).float() / 255
        lq = functional.interpolate(levels, (config.network.size,) * 2, mode="area")
        labels = np.stack([pack.labels(i) for i in pack.indices("val")[: len(lq)]])
        self._pairs = lq, torch.from_numpy(labels)
        self.validate_every = config.validate_every


def parsing_loss(logits: Tensor, labels: Tensor, dice: float) -> dict[str, Tensor]:
    """Return the cross-entropy, the Dice loss, and as ``loss`` their weighted sum.

    Dice (Milletari et al. 2016, arXiv 1606.04797) is taken over the whole batch and counts every
    region that is there the same, so that eyes and lips weigh as much as hair.

    Parameters
    ----------
    logits
        ``(n, 19, side, side)``.
    labels
        ``(n, side, side)`` uint8; pixels that are not known do not count.
    dice
        Weight of the Dice loss.
    """
    entropy = functional.cross_entropy(logits, labels.long(), ignore_index=UNKNOWN)
    right = one_hot(labels)
    likely = logits.softmax(dim=1) * (labels != UNKNOWN)[:, None]
    axes = (0, 2, 3)
    common, sizes = (likely * right).sum(axes), right.sum(axes)
    overlap = 2 * common / (likely.sum(axes) + sizes).clamp_min(1)
    there = (sizes > 0).float()
    apart = 1 - (overlap * there).sum() / there.sum().clamp_min(1)
    return {"loss": entropy + dice * apart, "entropy": entropy, "dice": apart}


def mean_iou(predicted: Tensor, labels: Tensor) -> Tensor:
    """Return the intersection over union of each region, ``(19,)``; NaN for one in neither.

    Both are ``(n, side, side)`` uint8 label maps; areas are added up over the faces.
    """
    known = labels != UNKNOWN
    one, other = one_hot(predicted.where(known, UNKNOWN)), one_hot(labels)
    common = (one * other).sum((0, 2, 3))
    return common / ((one + other).sum((0, 2, 3)) - common)

"""Train a face descriptor with ArcFace's loss between two views of each image."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo.networks.faces.arcface import paired_margin_loss
from zoo.networks.faces.face_descriptor import FaceDescriptor, load_descriptor, save_descriptor
from zoo.training.base.distributed import Processes
from zoo.training.base.trainer import OnFace, Trainer, fill_network, on_device, seeded
from zoo.training.tasks.embedder.batches import IdentityBatch, IdentityBatches
from zoo.training.tasks.embedder.config import DescriptorTraining
from zoo.weights.download import sha256_of
from zoo.weights.files import WeightsMissing

__all__ = ["DescriptorTrainer"]


class DescriptorTrainer(Trainer):
    """The descriptor and its optimiser; one process, for its norms see whole batches."""

    config_type = DescriptorTraining
    config_key = "task_config"
    config: DescriptorTraining
    batches: IdentityBatches

    def __init__(
        self, config: DescriptorTraining, device: torch.device, processes: Processes | None = None
    ) -> None:
        super().__init__(config, device, processes)
        with seeded(config.seed):
            network = FaceDescriptor(config.network)
        self.network = on_device(network, device)
        parameters = list(self.network.parameters())
        norms_and_slopes = [p for p in parameters if p.dim() <= 1]
        others = [p for p in parameters if p.dim() > 1]
        self._optimiser = torch.optim.AdamW(
            [  # type: ignore[arg-type]  # mypy joins the values to object
                {"params": others, "weight_decay": config.weight_decay},
                {"params": norms_and_slopes, "weight_decay": 0.0},
            ],
            config.learning_rate,
        )
        self.parts = {"network": self.network, "optimiser": self._optimiser}

    @classmethod
    def build(cls, config: DescriptorTraining) -> nn.Module:
        """Return the network that comes out, untrained."""
        return FaceDescriptor(config.network)

    def open(self, faces: Path, out: Path, on_face: OnFace | None = None) -> None:
        """Open a folder of aligned faces, see `IdentityBatches`."""
        self.batches = IdentityBatches(self.config, faces)
        self.template = self.batches.template

    def step(self, batch: IdentityBatch) -> dict[str, float]:
        """Learn from one batch; return its loss, and the share of faces recognised.

        Recognised is a degraded face that is nearest to its own image's other view.
        """
        count = len(batch.labels)
        faces = torch.cat([batch.degraded, batch.clean])
        faces = faces.to(self.device, memory_format=torch.channels_last)
        labels = batch.labels.to(self.device)
        for group in self._optimiser.param_groups:
            group["lr"] = self.learning_rate
        self.network.train()
        with self.autocast():
            one, other = self.network(faces).split(count)
        loss = paired_margin_loss(one, other, labels, self.margin, self.config.scale)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self._optimiser.step()
        self.done += 1
        with torch.no_grad():
            right = (labels[(one @ other.T).argmax(dim=1)] == labels).float().mean()
        return {"loss": float(loss.detach()), "right": float(right)}

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        config, done = self.config, self.done
        if done < config.warmup:
            return config.learning_rate * (done + 1) / config.warmup
        along = (done - config.warmup) / max(1, config.steps - config.warmup)
        return config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, along)))

    @property
    def margin(self) -> float:
        """The margin that the next step asks for, radians."""
        growing = self.config.margin_warmup * self.config.steps
        return self.config.margin * (min(1.0, self.done / growing) if growing else 1.0)

    def begin_from(self, weights: Path) -> list[str]:
        """Take up a descriptor's weights of the same sizes."""
        try:
            self.begun_from = sha256_of(weights)
        except OSError as error:
            raise WeightsMissing(
                f"{weights} cannot be read ({error.strerror}): name a .safetensors file of "
                "`zoo train`"
            ) from error
        fill_network(self.network, load_descriptor(weights).state_dict(), weights)
        return []

    def header(self) -> dict[str, Any]:
        """Return the header of the exported weights."""
        return {**super().header(), "photographs": self.batches.classes}

    def notes(self) -> list[str]:
        """Return how many images there are."""
        return [f"{self.batches.classes} images, each a person of its own"]

    def export(self, path: Path) -> Path:
        """Write the descriptor as 16-bit safetensors, with `header`; return the path."""
        save_descriptor(self.network, path, self.header())
        return path

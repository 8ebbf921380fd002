"""Train a restorer: the losses of restored faces, and one step down their gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zoo.networks.features.perceptual import load_features
from zoo.networks.restoration.designs import build_network
from zoo.training.adversarial.loss import AdversarialLoss
from zoo.training.base.distributed import Processes
from zoo.training.base.schedule import average_weights, step_generator
from zoo.training.base.trainer import (
    OnFace,
    Trainer,
    average_of,
    fill_network,
    on_device,
    sample_sheet,
    seeded,
)
from zoo.training.data.batches import FaceBatch, FaceBatches
from zoo.training.data.device_batch import DeviceBatch, DeviceBatches
from zoo.training.data.face_pack import FacePack
from zoo.training.data.packing import DEFAULT_PARSER, NO_PARSER, prepare_pack
from zoo.training.losses.identity import IdentityLoss
from zoo.training.losses.region_style import region_style_loss
from zoo.training.tasks.restorer.config import RestorerTraining
from zoo.training.tasks.restorer.initial_weights import initial_weights
from zoo.training.tasks.restorer.validation import (
    FEWEST,
    Validation,
    is_best,
    is_exhausted,
    validation_faces,
)

__all__ = ["BEST_FILE", "PACK_FILE", "RestorerLoss", "RestorerTrainer"]

PACK_FILE = "faces.pack"
"""Where a folder of faces is packed to, in the run's folder."""
BEST_FILE = "best.safetensors"
"""The averaged weights of the best validation, see `is_best`."""
_MOST_VALIDATED = 128
_SHEET_EVERY = 500
_SHEET_FACES = 8
_CLIP = 1.0
"""Longest gradient of the restorer."""
_MOST_BALANCE = 1e4
"""Bound of the adaptive weight (Esser et al. 2021, official code: taming-transformers,
``calculate_adaptive_weight``)."""
_SHORTEST = 1e-4
"""Added to the length that is divided by, as there."""


class RestorerLoss:
    """The weighted sum of the losses of a configuration, all but the adversarial one.

    Parameters
    ----------
    config
        Weights of the losses and the networks behind them.
    device
        Where the faces will be.

    Raises
    ------
    WeightsMissing, TrainingError
        A network's weights are not on this machine.
    """

    def __init__(self, config: RestorerTraining, device: torch.device) -> None:
        self._config = config
        self._features = None
        if config.perceptual or config.region_style:
            self._features = load_features(config.perceptual_network, config.stages, device)
        self._identity = None if config.identity is None else IdentityLoss(config.identity, device)

    def __call__(
        self, restored: Tensor, hq: Tensor, mask: Tensor, with_right_mask: Tensor | None = None
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Return each loss by its name, and their weighted sum.

        Parameters
        ----------
        restored, hq
            ``(n, 3, size, size)`` RGB in [0, 1]; the restored faces are not clipped yet.
        mask
            ``(n, 19, size, size)``: the right masks.
        with_right_mask
            The faces as restored with the right masks, for `consistency`.
        """
        config = self._config
        losses = {"l1": (restored - hq).abs().mean()}
        loss = config.l1 * losses["l1"]
        maps, hq_maps = self._maps(restored, hq)
        if self._features is not None and config.perceptual:
            losses["perceptual"] = self._features.distance(maps, hq_maps)
            loss = loss + config.perceptual * losses["perceptual"]
        if with_right_mask is not None:
            losses["consistency"] = (restored - with_right_mask).abs().mean()
            loss = loss + config.consistency * losses["consistency"]
        if self._features is not None and config.region_style:
            middle = self._features.middle
            losses["region_style"] = region_style_loss(middle(maps), middle(hq_maps), mask)
            loss = loss + config.region_style * losses["region_style"]
        if self._identity is not None and config.identity is not None:
            losses["identity"] = self._identity(restored.clamp(0, 1), hq)
            loss = loss + config.identity.weight * losses["identity"]
        return losses, loss

    def _maps(self, restored: Tensor, hq: Tensor) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        if self._features is None:
            return (), ()
        with torch.no_grad():
            hq_maps = self._features.maps(hq)
        return self._features.maps(restored.clamp(0, 1)), hq_maps


class RestorerTrainer(Trainer):
    """A restorer against its losses, and against discriminators where it has any."""

    config_type = RestorerTraining
    shared = True
    config: RestorerTraining
    batches: FaceBatches
    _pack: FacePack
    _to_device: DeviceBatches
    _validation: Validation | None = None

    def __init__(
        self, config: RestorerTraining, device: torch.device, processes: Processes | None = None
    ) -> None:
        super().__init__(config, device, processes)
        with seeded(config.seed):
            self.network: nn.Module = on_device(build_network(config.network), device)
            self.average = average_of(self.network)
            self.adversarial = None
            if config.adversarial is not None:
                self.adversarial = AdversarialLoss(config, device, self.processes, self.autocast)
        self.loss = RestorerLoss(config, device)
        self._optimiser = torch.optim.Adam(
            self.network.parameters(), config.learning_rate, (config.beta1, 0.99), fused=True
        )
        self.parts = {
            "network": self.network, "average": self.average, "optimiser": self._optimiser,
        }  # fmt: skip
        if self.adversarial is not None:
            self.parts["adversarial"] = self.adversarial

    @classmethod
    def build(cls, config: RestorerTraining) -> nn.Module:
        """Return the network that comes out, untrained."""
        return build_network(config.network)

    @classmethod
    def sources(cls, config: RestorerTraining) -> str:
        """Return the recipes that a configuration learns from, variants as one."""
        return ", ".join(dict.fromkeys(recipe.partition(":")[0] for recipe in config.families))

    def open(self, faces: Path, out: Path, on_face: OnFace | None = None) -> None:
        """Open a pack, or pack a folder of aligned faces to ``out/faces.pack`` first.

        The first process packs, the others wait.
        """
        config, path = self.config, out / PACK_FILE
        parser = DEFAULT_PARSER if config.network.masked else NO_PARSER
        if self.processes.first:
            path = prepare_pack(faces, path, config.network.size, parser, on_face)
        self.processes.wait()
        self._pack = FacePack(faces if faces.is_file() else path)
        self.template = self._pack.template
        self.batches = FaceBatches(config, self._pack, self.processes.part(config.batch_size))
        self.batch_bytes = self.batches.batch_bytes
        self._to_device = DeviceBatches(
            config, self._pack.template, self.device, masked=self._pack.masked
        )
        self.sheet_every = _SHEET_EVERY
        if self.processes.first and config.validate_every:
            pairs = validation_faces(config.families, self._pack, _MOST_VALIDATED)
            if pairs is not None:
                self._validation = Validation(pairs, self.device)
                self.sheet_every = self.validate_every = config.validate_every

    def receive(self, batches: Iterator[FaceBatch]) -> Iterator[DeviceBatch]:
        """Yield the batches on the device, see `DeviceBatches.stream`."""
        return self._to_device.stream(batches)

    def step(self, batch: DeviceBatch) -> dict[str, Tensor]:
        """Learn from one batch, or this process's part of it; return the whole's metrics."""
        # Part 0 is that of the masks, `degrade.random.MASK_DRAWS`.
        generator = step_generator(self.config.seed, self.done, 1 + self.processes.rank)
        for group in self._optimiser.param_groups:
            group["lr"] = self.learning_rate
        with self.autocast():
            restored = self.network(batch.lq, batch.mask)
        restored = restored.float()
        metrics, slope = self._slope(restored, batch, generator)
        self._optimiser.zero_grad(set_to_none=True)
        restored.backward(slope)
        metrics["gradient"] = self._update()
        if self.adversarial is not None and self.adversarial.is_learning(self.done):
            metrics |= self.adversarial.step(
                restored.detach(), batch.hq, batch.right, batch.parts, self.done, generator
            )
        self.done += 1
        average_weights(self.average, self.network, self.config.ema, self.done)
        values = torch.stack([value.detach().float() for value in metrics.values()])
        self.processes.average([values])
        return dict(zip(metrics, values, strict=True))

    def begin_from(self, weights: Path) -> list[str]:
        """Take up a restorer's weights, of another size too, see `initial_weights`."""
        begun = initial_weights(weights, self.config, self.network)
        for network in (self.network, self.average):
            fill_network(network, begun.tensors, weights)
        self.begun_from, self.inherited = begun.digest, begun.loss_networks
        return list(begun.notes)

    def header(self) -> dict[str, Any]:
        """Return the header of the exported weights."""
        parser, networks = self._pack.index.parser, self.loss_networks
        return {**super().header(), "parser": parser, "loss_networks": networks}

    def notes(self) -> list[str]:
        """Return what a person should know of masks and validation."""
        config, pack, notes = self.config, self._pack, []
        if config.network.masked and not pack.masked:
            notes.append(f"masks are off: {pack.path} was packed without a parser")
        if config.network.masked and pack.index.parser == "template":
            notes.append("every mask is the mean face's: run `zoo fetch face-mesh` and pack again")
        if config.validate_every and len(pack.indices("val")) < FEWEST:
            notes.append(f"no validation: {pack.path} has under {FEWEST} faces to validate on")
        return notes

    @torch.inference_mode()
    def sheet(self) -> NDArray[np.uint8]:
        """Return the validation's faces, else up to eight inputs, results and HQ faces in rows."""
        if self._validation is not None:
            return self._validation.sheet(self.average)
        batch = self._to_device(self.batches[0])
        rows = batch.lq, self.average(batch.lq, batch.mask), batch.hq
        return sample_sheet([images[:_SHEET_FACES] for images in rows])

    def validate(self) -> Mapping[str, float]:
        """Return the scores of the averaged weights and of the degraded faces themselves."""
        assert self._validation is not None
        inputs = {f"input_{name}": value for name, value in self._validation.input.items()}
        return self._validation(self.average) | inputs

    def after_validation(self, lines: Sequence[Mapping[str, float]], out: Path) -> None:
        """Keep the averaged weights where the last validation is the best."""
        if is_best(lines):
            self.export(out / BEST_FILE)

    def is_exhausted(self, lines: Sequence[Mapping[str, float]]) -> bool:
        """Return whether as many validations as the patience brought no better one."""
        return self._validation is not None and is_exhausted(lines, self.config.patience)

    def _slope(
        self, restored: Tensor, batch: DeviceBatch, generator: torch.Generator
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Return the losses, and the gradient of their weighted sum at the restored faces."""
        faces = restored.detach().requires_grad_(True)
        right = self._with_right_mask(batch)
        losses, loss = self.loss(faces, batch.hq, batch.right, right)
        (slope,) = torch.autograd.grad(loss, faces)
        weight = 0.0 if self.adversarial is None else self.adversarial.weight(self.done)
        if self.adversarial is None or not weight:
            return losses, slope
        opposed, total = self.adversarial.loss(faces, batch.hq, batch.right, batch.parts, generator)
        (adversarial,) = torch.autograd.grad(total, faces)
        balance = self._balance(restored, slope, adversarial)
        opposed["adversarial_share"] = weight * balance * adversarial.norm() / slope.norm()
        return losses | opposed, slope + weight * balance * adversarial

    def _balance(self, restored: Tensor, slope: Tensor, adversarial: Tensor) -> Tensor:
        """Return what the adversarial weight is multiplied by, see `AdversarialConfig.balance`."""
        assert self.config.adversarial is not None
        if self.config.adversarial.balance == "none":
            return slope.new_ones(())
        layer = self.network.last_layer
        assert isinstance(layer, Tensor)
        lengths = []
        for each in (slope, adversarial):
            (gradient,) = torch.autograd.grad(restored, layer, each, retain_graph=True)
            self.processes.average([gradient])
            lengths.append(gradient.norm())
        ratio: Tensor = lengths[0] / (lengths[1] + _SHORTEST)
        return ratio.clamp(0, _MOST_BALANCE)

    @torch.no_grad()
    def _with_right_mask(self, batch: DeviceBatch) -> Tensor | None:
        """Return the faces as the network restores them with the right masks, for consistency."""
        if not self.config.consistency:
            return None
        with self.autocast():
            restored: Tensor = self.network(batch.lq, batch.right)
        return restored.float()

    def _update(self) -> Tensor:
        """Step down the restorer's gradient, clipped; return its length before that."""
        parameters = list(self.network.parameters())
        self.processes.average([p.grad for p in parameters if p.grad is not None])
        norm: Tensor = nn.utils.clip_grad_norm_(parameters, _CLIP)
        self._optimiser.step()
        return norm

"""The adversarial loss of a restorer: discriminators of the face, its eyes and its mouth.

As GFPGAN trains (Wang et al. 2021, arXiv 2101.04061, sections 3.3 and 3.4): the discriminators
learn for some steps alone, then the restorer hears of them, with a weight that rises from 0.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor
from torchvision.ops import roi_align

from zoo.networks.stylegan.discriminator import Discriminator
from zoo.training.adversarial.augmentation import Augmentation
from zoo.training.adversarial.config import AdversarialConfig
from zoo.training.adversarial.discriminator import (
    DiscriminatorTrainer,
    feature_matching_loss,
    generator_loss,
)
from zoo.training.base.distributed import Processes

__all__ = ["PARTS", "AdversarialLoss", "crop_parts"]

PARTS = ("eyes", "mouth")
_PART_CHANNELS = {4: 64, 8: 64, 16: 48, 32: 32}
"""Of the parts' discriminators, finest level folded from `AdversarialConfig.part_size`."""
_UNCHANGED = Augmentation(None, None)


class AdversarialLoss:
    """The discriminators of a run, and what they cost the restorer.

    Parameters
    ----------
    config
        Of the run: ``adversarial``, an `AdversarialConfig`, ``network`` and ``learning_rate``.
    device
        Where to train.
    processes
        This one among those that train together.
    precision
        Gives the context in which the networks compute.
    """

    def __init__(
        self,
        config: Any,
        device: torch.device,
        processes: Processes,
        precision: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        assert config.adversarial is not None
        self._config: AdversarialConfig = config.adversarial

        def trainer(network: Discriminator, augment_target: float) -> DiscriminatorTrainer:
            return DiscriminatorTrainer(
                network,
                device,
                learning_rate=config.learning_rate * self._config.rate,
                r1=self._config.r1,
                r1_every=self._config.r1_every,
                augment_target=augment_target,
                augment_images=self._config.augment_images,
                processes=processes,
                precision=precision,
            )

        face = Discriminator(
            self._config.channels, patch=self._config.patch, masked=config.network.masked
        )
        self.discriminators = {"face": trainer(face, self._config.augment_target)}
        if self._config.parts:
            sides = [side for side in _PART_CHANNELS if side < self._config.part_size]
            channels = {side: _PART_CHANNELS[side] for side in sides}
            for name in PARTS:
                part = Discriminator(channels, patch=self._config.part_size // max(channels))
                # Crops are few kinds of texture: nothing was gained by augmenting them.
                self.discriminators[name] = trainer(part, 0.0)

    def is_learning(self, done: int) -> bool:
        """Return whether the discriminators learn in the step after ``done`` steps."""
        return done >= self._config.start

    def weight(self, done: int) -> float:
        """Return the weight of the loss in the step after ``done`` steps."""
        since = done - self._config.start - self._config.alone
        if since < 0:
            return 0.0
        return self._config.weight * min(1.0, (since + 1) / max(1, self._config.ramp))

    def loss(
        self, restored: Tensor, hq: Tensor, mask: Tensor, parts: Tensor, generator: torch.Generator
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Return each loss of the restorer by its name, and their sum before `weight`.

        Parameters
        ----------
        restored, hq
            ``(n, 3, size, size)`` RGB in about [0, 1].
        mask
            ``(n, 19, side, side)``, the right masks.
        parts
            ``(n, 3, 3)``, see `crop_parts`.
        generator
            Draws the augmentation.
        """
        config, face = self._config, self.discriminators["face"]
        augmentation = face.augmentation(len(restored), generator)
        scores, features = face.score_and_features(restored, mask, augmentation)
        losses = {"adversarial": generator_loss(scores)}
        total = losses["adversarial"]
        if config.feature_matching:
            with torch.no_grad():
                _, real = face.score_and_features(hq, mask, augmentation)
            losses["feature_matching"] = feature_matching_loss(features, real)
            total = total + config.feature_matching * losses["feature_matching"]
        if config.parts:
            for name, crops in crop_parts(restored, parts, config.part_size).items():
                part = self.discriminators[name]
                scores, _ = part.score_and_features(crops, None, _UNCHANGED)
                losses[f"adversarial_{name}"] = generator_loss(scores)
                total = total + config.parts * losses[f"adversarial_{name}"]
        return losses, total

    def step(
        self,
        restored: Tensor,
        hq: Tensor,
        mask: Tensor,
        parts: Tensor,
        done: int,
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        """Let the discriminators learn from real and restored faces; return their metrics.

        Parameters are those of `loss`, without gradients; ``done`` counts the steps of the run.
        """
        face = self.discriminators["face"]
        metrics = face.step(hq, restored, mask, done, generator)
        metrics["augmentation"] = restored.new_tensor(face.strength)
        if self._config.parts:
            size = self._config.part_size
            real, fake = (crop_parts(faces, parts, size) for faces in (hq, restored))
            for name in PARTS:
                learned = self.discriminators[name].step(
                    real[name], fake[name], None, done, generator
                )
                metrics |= {f"{key}_{name}": learned[key] for key in ("discriminator", "accuracy")}
        return metrics

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a later run needs to go on as if never stopped."""
        return {name: each.state_dict() for name, each in self.discriminators.items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what `state_dict` gave; see `DiscriminatorTrainer.load_state_dict`."""
        for name, each in self.discriminators.items():
            each.load_state_dict(state_dict[name])


def crop_parts(faces: Tensor, parts: Tensor, size: int) -> dict[str, Tensor]:
    """Return crops ``(2 n, 3, size, size)`` of the eyes, and ``(n, 3, size, size)`` of the mouth.

    The eye on the image's right is mirrored, so that all look alike.

    Parameters
    ----------
    faces
        ``(n, 3, side, side)``.
    parts
        ``(n, 3, 3)``: of the left eye, the right eye and the mouth, the centre x, the centre y
        and half the side, all as shares of the face's side.
    size
        Side of the crops in pixels.
    """
    centre, half = parts[..., :2], parts[..., 2:]
    boxes = torch.cat([centre - half, centre + half], dim=2) * faces.shape[2]
    number = torch.arange(len(faces), device=faces.device, dtype=boxes.dtype)[:, None]

    def crops(part: int) -> Tensor:
        regions = torch.cat([number, boxes[:, part].to(faces.device)], dim=1)
        cut: Tensor = roi_align(faces, regions.to(faces.dtype), size, aligned=True)
        return cut

    return {"eyes": torch.cat([crops(0), crops(1).flip(3)]), "mouth": crops(2)}

"""The adversarial loss in a configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from zoo.networks.config import Channels, Size, check_doubling
from zoo.training.base.config import Amount, Count, Share, Whole

__all__ = ["AdversarialConfig"]


@dataclass(frozen=True, slots=True)
class AdversarialConfig:
    """The adversarial loss and its discriminators, see `zoo.training.adversarial.loss`."""

    # Of the discriminator, see `zoo.networks.stylegan.discriminator.Discriminator`
    channels: Channels
    patch: Size = 1
    weight: Amount = 0.1  # of the loss
    # ``none``: the weight is a weight, as GFPGAN's; ``last-layer``: it is a share of the length of
    # the other losses' gradient at the last layer (Esser et al. 2021, arXiv 2012.09841, eq. 7), the
    # ratio clamped to [0, 10⁴].
    balance: Literal["none", "last-layer"] = "none"
    start: Whole = 0  # Step at which the discriminator begins to learn
    alone: Whole = 1000  # steps that it learns before the restorer's loss includes it
    ramp: Whole = 1000  # steps over which the weight then rises from 0
    rate: Amount = 2.0  # its learning rate in units of the restorer's
    r1: Amount = 1.0  # see `zoo.training.adversarial.discriminator.DiscriminatorTrainer`
    r1_every: Count = 16
    augment_target: Share = 0.6
    augment_images: Annotated[int, Meta(gt=0)] | Annotated[float, Meta(gt=0)] = 100_000
    # Weight of `zoo.training.adversarial.discriminator.feature_matching_loss` beside the score's
    feature_matching: Amount = 0.0
    # Weight of the discriminators of eyes and mouth beside the face's; 0 for none
    parts: Amount = 0.0
    part_size: Literal[32, 64, 128] = 64  # side of their crops in pixels

    def __post_init__(self) -> None:
        check_doubling(list(self.channels))
        if min(self.channels) != 4:
            raise ValueError(f"channels {dict(self.channels)} are not of the sides 4, 8, 16, …")

    def check_size(self, size: int) -> None:
        """Raise ValueError where the discriminator is not for faces of ``size`` pixels."""
        side = self.patch * max(self.channels)
        if side != size:
            raise ValueError(
                f"adversarial: channels and patch are of faces of {side}, not of {size}"
            )

"""What a configuration says of the adversarial loss, as a frozen `AdversarialConfig`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zoo.training.base.checked_values import checked_mapping, is_number, is_whole

__all__ = ["AdversarialConfig", "adversarial_of"]

_WHOLE = {"patch": 1, "start": 0, "alone": 0, "ramp": 0, "r1_every": 1}
"""Whole numbers and the least they may be."""
_FROM_ZERO = (
    "weight", "rate", "r1", "augment_target", "augment_images", "feature_matching", "parts",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AdversarialConfig:
    """The adversarial loss and its discriminators, see `zoo.training.adversarial.loss`.

    Attributes
    ----------
    channels, patch
        Of the discriminator, see `zoo.networks.stylegan.discriminator.Discriminator`.
    weight
        Of the loss.
    balance
        ``none``: the weight is a weight, as GFPGAN's; ``last-layer``: it is a share of the length
        of the other losses' gradient at the last layer (Esser et al. 2021, arXiv 2012.09841,
        eq. 7), the ratio clamped to [0, 10⁴].
    start
        Step at which the discriminator begins to learn.
    alone
        Steps that it learns before the restorer hears of it.
    ramp
        Steps over which the weight then rises from 0.
    rate
        Its learning rate in units of the restorer's.
    r1, r1_every, augment_target, augment_images
        See `zoo.training.adversarial.discriminator.DiscriminatorTrainer`.
    feature_matching
        Weight of `zoo.training.adversarial.functional.feature_matching_loss` beside the score's.
    parts
        Weight of the discriminators of eyes and mouth beside the face's; 0 for none.
    part_size
        Side of their crops in pixels: 32, 64 or 128.
    """

    channels: Mapping[int, int]
    patch: int = 1
    weight: float = 0.1
    balance: str = "none"
    start: int = 0
    alone: int = 1000
    ramp: int = 1000
    rate: float = 2.0
    r1: float = 1.0
    r1_every: int = 16
    augment_target: float = 0.6
    augment_images: float = 100_000
    feature_matching: float = 0.0
    parts: float = 0.0
    part_size: int = 64

    def __post_init__(self) -> None:
        for name, least in _WHOLE.items():
            value = getattr(self, name)
            if not is_whole(value, least):
                raise ValueError(
                    f"adversarial: {name} {value!r} is not a whole number from {least} on"
                )
        for name in _FROM_ZERO:
            value = getattr(self, name)
            if not is_number(value) or value < 0:
                raise ValueError(f"adversarial: {name} {value!r} is not a number from 0 on")
        if not self.augment_images or self.augment_target > 1:
            raise ValueError("adversarial: augment_images is above 0, augment_target at most 1")
        if self.balance not in ("none", "last-layer"):
            raise ValueError(f"adversarial: balance {self.balance!r} is not none or last-layer")
        if self.part_size not in (32, 64, 128):
            raise ValueError(f"adversarial: part_size {self.part_size!r} is not 32, 64 or 128")
        sides = [4 * 2**level for level in range(len(self.channels))]
        widths = self.channels.values()
        if list(self.channels) != sides or not all(is_whole(width, 1) for width in widths):
            raise ValueError(f"adversarial: channels {dict(self.channels)} are not of 4, 8, 16, …")

    def check_size(self, size: int) -> None:
        """Raise ValueError where the discriminator is not for faces of ``size`` pixels."""
        side = self.patch * max(self.channels)
        if side != size:
            raise ValueError(
                f"adversarial: channels and patch are of faces of {side}, not of {size}"
            )


def adversarial_of(value: object) -> AdversarialConfig | None:
    """Return the adversarial loss that a mapping describes; None for None and for 0.

    Raises
    ------
    TypeError, ValueError
        No mapping, a key that is missing or unknown, or a value out of range.
    """
    if value is None or value == 0:
        return None
    if is_number(value):
        raise ValueError(f"adversarial {value} is of an earlier version: it is a mapping now")
    values = dict(checked_mapping("adversarial", value))
    if "channels" not in values:
        raise ValueError("adversarial: the key 'channels' is missing")
    channels = checked_mapping("channels", values["channels"])
    values["channels"] = {int(side): width for side, width in channels.items()}
    return AdversarialConfig(**values)

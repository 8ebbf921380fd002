"""What the training of a restorer is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from zoo.networks.restoration.designs import DESIGNS
from zoo.training.adversarial.config import AdversarialConfig
from zoo.training.base.config import (
    Amount,
    Count,
    Families,
    FileName,
    IdentityConfig,
    Precision,
    RunConfig,
    Share,
    Whole,
)

if TYPE_CHECKING:
    from zoo.networks.restoration.designs import RestorerConfig
else:
    # msgspec takes no union of dataclasses; `RunConfig.from_record` makes and checks the network.
    RestorerConfig = Any

__all__ = ["RestorerTraining"]

_FORMER = ("adversarial_from", "r1", "critic_widths", "predicted_masks")
"""Keys in records of earlier versions that say nothing about a run without a discriminator."""


@dataclass(frozen=True, slots=True)
class RestorerTraining(RunConfig):
    """Everything that decides a run, but for the faces themselves."""

    task: ClassVar = "restorer"
    designs: ClassVar = DESIGNS

    name: FileName
    # `zoo.networks.restoration.style.StyleConfig`, or with ``design: unet``
    # `zoo.networks.restoration.unet.UNetConfig`
    network: RestorerConfig
    families: Families  # Recipe → its share of every batch
    seed: Whole = 0
    steps: Count = 10_000
    batch_size: Count = 16
    learning_rate: Amount = 5e-4  # see `zoo.training.base.schedule`
    warmup: Whole = 200
    decay: Share = 0.4
    ema: Share = 0.999
    l1: Amount = 1.0  # weights of the losses
    perceptual: Amount = 0.05
    stages: Annotated[int, Meta(ge=1, le=5)] = 5  # stages of EfficientNet-Lite0 that count
    adversarial: AdversarialConfig | None = None
    beta1: Share = 0.9  # of the restorer's Adam; its second beta is 0.99
    # Chances that a face comes with no mask, or with the mean one instead of its own
    no_mask: Share = 0.25
    template_mask: Share = 0.15
    # Chance that a face's own mask is wrong, see `zoo.training.data.mask_errors`
    mask_errors: Share = 0.0
    # Weight of the distance (L1) between a face restored with a wrong mask and the same face
    # restored with the right one
    consistency: Amount = 0.0
    # Chance that a face comes undegraded, so that the restorer learns to leave it alone
    clean: Share = 0.0
    precision: Precision = "float32"
    # Whose maps the perceptual and the style loss compare, see `zoo.networks.features.perceptual`
    perceptual_network: Literal["efficientnet-lite0", "vgg19"] = "efficientnet-lite0"
    region_style: Amount = 0.0
    identity: IdentityConfig | None = None  # these losses, or None for none
    # Steps between two validations, see `zoo.training.tasks.restorer.validation`; 0 for none
    validate_every: Whole = 500
    # Validations without a better one after which the run ends; 0 for no early stop
    patience: Whole = 0

    def __post_init__(self) -> None:
        if self.adversarial is not None:
            self.adversarial.check_size(self.network.size)

    @classmethod
    def updated(cls, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a record of an earlier version as this one writes it."""
        values = {key: value for key, value in record.items() if key not in _FORMER}
        if values.get("adversarial") == 0:
            values["adversarial"] = None
        return values

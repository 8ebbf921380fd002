"""What the training of a face descriptor is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from msgspec import Meta

from zoo.networks.faces.face_descriptor import DescriptorConfig
from zoo.training.base.config import (
    Amount,
    Count,
    Families,
    FileName,
    Precision,
    RunConfig,
    Share,
    Whole,
)

__all__ = ["DescriptorTraining", "ViewConfig"]


@dataclass(frozen=True, slots=True)
class ViewConfig:
    """How far two views of one image may be apart, beyond the recipes of `families`."""

    flip: Share = 0.5  # chance of a mirror image
    # Largest rotation, degrees either way
    turn: Annotated[int, Meta(ge=0, le=180)] | Annotated[float, Meta(ge=0, le=180)] = 8.0
    # Largest enlargement or reduction: 1.2 is from 1 / 1.2 to 1.2, even on a logarithmic scale
    zoom: Annotated[int, Meta(ge=1, le=4)] | Annotated[float, Meta(ge=1, le=4)] = 1.15
    shift: Share = 0.06  # largest shift, a share of the side, either way and in both directions
    # Largest change of the contrast (a factor of 1 ± this), of the brightness and of each channel's
    # gain (likewise)
    contrast: Share = 0.3
    brightness: Share = 0.15
    tint: Share = 0.1
    grey: Share = 0.1  # chance that the colours are taken away
    hidden: Share = 0.3  # chance that a rectangle of up to half the side is covered by one colour
    # Chance that what is around the inner face becomes another image's, see
    # `zoo.training.tasks.embedder.augmentation`
    surroundings: Share = 0.4


@dataclass(frozen=True, slots=True)
class DescriptorTraining(RunConfig):
    """Everything that decides a run, but for the faces themselves."""

    task: ClassVar = "descriptor"
    designs: ClassVar = {"descriptor": DescriptorConfig}

    name: FileName
    families: Families  # Recipe → its share of every batch
    network: DescriptorConfig = field(default_factory=DescriptorConfig)
    # What happens to a face after its recipe
    augmentation: ViewConfig = field(default_factory=ViewConfig)
    seed: Whole = 0
    steps: Count = 3000
    batch_size: Annotated[int, Meta(ge=2)] = 64  # images of a step, each seen twice: once degraded
    # Of AdamW: reached after that many steps, then falling to 0 along a half cosine; norms and
    # slopes are not decayed
    learning_rate: Amount = 0.002
    warmup: Whole = 100
    weight_decay: Amount = 0.05
    # See `zoo.networks.faces.arcface.paired_margin_loss`; the margin in radians
    margin: Annotated[int, Meta(ge=0, le=1)] | Annotated[float, Meta(ge=0, le=1.5)] = 0.3
    scale: Annotated[int, Meta(gt=0)] | Annotated[float, Meta(gt=0)] = 24.0
    # Share of the steps over which the margin grows from 0: from scratch, the full margin asks for
    # what no direction gives yet
    margin_warmup: Share = 0.3
    clean: Share = 0.1  # chance that the degraded view comes without its recipe's degradation
    precision: Precision = "float32"

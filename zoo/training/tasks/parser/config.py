"""What the training of a parser is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from zoo.networks.restoration.unet import UNetConfig
from zoo.training.base.config import (
    Amount,
    Count,
    Families,
    FileName,
    RunConfig,
    Share,
    Whole,
)

__all__ = ["ParserTraining"]


@dataclass(frozen=True, slots=True)
class ParserTraining(RunConfig):
    """Everything that decides a run, but for the faces themselves."""

    task: ClassVar = "parser"
    designs: ClassVar = {UNetConfig.design: UNetConfig}

    name: FileName
    network: UNetConfig
    families: Families  # as in `zoo.training.tasks.restorer.config.RestorerTraining`
    # Side of the pack's faces in pixels, twice that of their label maps. They are aligned to
    # ``ffhq``.
    face_size: Count = 256
    seed: Whole = 0
    steps: Count = 2000
    batch_size: Count = 16
    learning_rate: Amount = 0.002
    warmup: Whole = 100
    decay: Share = 0.5
    ema: Share = 0.995
    clean: Share = 0.15
    validate_every: Whole = 250
    # Weight of the Dice loss beside the cross-entropy, see
    # `zoo.training.tasks.parser.trainer.parsing_loss`
    dice: Amount = 1.0
    tight: Share = 0.5  # chance that a face is cropped to what the template ``tight`` shows
    grey: Share = 0.1  # chance that the colours are taken away
    # Standard deviations of errors of the alignment: degrees, logarithm of the scale, share of the
    # side
    turn: Amount = 1.5
    zoom: Amount = 0.03
    shift: Amount = 0.01

    def as_record(self) -> dict[str, Any]:
        """Return the configuration as a JSON-ready mapping; its network has one design only."""
        return asdict(self)

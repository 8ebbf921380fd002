"""What the training of a parser is: a YAML file as a frozen `ParserTraining`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from zoo.networks.restoration.designs import network_config
from zoo.networks.restoration.unet import UNetConfig
from zoo.training.base.checked_values import checked_mapping, is_number
from zoo.training.tasks.restorer.config import TrainingConfig

__all__ = ["ParserTraining", "parser_training"]

_SHARES = ("tight", "grey")
_NUMBERS = ("dice", "turn", "zoom", "shift")


@dataclass(frozen=True, slots=True)
class ParserTraining:
    """Everything that decides a run, but for the faces themselves.

    Attributes
    ----------
    name
        Of the parser that comes out.
    network
        Its sizes.
    families, seed, steps, batch_size, learning_rate, warmup, decay, ema, clean, validate_every
        As in `zoo.training.tasks.restorer.config.TrainingConfig`.
    face_size
        Side of the pack's faces in pixels, twice that of their label maps. They are aligned to
        ``ffhq``.
    dice
        Weight of the Dice loss beside the cross-entropy, see
        `zoo.training.tasks.parser.losses.parsing_loss`.
    tight
        Chance that a face is cropped to what the template ``tight`` shows.
    grey
        Chance that the colours are taken away.
    turn, zoom, shift
        Standard deviations of errors of the alignment: degrees, logarithm of the scale, share of
        the side.
    """

    name: str
    network: UNetConfig
    families: Mapping[str, float]
    face_size: int = 256
    seed: int = 0
    steps: int = 2000
    batch_size: int = 16
    learning_rate: float = 0.002
    warmup: int = 100
    decay: float = 0.5
    ema: float = 0.995
    clean: float = 0.15
    validate_every: int = 250
    dice: float = 1.0
    tight: float = 0.5
    grey: float = 0.1
    turn: float = 1.5
    zoom: float = 0.03
    shift: float = 0.01

    def __post_init__(self) -> None:
        _ = self.data  # checks what it takes over
        for name in (*_SHARES, *_NUMBERS):
            value = getattr(self, name)
            if not is_number(value) or value < 0 or (name in _SHARES and value > 1):
                raise ValueError(f"{name} {value!r} is no number from 0 on, or a share above 1")

    @property
    def data(self) -> TrainingConfig:
        """The same run as `zoo.training.data.batches.FaceBatches` takes it."""
        faces = UNetConfig(self.face_size, {self.face_size: 1}, patch=1)
        return TrainingConfig(
            name=self.name,
            network=faces,
            families=self.families,
            seed=self.seed,
            steps=self.steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            warmup=self.warmup,
            decay=self.decay,
            ema=self.ema,
            clean=self.clean,
            validate_every=self.validate_every,
        )

    def as_record(self) -> dict[str, Any]:
        """Return the configuration as a JSON-ready mapping."""
        return asdict(self)


def parser_training(record: Mapping[str, Any]) -> ParserTraining:
    """Return the configuration that a mapping describes, such as `ParserTraining.as_record`'s.

    Raises
    ------
    KeyError, TypeError, ValueError
        A key that is missing or unknown, or a value out of range.
    """
    sizes = {**checked_mapping("network", record["network"]), "design": "unet"}
    network = network_config(sizes)
    assert isinstance(network, UNetConfig)
    return ParserTraining(**{**record, "network": network})

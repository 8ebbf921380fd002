"""What the training of an encoder is: a YAML file as a frozen `EncoderTraining`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoo.networks.stylegan.psp import EncoderConfig, encoder_config, encoder_record
from zoo.training.base.checked_values import check_families, check_file_name, is_number, is_whole
from zoo.training.tasks.restorer.config import (
    IdentityConfig,
    TrainingError,
    checked_config,
    identity_of,
    read_config_file,
)

__all__ = ["TASK", "EncoderTraining", "encoder_training", "load_config"]

TASK = "encoder"
"""What the key ``task`` of such a YAML file says."""

_WHOLE = {"seed": 0, "steps": 1, "batch_size": 1, "drawn": 0, "warmup": 0, "stages": 1}
_NUMBERS = (
    "learning_rate", "pixel", "perceptual", "leaving", "code", "clean", "mixing", "decay", "ema",
)  # fmt: skip
_SHARES = ("clean", "mixing", "decay", "ema")


@dataclass(frozen=True, slots=True)
class EncoderTraining:
    """Everything that decides a run, but for the faces themselves and the generator's weights.

    Attributes
    ----------
    name
        Of the encoder that comes out.
    generator
        Into whose codes: a name that `zoo list` knows, or a ``.safetensors`` file.
    network
        The encoder; its size, latent and layers are the generator's.
    families
        Recipe → its share of the degraded faces.
    clean
        Chance that a face comes undegraded.
    seed
        Of weights, batches, flips and drawn faces.
    steps
        Length of the run.
    batch_size
        Real faces a step, judged by what the generator makes of their codes.
    drawn
        Faces a step that the generator draws, judged by their codes, which are known.
    mixing
        Chance that a drawn face has two codes, changing at a random layer.
    learning_rate
        Of Adam, rising along a line in the first `warmup` steps, and falling to 0 along half a
        cosine over the last `decay` share of the steps.
    ema
        Share of the averaged weights that a step keeps.
    pixel
        Weight of the mean squared difference of the pixels.
    perceptual
        Weight of the distance of EfficientNet-Lite0's maps, of which `stages` count, 1 to 5.
    identity
        The identity loss, or None for none.
    leaving
        Weight of the mean square of the coordinates: the distance from the average code (pSp's
        regularisation, Richardson et al. 2021, arXiv 2008.00951, equation 4).
    code
        Weight of the mean squared error of the drawn faces' coordinates.
    precision
        ``float32`` or ``bfloat16``: what the convolutions compute in; weights stay float32.
    """

    name: str
    generator: str
    network: EncoderConfig
    families: Mapping[str, float]
    clean: float = 0.25
    seed: int = 0
    steps: int = 3000
    batch_size: int = 8
    drawn: int = 8
    mixing: float = 0.5
    learning_rate: float = 0.001
    warmup: int = 50
    decay: float = 0.5
    ema: float = 0.99
    pixel: float = 1.0
    perceptual: float = 0.8
    stages: int = 5
    identity: IdentityConfig | None = None
    leaving: float = 0.005
    code: float = 0.1
    precision: str = "float32"

    def __post_init__(self) -> None:
        _check_numbers(self)
        check_file_name(self.name)
        if not self.generator or not isinstance(self.generator, str):
            raise ValueError(f"generator {self.generator!r} is no text")
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(f"precision {self.precision!r} is neither float32 nor bfloat16")
        check_families(self.families)

    def as_record(self) -> dict[str, Any]:
        """Return the configuration as a JSON-ready mapping."""
        return {**asdict(self), "network": encoder_record(self.network)}


def encoder_training(record: Mapping[str, Any]) -> EncoderTraining:
    """Return the configuration that a mapping describes, such as `EncoderTraining.as_record`'s.

    Raises
    ------
    AttributeError, KeyError, TypeError, ValueError
        A key that is missing or unknown, or a value out of range.
    """
    told = {**record, "network": encoder_config(record["network"])}
    told["identity"] = identity_of(told.get("identity"))
    return EncoderTraining(**told)


def load_config(name_or_path: str | Path) -> EncoderTraining:
    """Return the configuration of that name, or of that YAML file, whose ``task`` is `TASK`.

    Raises TrainingError, one line, for another task, or an unknown name, key or value.
    """
    data, name = read_config_file(name_or_path)
    if data.pop("task", None) != TASK:
        raise TrainingError(f"{name} trains no encoder: it has no `task: {TASK}`")
    return checked_config(data, name, EncoderTraining, encoder_training)


def _check_numbers(config: EncoderTraining) -> None:
    for name, least in _WHOLE.items():
        value = getattr(config, name)
        if not is_whole(value, least):
            raise ValueError(f"{name} {value!r} is no whole number from {least} on")
    for name in _NUMBERS:
        value = getattr(config, name)
        if not is_number(value):
            # YAML reads 5e-4 as a text.
            raise ValueError(f"{name} {value!r} is no number: write it like 0.0005")
        if value < 0 or (name in _SHARES and value > 1):
            raise ValueError(f"{name} {value} is less than 0, or a share above 1")
    if config.stages > 5:
        raise ValueError(f"stages {config.stages} is more than EfficientNet-Lite0 has, 5")

"""What the training of a face descriptor is: a YAML file as a frozen `DescriptorTraining`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from zoo.networks.faces.face_descriptor import DescriptorConfig
from zoo.training.base.checked_values import (
    check_families,
    check_file_name,
    checked_mapping,
    is_number,
    is_whole,
)
from zoo.training.tasks.restorer.config import TrainingError, checked_config, read_config_file

__all__ = ["TASK", "Augmentation", "DescriptorTraining", "descriptor_training", "load_config"]

TASK = "descriptor"
"""What the key ``task`` of such a YAML file says."""

_WHOLE = {"seed": 0, "steps": 1, "batch_size": 2, "warmup": 0}
_NUMBERS = ("learning_rate", "weight_decay", "margin", "scale", "clean", "margin_warmup")
_SHARES = ("clean", "margin_warmup")


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far two views of one photograph may be apart, beyond the recipes of `families`.

    Attributes
    ----------
    flip
        Chance of a mirror image.
    turn
        Largest rotation, degrees either way.
    zoom
        Largest enlargement or reduction: 1.2 is from 1 / 1.2 to 1.2, even on a logarithmic scale.
    shift
        Largest shift, a share of the side, either way and in both directions.
    contrast, brightness, tint
        Largest change of the contrast (a factor of 1 ± this), of the brightness and of each
        channel's gain (likewise).
    grey
        Chance that the colours are taken away.
    hidden
        Chance that a rectangle of up to half the side is covered by one colour.
    surroundings
        Chance that what is around the inner face becomes another photograph's, see
        `zoo.training.tasks.embedder.surroundings`.
    """

    flip: float = 0.5
    turn: float = 8.0
    zoom: float = 1.15
    shift: float = 0.06
    contrast: float = 0.3
    brightness: float = 0.15
    tint: float = 0.1
    grey: float = 0.1
    hidden: float = 0.3
    surroundings: float = 0.4

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            least, most = {"turn": (0, 180), "zoom": (1, 4)}.get(each.name, (0, 1))
            if not is_number(value) or not least <= value <= most:
                raise ValueError(f"augmentation: {each.name} {value!r} is not {least} to {most}")


@dataclass(frozen=True, slots=True)
class DescriptorTraining:
    """Everything that decides a run, but for the faces themselves.

    Attributes
    ----------
    name
        Of the descriptor that comes out.
    network
        Its sizes.
    families
        Recipe → its share of every batch.
    augmentation
        What happens to a face after its recipe.
    seed
        Of weights, batches and augmentation.
    steps, batch_size
        Length of the run, and the photographs of a step, each seen twice: once degraded.
    learning_rate, warmup, weight_decay
        Of AdamW: reached after that many steps, then falling to 0 along a half cosine; norms and
        slopes are not decayed.
    margin, scale
        See `zoo.networks.faces.arcface.paired_margin_loss`.
    margin_warmup
        Share of the steps over which the margin grows from 0: from scratch, the full margin
        asks for what no direction gives yet.
    clean
        Chance that the degraded view comes without its recipe's degradation.
    precision
        ``float32`` or ``bfloat16``: what the convolutions compute in.
    """

    name: str
    families: Mapping[str, float]
    network: DescriptorConfig = field(default_factory=DescriptorConfig)
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    steps: int = 3000
    batch_size: int = 64
    learning_rate: float = 0.002
    warmup: int = 100
    weight_decay: float = 0.05
    margin: float = 0.3
    scale: float = 24.0
    margin_warmup: float = 0.3
    clean: float = 0.1
    precision: str = "float32"

    def __post_init__(self) -> None:
        check_file_name(self.name)
        for name, least in _WHOLE.items():
            value = getattr(self, name)
            if not is_whole(value, least):
                raise ValueError(f"{name} {value!r} is no whole number from {least} on")
        for name in _NUMBERS:
            value = getattr(self, name)
            if not is_number(value):
                # YAML reads 5e-4 as a text.
                raise ValueError(f"{name} {value!r} is no number: write it like 0.0005")
            if value < 0 or (name in _SHARES and value > 1):
                raise ValueError(f"{name} {value} is less than 0, or a share above 1")
        if self.margin > 1.5 or self.scale == 0:
            raise ValueError("margin is at most 1.5 radians, and scale is above 0")
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(f"precision {self.precision!r} is neither float32 nor bfloat16")
        check_families(self.families)

    def as_record(self) -> dict[str, Any]:
        """Return the configuration as a JSON-ready mapping."""
        record = asdict(self)
        record["network"]["channels"] = list(self.network.channels)
        return record


def descriptor_training(record: Mapping[str, Any]) -> DescriptorTraining:
    """Return the configuration that a mapping describes, such as `as_record`'s.

    Keys that are left out have their defaults.

    Raises
    ------
    TypeError, ValueError
        A key that is missing or unknown, or a value out of range.
    """
    told = dict(record)
    if "network" in told:
        sizes = dict(checked_mapping("network", told["network"]))
        if "channels" in sizes:
            sizes["channels"] = tuple(sizes["channels"])
        told["network"] = DescriptorConfig(**sizes)
    if "augmentation" in told:
        told["augmentation"] = Augmentation(**checked_mapping("augmentation", told["augmentation"]))
    return DescriptorTraining(**told)


def load_config(name_or_path: str | Path) -> DescriptorTraining:
    """Return the configuration of that name, or of that YAML file, whose ``task`` is `TASK`.

    Raises TrainingError, one line, for another task, or an unknown name, key or value.
    """
    data, name = read_config_file(name_or_path)
    if data.pop("task", None) != TASK:
        raise TrainingError(f"{name} trains no descriptor: it has no `task: {TASK}`")
    return checked_config(data, name, DescriptorTraining, descriptor_training)

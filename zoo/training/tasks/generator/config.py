"""What the training of a generator is: a YAML file as a frozen `GeneratorTraining`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from zoo.networks.stylegan.generator import GeneratorConfig
from zoo.training.base.checked_values import check_file_name, checked_mapping, is_number, is_whole

__all__ = ["GeneratorTraining", "generator_config", "generator_record", "training_of"]

_LEAST = {"seed": 0, "steps": 1, "batch_size": 1, "r1_every": 1, "path_length_every": 1}
_SHARES = ("mixing", "augment_target", "average_ramp")
_FROM_ZERO = ("learning_rate", "r1", "path_length", "average_images", "augment_images")


@dataclass(frozen=True, slots=True)
class GeneratorTraining:
    """Everything that decides a run, but for the faces themselves.

    Attributes
    ----------
    name
        Of the generator that comes out.
    network
        The generator; the discriminator has the same channels.
    seed
        Of weights, noise, order and augmentation.
    steps, batch_size
        Length of the run; the faces shown are their product.
    learning_rate
        Of both networks (Adam, betas 0 and 0.99: Karras et al. 2020, appendix B).
    average_images
        Half-life of the averaged weights in faces shown.
    average_ramp
        The half-life is at most this share of the faces shown so far.
    r1
        Gamma of the gradient penalty on real faces in [-1, 1].
    r1_every, path_length_every
        Steps between two uses of a regularisation, which weighs as much more (lazy
        regularisation: Karras et al. 2020, section 3.1).
    path_length
        Weight of the path length regularisation; 0 for none.
    mixing
        Chance that a face has two codes, changing at a random layer (Karras et al. 2019, 3.1).
    augment_target
        The share that the discriminator's sign on real faces is held at by augmenting what it
        sees (adaptive discriminator augmentation: Karras et al. 2020, arXiv 2006.06676,
        section 3, r_t); 0 for no augmentation.
    augment_images
        Faces shown while the strength of augmentation can go from 0 to 1.
    precision
        ``float32`` or ``bfloat16``: what the convolutions compute in; weights stay float32.
    """

    name: str
    network: GeneratorConfig
    seed: int = 0
    steps: int = 10_000
    batch_size: int = 32
    learning_rate: float = 0.0025
    average_images: float = 10_000
    average_ramp: float = 0.05
    r1: float = 0.1
    r1_every: int = 16
    path_length: float = 2.0
    path_length_every: int = 4
    mixing: float = 0.9
    augment_target: float = 0.6
    augment_images: float = 100_000
    precision: str = "float32"

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not is_whole(value, least):
                raise ValueError(f"{name} {value!r} is no whole number from {least} on")
        for name in (*_SHARES, *_FROM_ZERO):
            value = getattr(self, name)
            if not is_number(value):
                raise ValueError(f"{name} {value!r} is no number: write it like 0.0005")
            if value < 0 or (name in _SHARES and value > 1):
                raise ValueError(f"{name} {value} is less than 0, or a share above 1")
        if not self.augment_images:
            raise ValueError("augment_images is above 0: for no augmentation, augment_target is 0")
        check_file_name(self.name)
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(f"precision {self.precision!r} is neither float32 nor bfloat16")

    def as_record(self) -> dict[str, Any]:
        """Return the configuration as a JSON-ready mapping."""
        return {**asdict(self), "network": generator_record(self.network)}


def generator_record(config: GeneratorConfig) -> dict[str, Any]:
    """Return what `generator_config` takes."""
    return {"design": "stylegan2", **asdict(config)}


def generator_config(record: Mapping[str, Any]) -> GeneratorConfig:
    """Return the generator's sizes that a mapping describes.

    Raises
    ------
    AttributeError, KeyError, TypeError, ValueError
        Another design, or a key or value that is unknown.
    """
    told = dict(checked_mapping("network", record))
    if told.pop("design", "stylegan2") != "stylegan2":
        raise ValueError(f"design {record['design']!r} is no generator's: use stylegan2")
    # JSON turns the sides into texts.
    told["channels"] = {
        int(side): width for side, width in checked_mapping("channels", told["channels"]).items()
    }
    return GeneratorConfig(**told)


def training_of(record: Mapping[str, Any]) -> GeneratorTraining:
    """Return the configuration that a mapping describes, such as `GeneratorTraining.as_record`'s.

    Raises
    ------
    AttributeError, KeyError, TypeError, ValueError
        A key that is missing or unknown, or a value out of range.
    """
    return GeneratorTraining(**{**record, "network": generator_config(record["network"])})

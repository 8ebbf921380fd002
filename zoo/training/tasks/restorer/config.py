"""What a training run is: a YAML file as a frozen `TrainingConfig`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from degrade.config import load_yaml, nearest
from degrade.errors import UserError
from zoo.networks.restoration.designs import NetworkConfig, network_config, network_record
from zoo.portrait.align.templates import TEMPLATES
from zoo.training.adversarial.config import AdversarialConfig, adversarial_of
from zoo.training.base.checked_values import (
    check_families,
    check_file_name,
    checked_mapping,
    is_number,
    is_whole,
)

__all__ = [
    "CONFIGS",
    "FEATURE_NETWORKS",
    "IdentityConfig",
    "TrainingConfig",
    "TrainingError",
    "checked_config",
    "config_of",
    "identity_of",
    "list_configs",
    "load_config",
    "read_config_file",
    "told_differences",
]

Config = TypeVar("Config")

CONFIGS = Path(__file__).parents[2] / "configs"
FEATURE_NETWORKS = ("efficientnet-lite0", "vgg19")
"""Whose maps the perceptual and the style loss can compare, see `zoo.training.losses.features`."""

_WHOLE = {
    "seed": 0, "steps": 1, "batch_size": 1, "warmup": 0, "stages": 1, "validate_every": 0,
    "patience": 0,
}  # fmt: skip
"""Whole numbers and the least they may be."""
_SHARES = ("decay", "ema", "beta1", "no_mask", "template_mask", "mask_errors", "clean")
_WEIGHTS = ("learning_rate", "l1", "perceptual", "region_style", "consistency")
_FORMER = ("adversarial_from", "r1", "critic_widths", "predicted_masks")
"""Keys in records of earlier versions that say nothing about a run without a discriminator."""


class TrainingError(UserError):
    """A training run cannot start or go on as asked."""


@dataclass(frozen=True, slots=True)
class IdentityConfig:
    """The identity loss, see `zoo.training.losses.identity`.

    Attributes
    ----------
    network
        ``arcface-small``, which Relume brings; or a face descriptor's ``.safetensors`` file, or
        its name in the cache folder.
    weight
        Of the loss.
    template
        How the run's faces are aligned: descriptors see the part of an ``ffhq`` face that a
        ``tight`` one shows.
    """

    network: str
    weight: float
    template: str = "tight"

    def __post_init__(self) -> None:
        if not isinstance(self.network, str) or not self.network:
            raise ValueError(f"identity: network {self.network!r} is no name and no file")
        if not is_number(self.weight) or self.weight < 0:
            raise ValueError(f"identity: weight {self.weight!r} is no number from 0 on")
        if self.template not in TEMPLATES:
            raise ValueError(f"identity: template {self.template!r} is neither ffhq nor tight")


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Everything that decides a run, but for the faces themselves.

    Attributes
    ----------
    name
        Of the restorer that comes out.
    network
        `zoo.networks.restoration.style.StyleConfig`, or with ``design: unet``
        `zoo.networks.restoration.unet.UNetConfig`.
    families
        Recipe → its share of every batch.
    seed
        Of weights, batches and flips.
    steps, batch_size
        Length of the run; image passes are their product.
    learning_rate
        Of the restorer, constant, then falling to 0 along a half cosine over the last `decay`
        share of the steps.
    ema
        Share of the averaged weights that a step keeps.
    l1, perceptual, region_style
        Weights of the losses.
    perceptual_network
        One of `FEATURE_NETWORKS`: whose maps the perceptual and the style loss compare.
    identity
        The identity loss, or None for none.
    stages
        Stages of EfficientNet-Lite0 that count, 1 to 5.
    adversarial
        The adversarial loss, or None for none.
    beta1
        Of the restorer's Adam; its second beta is 0.99.
    validate_every
        Steps between two validations, see `zoo.training.tasks.restorer.validation`; 0 for none.
    patience
        Validations without a better one after which the run ends; 0 for no early stop.
    no_mask, template_mask
        Chances that a face comes with no mask, or with the mean one instead of its own.
    mask_errors
        Chance that a face's own mask is wrong, see `zoo.training.data.mask_errors`.
    consistency
        Weight of the distance (L1) between a face restored with a wrong mask and the same face
        restored with the right one.
    clean
        Chance that a face comes undegraded, so that the restorer learns to leave it alone.
    precision
        ``float32`` or ``bfloat16``: what the convolutions compute in; weights stay float32.
    """

    name: str
    network: NetworkConfig
    families: Mapping[str, float]
    seed: int = 0
    steps: int = 10_000
    batch_size: int = 16
    learning_rate: float = 5e-4
    warmup: int = 200
    decay: float = 0.4
    ema: float = 0.999
    l1: float = 1.0
    perceptual: float = 0.05
    stages: int = 5
    adversarial: AdversarialConfig | None = None
    beta1: float = 0.9
    no_mask: float = 0.25
    template_mask: float = 0.15
    mask_errors: float = 0.0
    consistency: float = 0.0
    clean: float = 0.0
    precision: str = "float32"
    perceptual_network: str = "efficientnet-lite0"
    region_style: float = 0.0
    identity: IdentityConfig | None = None
    validate_every: int = 500
    patience: int = 0

    def __post_init__(self) -> None:
        _check_numbers(self)
        check_file_name(self.name)
        if self.adversarial is not None:
            self.adversarial.check_size(self.network.size)
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(f"precision {self.precision!r} is neither float32 nor bfloat16")
        if self.perceptual_network not in FEATURE_NETWORKS:
            raise ValueError(
                f"perceptual_network {self.perceptual_network!r} is not one of "
                f"{', '.join(FEATURE_NETWORKS)}"
            )

    def as_record(self) -> dict[str, Any]:
        """Return the configuration as a JSON-ready mapping."""
        record = asdict(self)
        record["network"] = network_record(self.network)
        return record


def config_of(record: Mapping[str, Any]) -> TrainingConfig:
    """Return the configuration that a mapping describes, such as `TrainingConfig.as_record`'s.

    Keys that are left out have their defaults, so records of earlier versions can be read.

    Raises
    ------
    KeyError, TypeError, ValueError
        A key that is missing or unknown, or a value out of range.
    """
    values = {key: value for key, value in record.items() if key not in _FORMER}
    values["network"] = network_config(record["network"])
    values["identity"] = identity_of(values.get("identity"))
    values["adversarial"] = adversarial_of(values.get("adversarial"))
    return TrainingConfig(**values)


def identity_of(told: object) -> IdentityConfig | None:
    """Return the identity loss that a mapping describes, or None for None.

    Raises
    ------
    TypeError, ValueError
        No mapping, a key that is missing or unknown, or a value out of range.
    """
    return None if told is None else IdentityConfig(**checked_mapping("identity", told))


def told_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say in words where two records differ, such as ``steps 4000, now 5000``; empty if nowhere."""
    old, new = _leaves(before), _leaves(now)
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return "; ".join(f"{key} {old.get(key)}, now {new.get(key)}" for key in keys)


def list_configs() -> tuple[str, ...]:
    """Return the names of the configurations that Relume brings."""
    return tuple(sorted(path.stem for path in CONFIGS.glob("*.yaml")))


def read_config_file(name_or_path: str | Path) -> tuple[dict[str, Any], str]:
    """Return the mapping of a configuration, unchecked, and its file's name.

    Raises TrainingError for an unknown name and for a file that is no mapping.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = CONFIGS / f"{name_or_path}.yaml"
        if not path.is_file():
            known = list_configs()
            raise TrainingError(
                f"no configuration is called '{name_or_path}': choose from {', '.join(known)}, "
                f"or give a .yaml file.{nearest(str(name_or_path), known)}"
            )
    data, _ = load_yaml(path, path.name, error=TrainingError)
    if not isinstance(data, dict):
        raise TrainingError(f"{path.name} is no mapping of keys to values")
    return data, path.name


def load_config(name_or_path: str | Path) -> TrainingConfig:
    """Return the configuration of that name, or of that YAML file.

    Raises TrainingError, one line, for an unknown name, key or value.
    """
    data, name = read_config_file(name_or_path)
    if data.pop("task", "restorer") != "restorer":
        raise TrainingError(f"{name} trains no restorer: use `zoo train`")
    return checked_config(data, name, TrainingConfig, config_of)


def checked_config(
    data: Mapping[str, Any], name: str, kind: type, build: Callable[[Mapping[str, Any]], Config]
) -> Config:
    """Return what ``build`` makes of the mapping; what it refuses is a person's mistake.

    Parameters
    ----------
    data
        What the file says.
    name
        Of the file, for messages.
    kind
        The dataclass whose fields are the known keys.
    build
        Raises KeyError, AttributeError, OverflowError, TypeError or ValueError for what it cannot
        take.

    Raises
    ------
    TrainingError
        One line: an unknown key, a missing one or a wrong value.
    """
    known_keys = [field.name for field in fields(kind)]
    for key in data:
        if key not in known_keys:
            raise TrainingError(f"{name}: no key is called '{key}'.{nearest(key, known_keys)}")
    try:
        return build(data)
    except KeyError as error:
        raise TrainingError(f"{name}: the key {error} is missing") from None
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise TrainingError(f"{name}: {error}") from None


def _check_numbers(config: TrainingConfig) -> None:
    for name, least in _WHOLE.items():
        value = getattr(config, name)
        if not is_whole(value, least):
            raise ValueError(f"{name} {value!r} is no whole number from {least} on")
    for name in (*_SHARES, *_WEIGHTS):
        value = getattr(config, name)
        if not is_number(value):
            # YAML reads 5e-4 as a text.
            raise ValueError(f"{name} {value!r} is no number: write it like 0.0005")
        if value < 0 or (name in _SHARES and value > 1):
            raise ValueError(f"{name} {value} is less than 0, or a share above 1")
    check_families(config.families)


def _leaves(record: Mapping[str, Any]) -> dict[str, object]:
    """Return the record with the network's keys beside the others, and families in their order."""
    leaves: dict[str, object] = {}
    for key, value in record.items():
        if key in ("network", "adversarial") and isinstance(value, Mapping):
            leaves |= {f"{key}.{inner}": leaf for inner, leaf in value.items()}
        else:
            leaves[key] = list(value.items()) if key == "families" else value
    return leaves

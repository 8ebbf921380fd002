"""What a training run is: a YAML file as a frozen `TrainingConfig`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from degrade.errors import UserError
from degrade.yaml_lines import load_yaml, nearest
from zoo.networks.style import StyleConfig

__all__ = ["CONFIGS", "TrainingConfig", "TrainingError", "list_configs", "load_config"]

CONFIGS = Path(__file__).parent / "configs"


class TrainingError(UserError):
    """A training run cannot start or go on as asked."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Everything that decides a run, but for the faces themselves.

    Attributes
    ----------
    name
        Of the restorer that comes out.
    network
        See `zoo.networks.style.StyleConfig`.
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
    l1, perceptual, adversarial
        Weights of the losses.
    stages
        Stages of the perceptual network that count.
    adversarial_from
        Share of the steps after which the discriminator joins in.
    r1
        Gamma of the gradient penalty, every 16 steps (Karras et al. 2020, lazy regularisation).
    no_mask, template_mask
        Chances that a face comes with no mask, or with the mean one instead of its own.
    """

    name: str
    network: StyleConfig
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
    adversarial: float = 0.0
    adversarial_from: float = 0.5
    r1: float = 1.0
    no_mask: float = 0.25
    template_mask: float = 0.15

    def as_record(self) -> dict[str, Any]:
        """Return the configuration as a JSON-ready mapping."""
        return asdict(self)


def list_configs() -> tuple[str, ...]:
    """Return the names of the configurations that Relume brings."""
    return tuple(sorted(path.stem for path in CONFIGS.glob("*.yaml")))


def load_config(name_or_path: str | Path) -> TrainingConfig:
    """Return the configuration of that name, or of that YAML file.

    Raises TrainingError, one line, for an unknown name, key or value.
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
    known_keys = [field.name for field in fields(TrainingConfig)]
    for key in data:
        if key not in known_keys:
            raise TrainingError(f"{path.name}: no key is called '{key}'.{nearest(key, known_keys)}")
    try:
        return TrainingConfig(**(data | {"network": StyleConfig(**data["network"])}))
    except (KeyError, TypeError, ValueError) as error:
        raise TrainingError(f"{path.name}: {error}") from None

"""Configurations of training: the values they have, their files, and where two of them differ.

A task's configuration is a frozen dataclass below `RunConfig`. Types and ranges are annotations
that msgspec checks when a file or a record is read; a class checks what depends on several keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from msgspec import Meta

from degrade.config import KeyPath, load_yaml, nearest, to_config
from degrade.errors import UserError
from zoo.networks.config import RecordError, network_config, network_record, sides_as_numbers

__all__ = [
    "Amount", "Count", "Families", "FileName", "IdentityConfig", "Precision", "RunConfig",
    "Share", "TrainingError", "Whole", "differences", "list_configs", "read_config_file",
]  # fmt: skip

CONFIGS = Path(__file__).parents[1] / "configs"

_LARGEST = 1 << 53
"""Whole numbers up to this have a float64 of their own."""
Whole = Annotated[int, Meta(ge=0, le=_LARGEST)]
Count = Annotated[int, Meta(ge=1, le=_LARGEST)]
# Whole numbers stay whole: records and headers of a run do not change by being read.
Amount: TypeAlias = Annotated[int, Meta(ge=0, le=_LARGEST)] | Annotated[float, Meta(ge=0)]
Share: TypeAlias = Annotated[int, Meta(ge=0, le=1)] | Annotated[float, Meta(ge=0, le=1)]
Precision: TypeAlias = Literal["float32", "bfloat16"]
"""What convolutions compute in; weights stay float32."""
FileName = Annotated[str, Meta(pattern=r"^[^./\x00][^/\x00]*\Z")]
"""Of a run's file: neither hidden nor in another folder."""
Families = Annotated[Mapping[str, Amount], Meta(min_length=1)]
"""Recipe → its share of every batch."""


class TrainingError(UserError):
    """A training run cannot start or go on as asked."""


class RunConfig:
    """What the configuration of every task has; a base of frozen dataclasses."""

    __slots__ = ()

    task: ClassVar[str]  # what a YAML file's key ``task`` says
    # Design → the dataclass of ``network``; the first where a file names none
    designs: ClassVar[Mapping[str, type[Any]]]

    name: Any  # of what comes out
    network: Any
    seed: Any  # of weights, batches and everything else that is drawn
    steps: Any  # length of the run and faces of a step; image passes are their product
    batch_size: Any
    learning_rate: Any  # the highest, see `zoo.training.base.schedule`

    def as_record(self) -> dict[str, Any]:
        """Return the configuration as a JSON-ready mapping."""
        return {**asdict(self), "network": network_record(self.network)}  # type: ignore[call-overload]

    @classmethod
    def from_record(
        cls,
        record: Mapping[str, Any],
        source: str = "the record",
        *,
        lines: Mapping[KeyPath, int] | None = None,
        error: type[UserError] = RecordError,
    ) -> Self:
        """Return the configuration that a mapping describes, such as `as_record`'s.

        Keys that are left out have their defaults, so records of earlier versions can be read.
        Parameters and errors are those of `degrade.config.to_config`.
        """
        values: Any = sides_as_numbers(cls.updated(record))
        if "network" in values:
            values["network"] = network_config(
                values["network"], cls.designs, source, lines=lines, error=error
            )
        return to_config(values, cls, source, lines=lines, error=error)

    @classmethod
    def updated(cls, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a record of an earlier version as this one writes it."""
        return record


@dataclass(frozen=True, slots=True)
class IdentityConfig:
    """The identity loss, see `zoo.training.losses.identity`."""

    # ``arcface-small``, which Relume brings; or a face descriptor's ``.safetensors`` file, or its
    # name in the cache folder
    network: Annotated[str, Meta(min_length=1)]
    weight: Amount  # of the loss
    # How the run's faces are aligned: descriptors see the part of an ``ffhq`` face that a ``tight``
    # one shows
    template: Literal["tight", "ffhq"] = "tight"


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say in words where two records differ, such as ``steps 4000, now 5000``; empty if nowhere."""
    old, new = _leaves(before), _leaves(now)
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return "; ".join(f"{key} {old.get(key)}, now {new.get(key)}" for key in keys)


def list_configs() -> tuple[str, ...]:
    """Return the names of the configurations that Relume brings."""
    return tuple(sorted(path.stem for path in CONFIGS.glob("*.yaml")))


def read_config_file(
    name_or_path: str | Path,
) -> tuple[dict[str, Any], Mapping[KeyPath, int], str]:
    """Return a configuration's mapping, unchecked, the line of each key, and the file's name.

    Raises TrainingError for an unknown name and for a file that is no mapping.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = CONFIGS / f"{name_or_path}.yaml"
        if not path.is_file():
            known = list_configs()
            raise TrainingError(
                f"unknown configuration '{name_or_path}': choose from {', '.join(known)}, or give "
                f"a .yaml file.{nearest(str(name_or_path), known)}"
            )
    data, lines = load_yaml(path, path.name, error=TrainingError)
    if not isinstance(data, dict):
        raise TrainingError(f"{path.name}: expected keys and values")
    return data, lines, path.name


def _leaves(record: Mapping[str, Any]) -> dict[str, object]:
    """Return the record with the network's keys beside the others, and families in their order."""
    leaves: dict[str, object] = {}
    for key, value in record.items():
        if key in ("network", "adversarial") and isinstance(value, Mapping):
            leaves |= {f"{key}.{inner}": leaf for inner, leaf in value.items()}
        else:
            leaves[key] = list(value.items()) if key == "families" else value
    return leaves

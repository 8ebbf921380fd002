"""Sizes of networks: what their frozen dataclasses share, and their records in YAML and headers."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

from msgspec import Meta

from degrade.config import KeyPath, nearest, to_config
from degrade.errors import UserError

__all__ = [
    "Channels", "Depth", "RecordError", "Size", "check_doubling", "network_config",
    "network_record", "sides_as_numbers",
]  # fmt: skip

Size = Annotated[int, Meta(ge=1, le=1 << 24)]
"""A side, a width or a count; bounded so that a hostile header is refused early."""
Depth = Annotated[int, Meta(ge=1, le=64)]
"""Blocks or layers, of which each costs time to build."""
Channels = Mapping[int, Size]
"""Side of a level in pixels → channels of its features."""
Network = TypeVar("Network")


class RecordError(UserError, ValueError):
    """A record that describes no configuration."""


def network_config(
    record: object,
    designs: Mapping[str, type[Network]],
    source: str = "the record",
    *,
    lines: Mapping[KeyPath, int] | None = None,
    error: type[UserError] = RecordError,
) -> Network:
    """Return the sizes that a mapping describes, such as `network_record`'s, after JSON too.

    Parameters
    ----------
    record
        The sizes, and ``design``, one of the keys of ``designs``; the first where it names none.
    designs
        Design → dataclass.
    source, lines, error
        For messages, see `degrade.config.to_config`; lines are those of the whole file.

    Raises
    ------
    RecordError
        No mapping, an unknown design or key, or a value of another type or out of range.
    """
    values: Any = sides_as_numbers(record)
    if isinstance(values, dict):
        design = values.pop("design", next(iter(designs)))
        if not isinstance(design, str) or design not in designs:
            hint = nearest(design, designs) or f" Known: {', '.join(designs)}"
            raise error(f"{source}: network.design: unknown design {design!r}.{hint}")
    else:
        design = next(iter(designs))
    kind = designs[design]
    return to_config(values, kind, source, lines=lines, error=error, at=("network",))


def network_record(config: Any) -> dict[str, Any]:
    """Return what `network_config` takes, JSON-ready but for the sides of ``channels``."""
    design = getattr(config, "design", None)
    return ({} if design is None else {"design": design}) | asdict(config)


def sides_as_numbers(record: object) -> object:
    """Return the record with the keys of each ``channels`` as numbers: JSON made them texts."""
    if not isinstance(record, Mapping):
        return record
    return {
        key: {_number(side): width for side, width in value.items()}
        if key == "channels" and isinstance(value, Mapping)
        else sides_as_numbers(value)
        for key, value in record.items()
    }


def check_doubling(sides: Sequence[int]) -> None:
    """Raise ValueError for no sides, or for sides that do not double from each to the next."""
    if not sides or any(after != 2 * before for before, after in itertools.pairwise(sides)):
        raise ValueError(f"the sides {list(sides)} do not double from each to the next")


def _number(side: object) -> object:
    return int(side) if isinstance(side, str) and side.isascii() and side.isdigit() else side

"""Records whose fields can also be read by name, as PyTorch's default collate reads a mapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from degrade.planner.plan import Plan

__all__ = ["RecordMapping"]


class RecordMapping(Mapping[str, Any]):
    """What a dataclass inherits to be a mapping from its fields' names to plain values.

    Arrays, texts and numbers are given as they are; a `Plan` as its JSON text and several as a
    list of them, since a batch of plans is no tensor.
    """

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        if name not in self.__dataclass_fields__:  # type: ignore[attr-defined]  # of a dataclass
            raise KeyError(name)
        value = getattr(self, name)
        if isinstance(value, Plan):
            return value.to_json()
        if isinstance(value, tuple):
            return [item.to_json() if isinstance(item, Plan) else item for item in value]
        return value

    def __iter__(self) -> Iterator[str]:
        return (field.name for field in fields(self))  # type: ignore[arg-type]  # as above

    def __len__(self) -> int:
        return len(self.__dataclass_fields__)  # type: ignore[attr-defined]  # as above

"""The table of operations: those shipped, those registered here, those of installed packages.

Importing it imports none of their code. Noise strength is in 8-bit levels, blur in pixels, angles
in degrees counter-clockwise from the horizontal, JPEG quality 1-100.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points

from degrade.errors import UserError
from degrade.ops.blur.entries import BLUR
from degrade.ops.codec.entries import CODEC
from degrade.ops.colour.entries import COLOUR
from degrade.ops.noise.entries import NOISE
from degrade.ops.operation import Operation
from degrade.ops.size.entries import SIZE

ENTRY_POINTS = "relume.operations"
"""Entry-point group: an operation's name → ``module:attribute``, an `Operation` of that name."""


class OperationTable(Mapping[str, Operation]):
    """Name → `Operation`: shipped ones first, then registered ones, then those of packages.

    The packages are looked at when a name is not known or all are listed.
    """

    def __init__(self, shipped: tuple[Operation, ...]) -> None:
        self._entries = {operation.name: operation for operation in shipped}

    def register(self, operation: Operation) -> None:
        """Add an operation for this process.

        Worker processes know it if they import the module that registers it; the entry-point
        group `ENTRY_POINTS` of an installed package needs no import.

        Raises
        ------
        ValueError
            The name is taken.
        """
        if operation.name in self._entries:
            raise ValueError(f"the operation name '{operation.name}' is taken: choose another")
        self._entries[operation.name] = operation

    def __getitem__(self, name: str) -> Operation:
        if name not in self._entries:
            self._entries[name] = _load(self._offered[name])
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._entries, *self._offered]))

    def __len__(self) -> int:
        return len(self._entries.keys() | self._offered.keys())

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._offered

    @cached_property
    def _offered(self) -> dict[str, EntryPoint]:
        points = sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name)
        return {point.name: point for point in points}


def _load(point: EntryPoint) -> Operation:
    package = point.dist.name if point.dist is not None else point.value
    try:
        operation = point.load()
    except Exception as error:  # anybody's code
        raise UserError(
            f"the operation '{point.name}' of the package {package} cannot be imported "
            f"({type(error).__name__}: {error}): update or uninstall it"
        ) from error
    if not isinstance(operation, Operation) or operation.name != point.name:
        raise UserError(
            f"the package {package} offers '{point.name}', which is not an Operation of that name: "
            "update or uninstall it"
        )
    return operation


OPERATIONS = OperationTable((*NOISE, *BLUR, *SIZE, *CODEC, *COLOUR))
"""Every operation by its name."""

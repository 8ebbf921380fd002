"""Switches: one recipe file read in several ways, chosen by what follows its name.

``gfpgan:correct`` is the file gfpgan.yaml with the switch that has a value ``correct`` set to
it. This module replaces what depends on a switch; it knows nothing of operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from degrade.config import KeyPath, nearest
from degrade.errors import RecipeError

Fail = Callable[[KeyPath, str], NoReturn]
"""Raises RecipeError with the line of a key path and a message."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One way in which a recipe can be read differently."""

    name: str  # as the file calls it, such as ``reading``
    # Texts; no two switches of a file share one, so a value alone names its switch
    values: tuple[str, ...]
    default: str  # the value that stands when none is asked for


def parse_switches(written: object, taken: Iterable[str], fail: Fail) -> tuple[Switch, ...]:
    """Return the switches that a recipe's key ``switches`` declares.

    Parameters
    ----------
    written
        ``{name: {default: value, values: [value, ...]}}``; values are words or whole numbers.
    taken
        Keys that mean something else in a recipe, which no switch may be called.
    fail
        Called with the place and the mistake.
    """
    if not isinstance(written, Mapping):
        fail(("switches",), "switches is a mapping from a name to {default: ..., values: [...]}")
    taken = tuple(taken)
    owners: dict[str, str] = {}
    switches = []
    for name, entry in written.items():
        where = ("switches", str(name))
        if not isinstance(name, str) or name in taken:
            fail(where, f"a switch cannot be called '{name}': the word means something else here")
        if not isinstance(entry, Mapping) or set(entry) != {"default", "values"}:
            fail(where, f"the switch '{name}' takes exactly the keys default and values")
        values = _texts(entry["values"], (*where, "values"), fail)
        for value in values:
            if owners.setdefault(value, name) != name or values.count(value) > 1:
                fail((*where, "values"), f"the value '{value}' is there twice: values differ")
        default = str(entry["default"])
        if default not in values:
            fail((*where, "default"), f"'{default}' is not one of {', '.join(values)}")
        switches.append(Switch(name, values, default))
    return tuple(switches)


def _texts(written: object, where: KeyPath, fail: Fail) -> tuple[str, ...]:
    if not isinstance(written, list) or not written:
        fail(where, "values is a list of words or whole numbers")
    for value in written:
        if isinstance(value, bool) or not isinstance(value, int | str):
            fail(where, f"'{value}' cannot be a switch value: use words or whole numbers")
        if not str(value) or ":" in str(value):
            fail(where, f"'{value}' cannot be a switch value: it goes between colons in a name")
    return tuple(str(value) for value in written)


def choose(switches: Sequence[Switch], requested: Sequence[str], recipe: str) -> dict[str, str]:
    """Return the value of each switch by its name: as asked for, or its default.

    Raises RecipeError for a value that no switch has, and for two values of one switch.
    """
    owners = {value: switch.name for switch in switches for value in switch.values}
    chosen: dict[str, str] = {}
    for value in requested:
        if value not in owners:
            known = f"use {', '.join(owners)}" if owners else "it has none, use its name alone"
            raise RecipeError(
                f"the recipe '{recipe}' has no switch value '{value}': "
                f"{known}.{nearest(value, owners)}"
            )
        other = chosen.setdefault(owners[value], value)
        if other != value:
            raise RecipeError(
                f"'{other}' and '{value}' both set the switch '{owners[value]}' of the recipe "
                f"'{recipe}': give one"
            )
    return {switch.name: chosen.get(switch.name, switch.default) for switch in switches}


def select(
    data: Any, switches: Sequence[Switch], chosen: Mapping[str, str], fail: Fail, where: KeyPath
) -> Any:
    """Return the data with every ``{switch: options}`` replaced by the chosen option.

    Options are a mapping from each value of the switch, or a list in the order of its values.
    """
    if isinstance(data, list):
        return [select(item, switches, chosen, fail, (*where, i)) for i, item in enumerate(data)]
    if not isinstance(data, Mapping):
        return data
    named = [switch for switch in switches if switch.name in data]
    if len(data) == 1 and named:
        option, key = _option(data[named[0].name], named[0], chosen, fail, where)
        return select(option, switches, chosen, fail, (*where, named[0].name, key))
    if named:
        fail(
            (*where, named[0].name),
            f"'{named[0].name}' is a switch: it stands alone, as {{{named[0].name}: ...}}",
        )
    return {key: select(item, switches, chosen, fail, (*where, str(key)))
            for key, item in data.items()}  # fmt: skip


def _option(
    options: object, switch: Switch, chosen: Mapping[str, str], fail: Fail, where: KeyPath
) -> tuple[Any, str | int]:
    value = chosen[switch.name]
    if isinstance(options, list) and len(options) == len(switch.values):
        position = switch.values.index(value)
        return options[position], position
    if isinstance(options, Mapping):
        by_text = {str(key): option for key, option in options.items()}
        if by_text.keys() == set(switch.values):
            return by_text[value], value
    fail(
        (*where, switch.name),
        f"the switch '{switch.name}' needs one entry for each of {', '.join(switch.values)}",
    )

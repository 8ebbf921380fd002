"""Configuration files: YAML into frozen dataclasses, with the line in every message.

msgspec checks types and ranges (``Annotated[int, msgspec.Meta(ge=1)]``); a class checks what
depends on several keys in ``__post_init__`` by raising ValueError. Used by all three packages; it
knows nothing of what a file means.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from degrade.errors import UserError

T = TypeVar("T")

KeyPath = tuple[str | int, ...]
"""Where a value stands: keys and 0-based list positions from the root, the root being ``()``."""


def load_yaml(
    path_or_text: Path | str,
    source_name: str | None = None,
    *,
    error: type[UserError] = UserError,
) -> tuple[Any, Mapping[KeyPath, int]]:
    """Read one YAML document and the line of everything in it.

    Parameters
    ----------
    path_or_text
        A `Path` is read as UTF-8; a string is the YAML itself.
    source_name
        How messages call it; the path, or ``the text``, when left out.
    error
        The `UserError` subclass to raise.

    Returns
    -------
    data
        Plain mappings, lists and scalars as ``yaml.safe_load`` gives them; None when empty.
    lines
        Key path to 1-based line: of the key in a mapping, of the item in a list.

    Raises
    ------
    UserError
        The file is missing or no UTF-8; the YAML is malformed, repeats a key, uses anchors
        and aliases (they allow files of a few bytes that never end) or is nested too deeply.
    """
    name = source_name or (str(path_or_text) if isinstance(path_or_text, Path) else "the text")
    text = _read(path_or_text, name, error) if isinstance(path_or_text, Path) else path_or_text
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None, {(): 1}
        lines = dict(_walk(node, (), set(), name, error))
        return loader.construct_document(node), lines
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line = f" line {mark.line + 1}" if mark else ""
        raise error(
            f"{name}{line}: this is not valid YAML ({problem.problem or problem.context}): "
            "check the indentation, the colons and the quotes"
        ) from problem
    except yaml.YAMLError as problem:  # a character that YAML does not allow; has no line
        raise error(f"{name}: this is not a YAML text: {_first_line(problem)}") from problem
    except ValueError as problem:  # a scalar that looks like a date or number but is none
        raise error(f"{name}: a value cannot be read ({problem}): put it in quotes") from problem
    except RecursionError as problem:
        raise error(f"{name}: nested too deeply: this is not a file of this kind") from problem


def load_config(
    path_or_text: Path | str,
    kind: type[T],
    source_name: str | None = None,
    *,
    error: type[UserError] = UserError,
) -> T:
    """Read one YAML document as a dataclass; parameters and errors as `load_yaml`, `to_config`."""
    name = source_name or (str(path_or_text) if isinstance(path_or_text, Path) else "the text")
    data, lines = load_yaml(path_or_text, name, error=error)
    return to_config(data, kind, name, lines=lines, error=error)


def to_config(
    data: object,
    kind: type[T],
    source_name: str,
    *,
    lines: Mapping[KeyPath, int] | None = None,
    error: type[UserError] = UserError,
    at: KeyPath = (),
) -> T:
    """Convert plain mappings, lists and scalars to a dataclass.

    Parameters
    ----------
    data
        As `load_yaml` or ``json.loads`` returns it.
    kind
        A dataclass; its fields may be dataclasses, Literals, unions and containers of these.
    source_name
        How messages call where it is from.
    lines
        Key path to line, as `load_yaml` returns it.
    error
        The `UserError` subclass to raise.
    at
        Where in the file ``data`` stands, for messages.

    Raises
    ------
    UserError
        ``file line 3: network.size: Expected `int`, got `str```: an unknown or missing key, a
        value of another type or out of range, or what ``__post_init__`` refuses.
    """

    def fail(path: KeyPath, problem: str) -> typing.NoReturn:
        path = (*at, *path)
        key = ".".join(str(part) for part in path)
        while lines and path and path not in lines:
            path = path[:-1]
        line = f" line {lines[path]}" if lines and path in lines else ""
        raise error(f"{source_name}{line}: {key}{': ' if key else ''}{problem}")

    if not isinstance(data, Mapping):
        fail((), f"expected keys and values, got {_preview(data)}")
    for path, problem in _problems(data, kind, ()):
        fail(path, problem)
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as problem:
        message, _, where = str(problem).partition(" - at ")
        path = _path_of(where, data)
        value = _value_at(data, path)
        preview = f" ({_preview(value)})" if value is not None and "missing" not in message else ""
        if isinstance(value, str) and re.fullmatch(r"\d+e-?\d+", value):
            preview += ": write it like 0.0005, YAML reads 5e-4 as a text"
        choices = _choices_at(kind, path)
        cure = f": use one of {', '.join(choices)}" if choices else ""
        fail(path, f"{message}{preview}{cure}")


def _problems(data: Any, kind: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Yield what msgspec lets pass: unknown keys of dataclasses, infinite and NaN numbers."""
    if isinstance(data, float) and not math.isfinite(data):
        yield path, f"{data} is not a finite number"
    elif isinstance(data, Mapping):
        fields = _fields_of(kind)
        for key, value in data.items():
            if fields is not None and key not in fields:
                yield (
                    (*path, key),
                    f"unknown key.{nearest(key, fields) or ' Known: ' + ', '.join(fields)}",
                )
            yield from _problems(value, (fields or {}).get(key), (*path, key))
    elif isinstance(data, list | tuple):
        arguments = typing.get_args(kind)
        for position, value in enumerate(data):
            yield from _problems(value, arguments[0] if arguments else None, (*path, position))


def _fields_of(kind: Any) -> dict[str, Any] | None:
    """Return field name → type of a dataclass, or of the one dataclass in a union; else None."""
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init}
    nested = [fields for part in typing.get_args(kind) if (fields := _fields_of(part)) is not None]
    return nested[0] if len(nested) == 1 and typing.get_origin(kind) in _UNIONS else None


def _choices_at(kind: Any, path: KeyPath) -> list[str]:
    """Return the values of the Literal that a key path leads to; empty for any other type."""
    for key in path:
        kind = (_fields_of(kind) or {}).get(str(key))
    parts = [kind, *typing.get_args(kind)]
    literals = (part for part in parts if typing.get_origin(part) is typing.Literal)
    return [str(value) for literal in literals for value in typing.get_args(literal)]


_UNIONS = (typing.Union, types.UnionType, typing.Annotated)


def _path_of(where: str, data: Any) -> KeyPath:
    """Return the key path of msgspec's ``$.network.channels[0]``; it stops at ``[...]``."""
    path: list[str | int] = []
    for key, position in re.findall(r"\.([^.\[`]+)|\[(\d+)\]", where.partition("[...]")[0]):
        path.append(key or int(position))
    return tuple(path)


def _value_at(data: Any, path: KeyPath) -> Any:
    for part in path:
        try:
            data = data[part]
        except (LookupError, TypeError):
            return None
    return data


def _preview(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def nearest(name: object, valid: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the valid name closest to ``name``, or an empty string.

    Closeness is difflib's ratio of at least 0.6 (its default), letter case ignored.
    """
    by_folded = {candidate.casefold(): candidate for candidate in valid}
    close = difflib.get_close_matches(str(name).casefold(), by_folded, n=1)
    return f" Did you mean '{by_folded[close[0]]}'?" if close else ""


def _read(path: Path, name: str, error: type[UserError]) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as problem:
        raise error(f"{name}: there is no such file") from problem
    except IsADirectoryError as problem:
        raise error(f"{name}: this is a folder, a YAML file was expected") from problem
    except UnicodeDecodeError as problem:
        raise error(f"{name}: this is not a UTF-8 text file") from problem


def _walk(
    node: yaml.Node, path: KeyPath, visited: set[int], name: str, error: type[UserError]
) -> Iterator[tuple[KeyPath, int]]:
    line = node.start_mark.line + 1
    if id(node) in visited:
        raise error(
            f"{name} line {line}: anchors and aliases (& and *) are not allowed here: "
            "write the value out where it is used"
        )
    visited.add(id(node))
    if not path:
        yield path, line
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            yield (*path, position), item.start_mark.line + 1
            yield from _walk(item, (*path, position), visited, name, error)
    elif isinstance(node, yaml.MappingNode):
        first_lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            text = key.value if isinstance(key, yaml.ScalarNode) else repr(key.value)
            if text in first_lines:
                raise error(
                    f"{name} line {line}: '{text}' stands here a second time, "
                    f"first on line {first_lines[text]}: remove one"
                )
            first_lines[text] = line
            yield (*path, text), line
            yield from _walk(value, (*path, text), visited, name, error)


def _first_line(problem: Exception) -> str:
    return str(problem).partition("\n")[0]

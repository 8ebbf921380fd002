"""YAML that remembers its lines, so that an error can name the line and the nearest valid key.

Reads recipes, suites and data set tables alike; it knows nothing of what they mean.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from degrade.errors import UserError

__all__ = ["KeyPath", "load_yaml", "nearest"]

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
    node: yaml.Node, path: KeyPath, seen: set[int], name: str, error: type[UserError]
) -> Iterator[tuple[KeyPath, int]]:
    line = node.start_mark.line + 1
    if id(node) in seen:
        raise error(
            f"{name} line {line}: anchors and aliases (& and *) are not allowed here: "
            "write the value out where it is used"
        )
    seen.add(id(node))
    if not path:
        yield path, line
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            yield (*path, position), item.start_mark.line + 1
            yield from _walk(item, (*path, position), seen, name, error)
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
            yield from _walk(value, (*path, text), seen, name, error)


def _first_line(problem: Exception) -> str:
    return str(problem).partition("\n")[0]

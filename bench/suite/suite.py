"""A suite: which data sets, recipes, restorers and metrics make one benchmark, read from YAML.

Reads and checks the text only; it opens no data set, recipe, restorer or metric.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.suite.protocols import PROTOCOLS, STRICT
from degrade.config import KeyPath, load_yaml, nearest
from degrade.errors import UserError

__all__ = ["ALL", "MASKS", "Suite", "SuiteError", "load_suite", "suite_names"]

ALL = "all"
"""In ``restorers``: every restorer the zoo has."""

_SHIPPED = Path(__file__).parents[1] / "suites"
_SEED_BOUND = 2**64
_VARIANTS_BOUND = 65_535
MASKS = ("none", "right", "wrong-face", "predicted")
"""What restorers may be given with the faces; see `bench.suite.masks`."""
_MAY_BE_EMPTY = ("datasets", "recipes")


class SuiteError(UserError):
    """A suite that cannot be read, or a value outside its range."""


@dataclass(frozen=True, slots=True)
class Suite:
    """Everything that decides what a benchmark measures.

    Attributes
    ----------
    name
        Letters, digits, ``-``, ``_`` and ``.``; the default output folder is called by it.
    datasets
        Names from ``datasets.yaml`` or folders; none where whoever runs the suite names them.
        A folder holding ``metadata.parquet`` is a
        stored paired data set: it is scored as it is, takes no recipe, ``size`` or ``variants``.
    recipes
        Names or paths of degradation recipes, each applied to every other data set.
    restorers, metrics
        Names, in the order of the tables; ``("all",)`` stands for every restorer there is.
        What a metric's name stands for is the protocols' affair; see `bench.suite.protocols`.
    seed
        The 64-bit seed of the degradations and of the bootstrap.
    variants
        How many degraded versions of each image, 1 to 65 535.
    limit
        Use at most the first so many images of each data set; None for all.
    size
        Shrink images whose longer side has more pixels to it, by area averaging, before they
        are degraded; None leaves them.
    reference
        A data set or folder of clean images: set metrics compare restored images with all of
        them. None: with the truths of the same images.
    masks
        One of `MASKS`: the parsing masks that restorers are given.
    protocol
        Names of `bench.suite.protocols.PROTOCOLS`.
    truths
        False for photographs that have none, as nobody degraded them: they are restored as they
        are found, take no recipe, and only metrics that need no truth can judge.
    """

    name: str
    datasets: tuple[str, ...]
    recipes: tuple[str, ...]
    restorers: tuple[str, ...]
    metrics: tuple[str, ...]
    seed: int = 7
    variants: int = 1
    limit: int | None = None
    size: int | None = None
    reference: str | None = None
    masks: str = "none"
    protocol: tuple[str, ...] = (STRICT,)
    truths: bool = True

    def as_record(self) -> dict[str, Any]:
        """Return the suite as a JSON-ready mapping, lists for tuples; ``truths`` only if false."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
            if not (key == "truths" and value)  # so that runs of before it are still the same
        }


def suite_names() -> list[str]:
    """Return the names of the shipped suites, sorted."""
    return sorted(path.stem for path in _SHIPPED.glob("*.yaml"))


def load_suite(name_or_path: str | Path) -> Suite:
    """Read a shipped suite by name, or a YAML file.

    Folders and recipe files in the YAML are relative to the file they stand in.

    Raises
    ------
    SuiteError
        There is no such suite or file, or its text is wrong; the line is named.
    """
    path = Path(name_or_path)
    if str(name_or_path) in suite_names():
        path = _SHIPPED / f"{name_or_path}.yaml"
    elif path.suffix not in (".yaml", ".yml") and not path.exists():
        names = suite_names()
        raise SuiteError(
            f"there is no suite '{name_or_path}'.{nearest(name_or_path, names)} "
            f"Give a YAML file or one of: {', '.join(names)}"
        )
    data, lines = load_yaml(path, error=SuiteError)
    return _Reader(str(path), path.parent, lines).suite(data, default_name=path.stem)


@dataclass(frozen=True, slots=True)
class _Reader:
    source: str
    folder: Path
    lines: Mapping[KeyPath, int]

    def suite(self, data: object, default_name: str) -> Suite:
        fields = Suite.__dataclass_fields__
        if not isinstance(data, dict):
            raise self.error((), f"a suite is a mapping of {', '.join(fields)}")
        for key in data:
            if key not in fields:
                hint = nearest(key, fields) or f" Valid keys: {', '.join(fields)}."
                raise self.error((str(key),), f"'{key}' is no key of a suite.{hint}")
        for key in ("datasets", "restorers", "metrics"):
            if key not in data:
                raise self.error((), f"the key '{key}' is missing: add it")
        return Suite(
            name=self.name(data.get("name", default_name)),
            datasets=tuple(self.place(item) for item in self.names(data, "datasets")),
            recipes=tuple(self.place(item) for item in self.names(data, "recipes")),
            restorers=self.names(data, "restorers", word=ALL),
            metrics=self.names(data, "metrics"),
            seed=self.integer(data, "seed", 0, _SEED_BOUND - 1, default=7),
            variants=self.integer(data, "variants", 1, _VARIANTS_BOUND, default=1),
            limit=self.optional_integer(data, "limit", 1),
            size=self.optional_integer(data, "size", 32),
            reference=self.reference(data.get("reference")),
            masks=self.choice(data, "masks", MASKS),
            protocol=self.protocol(data),
            truths=self.truths(data),
        )

    def name(self, value: object) -> str:
        allowed = set("-_.")
        if not isinstance(value, str) or not all(c.isalnum() or c in allowed for c in value):
            raise self.error(("name",), f"'{value}' is no name: use letters, digits, - _ and .")
        if not value.strip("."):
            raise self.error(("name",), "the name must hold a letter or a digit")
        return value

    def names(self, data: Mapping[str, Any], key: str, word: str | None = None) -> tuple[str, ...]:
        value = data.get(key, [])
        if isinstance(value, str) and value == word:
            return (value,)
        wanted = f"a list of names{f' or the word {word}' if word else ''}"
        if not isinstance(value, list) or (not value and key not in _MAY_BE_EMPTY):
            raise self.error((key,), f"'{key}' must be {wanted}")
        for position, item in enumerate(value):
            if not isinstance(item, str) or not item:
                raise self.error((key, position), f"'{key}' must be {wanted}, not {item!r}")
            if item in value[:position]:
                raise self.error((key, position), f"'{item}' stands in '{key}' twice: remove one")
        return tuple(value)

    def reference(self, value: object) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            raise self.error(("reference",), "'reference' must be a folder or a data set's name")
        return self.place(value)

    def choice(self, data: Mapping[str, Any], key: str, allowed: tuple[str, ...]) -> str:
        value = data.get(key, allowed[0])
        if value not in allowed:
            raise self.error((key,), f"'{key}' must be one of {', '.join(allowed)}, not {value!r}")
        return str(value)

    def protocol(self, data: Mapping[str, Any]) -> tuple[str, ...]:
        value = data.get("protocol", STRICT)
        chosen = (value,) if isinstance(value, str) else self.names(data, "protocol")
        for name in chosen:
            if name not in PROTOCOLS:
                hint = nearest(name, PROTOCOLS) or f" Name one of: {', '.join(PROTOCOLS)}."
                raise self.error(("protocol",), f"there is no protocol '{name}'.{hint}")
        return chosen

    def truths(self, data: Mapping[str, Any]) -> bool:
        value = data.get("truths", True)
        if not isinstance(value, bool):
            raise self.error(("truths",), f"'truths' must be true or false, not {value!r}")
        if not value and (data.get("recipes") or data.get("variants", 1) != 1):
            raise self.error(
                ("truths",), "photographs without truths are not degraded: remove recipes, variants"
            )
        return value

    def place(self, name: str) -> str:
        beside = self.folder / name
        is_path = "/" in name or name.startswith(".")
        return str(beside) if (is_path or beside.is_dir()) else name

    def integer(self, data: Mapping[str, Any], key: str, low: int, high: int, default: int) -> int:
        value = data.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.error((key,), f"'{key}' must be a whole number from {low} to {high}")
        return value

    def optional_integer(self, data: Mapping[str, Any], key: str, low: int) -> int | None:
        if data.get(key) is None:
            return None
        return self.integer(data, key, low, 2**31 - 1, default=low)

    def error(self, path: KeyPath, message: str) -> SuiteError:
        line = self.lines.get(path) or self.lines.get(path[:1]) or 1
        return SuiteError(f"{self.source} line {line}: {message}")

"""A suite: which data sets, recipes, restorers and metrics make one benchmark, read from YAML.

Reads and checks the text only; it opens no data set, recipe, restorer or metric.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from bench.suite.protocols import PROTOCOLS, STRICT
from degrade.config import KeyPath, load_yaml, nearest, to_config
from degrade.errors import UserError

ALL = "all"
"""In ``restorers``: every restorer the zoo has."""

_SHIPPED = Path(__file__).parents[1] / "suites"
_SEED_BOUND = 2**64
_VARIANTS_BOUND = 65_535


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
        them. None: with the HQ of the same images.
    masks
        The parsing masks that restorers get: ``none``, ``right``, ``wrong-face`` or
        ``predicted``; see `bench.suite.masks`.
    protocol
        Names of `bench.suite.protocols.PROTOCOLS`.
    truths
        False for images without HQ, as nobody degraded them: they are restored as they are, take
        no recipe, and only metrics that need no reference can judge.
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
    name = str(path)
    data, lines = load_yaml(path, name, error=SuiteError)
    content = to_config(data, _SuiteFile, name, lines=lines, error=SuiteError)
    for key, message in _problems(content):
        line = lines.get(key) or lines.get(key[:1]) or 1
        raise SuiteError(f"{name} line {line}: {key[0]}: {message}")

    def relative(location: str) -> str:
        beside = path.parent / location
        is_path = "/" in location or location.startswith(".")
        return str(beside) if is_path or beside.is_dir() else location

    return Suite(
        name=path.stem if content.name is None else content.name,
        datasets=tuple(map(relative, content.datasets)),
        recipes=tuple(map(relative, content.recipes)),
        restorers=(ALL,) if content.restorers == ALL else tuple(content.restorers),
        metrics=content.metrics,
        seed=content.seed,
        variants=content.variants,
        limit=content.limit,
        size=content.size,
        reference=relative(content.reference) if content.reference else None,
        masks=content.masks,
        protocol=_as_tuple(content.protocol),
        truths=content.truths,
    )


_Name = Annotated[str, msgspec.Meta(min_length=1)]
_Names = Annotated[tuple[_Name, ...], msgspec.Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class _SuiteFile:
    """The keys of a suite's YAML; see `Suite`."""

    datasets: tuple[_Name, ...]
    restorers: Literal["all"] | _Names
    metrics: _Names
    name: str | None = None
    recipes: tuple[_Name, ...] = ()
    seed: int = 7
    variants: Annotated[int, msgspec.Meta(ge=1, le=_VARIANTS_BOUND)] = 1
    limit: Annotated[int, msgspec.Meta(ge=1)] | None = None
    size: Annotated[int, msgspec.Meta(ge=32)] | None = None
    reference: _Name | None = None
    masks: Literal["none", "right", "wrong-face", "predicted"] = "none"
    protocol: _Name | _Names = STRICT
    truths: bool = True


def _problems(content: _SuiteFile) -> Iterator[tuple[KeyPath, str]]:
    """Yield what the types cannot say: the key path, and what is wrong."""
    name = content.name
    if name is not None and not (re.fullmatch(r"[\w.-]+", name) and name.strip(".")):
        yield ("name",), f"expected letters, digits, - _ and ., got '{name}'"
    if not 0 <= content.seed < _SEED_BOUND:
        yield ("seed",), f"expected a whole number from 0 to {_SEED_BOUND - 1}"
    protocols = _as_tuple(content.protocol)
    lists = {each: getattr(content, each) for each in ("datasets", "recipes", "metrics")}
    lists |= {"restorers": () if content.restorers == ALL else content.restorers}
    for key, names in {**lists, "protocol": protocols}.items():
        for position, item in enumerate(names):
            if item in names[:position]:
                yield (key, position), f"'{item}' stands here twice: remove one"
    for each in protocols:
        if each not in PROTOCOLS:
            hint = nearest(each, PROTOCOLS) or f" Name one of: {', '.join(PROTOCOLS)}."
            yield ("protocol",), f"there is no protocol '{each}'.{hint}"
    if not content.truths and (content.recipes or content.variants != 1):
        yield ("truths",), "images without HQ are not degraded: remove recipes, variants"


def _as_tuple(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names

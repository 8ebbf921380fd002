"""Conditions: what a suite scores on, a data set under one recipe, opened and limited.

Opens data sets and recipes through `degrade`; it restores and measures nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

import degrade
from bench.metrics.metric import PairMetric, SetMetric
from bench.store.images import ConditionKey, ImageKey
from bench.suite.masks import Masks, open_masks
from bench.suite.suite import Suite, SuiteError
from degrade.dataset.keys import pair_key
from degrade.dataset.sources import ImageSource
from degrade.errors import DatasetError, RecipeError
from degrade.planner.plan import Plan

_TABLE = "metadata.parquet"


class ScoredPair(Protocol):
    """One image and its degraded version, as `degrade.PairedDataset` gives them."""

    @property
    def key(self) -> str:
        """Names the pair; unique in its data set."""

    @property
    def hq(self) -> NDArray[np.uint8]:
        """HQ, uint8 HWC RGB."""

    @property
    def lq(self) -> NDArray[np.uint8]:
        """The degraded image, uint8 HWC RGB, of the same size or smaller."""

    @property
    def plan(self) -> Plan:
        """How ``lq`` was made; told to oracles only."""


class ScoredPairs(Protocol):
    """A sequence of pairs."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> ScoredPair: ...


@dataclass(frozen=True, slots=True)
class Condition:
    """A data set under one recipe, by the names that rows and tables show.

    ``addresses`` has the ``(key, variant)`` of each of ``pairs``, which are decoded and degraded
    when asked for; keys are unique. ``unusable`` is ``(name, message)`` of inputs that cannot be
    used. ``masks`` gives restorers theirs; None for none. ``choices`` are the recipe's switches as
    they stand, such as ``severity`` to ``3``. ``truths`` is False where ``hq`` is the image itself.
    """

    dataset: str
    recipe: str
    recipe_digest: str
    addresses: tuple[ImageKey, ...]
    pairs: ScoredPairs
    unusable: tuple[tuple[str, str], ...] = ()
    masks: Masks | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    truths: bool = True

    @property
    def id(self) -> ConditionKey:
        """Data set and recipe."""
        return self.dataset, self.recipe


class _LastImage:
    """Keeps the last image read, so that several recipes in turn decode it once."""

    def __init__(self, source: ImageSource) -> None:
        self._source = source
        self._last: tuple[str, NDArray[np.uint8]] | None = None

    def read(self, key: str) -> NDArray[np.uint8]:
        if self._last is None or self._last[0] != key:
            self._last = key, self._source.read(key)
        return self._last[1].copy()


@dataclass(frozen=True, slots=True)
class _SharedReads:
    """A `degrade.PairedDataset` whose images are read through one `_LastImage`."""

    pairs: degrade.PairedDataset
    reader: _LastImage

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int, /) -> ScoredPair:
        image_id, variant = self.pairs.address(index)
        return self.pairs.compute(image_id, variant, self.reader.read(image_id))


def open_conditions(suite: Suite) -> list[list[Condition]]:
    """Open every condition of a suite, those of the same images in one group.

    The conditions of a group have the same names in the same order: mostly one data set under
    several recipes, or one set of photographs built several times. UserError where a data set or
    recipe cannot be opened, is empty, or shares its name with another.
    """
    groups: dict[tuple[ImageKey, ...], list[Condition]] = {}
    names: set[str] = set()
    if not suite.datasets:
        raise SuiteError(
            f"the suite '{suite.name}' names no data set: give a folder of images by --dataset"
        )
    for location in suite.datasets:
        opened = _open_dataset(suite, location)
        if opened[0].dataset in names:
            raise SuiteError(
                f"two data sets are called '{opened[0].dataset}': rename one of the folders"
            )
        names.add(opened[0].dataset)
        groups.setdefault(opened[0].addresses, []).extend(opened)
    return list(groups.values())


def refuse_unpaired(folders: Iterable[str | Path]) -> None:
    """Refuse folders that are no stored pairs: their images would pass for clean ones."""
    for folder in folders:
        if not (Path(folder) / _TABLE).is_file():
            raise DatasetError(
                f"{folder} holds no {_TABLE}, so nothing says which image belongs to which: give a "
                "folder that `degrade build` wrote, or clean images by --dataset"
            )


def _open_dataset(suite: Suite, location: str) -> list[Condition]:
    if not suite.truths:
        return [_as_found(suite, location)]
    if (Path(location) / _TABLE).is_file():
        if suite.masks != "none":
            raise SuiteError(f"the paired data set '{location}' has no masks: use --masks none")
        return [_stored(location, suite.limit)]
    if not suite.recipes:
        raise SuiteError(
            f"the data set '{location}' has no degraded images: name a recipe under 'recipes'"
        )
    source = degrade.open_source(location, longest=suite.size)
    source = dataclasses.replace(source, keys=source.keys[: suite.limit])
    recipes = [degrade.load_recipe(name) for name in suite.recipes]
    names = [recipe.name for recipe in recipes]
    if len(set(names)) < len(names):
        raise SuiteError(f"two recipes have the same name among {', '.join(names)}: rename one")
    reader = _LastImage(source)
    return [_degraded(suite, source, reader, recipe) for recipe in recipes]


def _as_found(suite: Suite, location: str) -> Condition:
    source = degrade.open_source(location, longest=suite.size)
    source = dataclasses.replace(source, keys=source.keys[: suite.limit])
    return Condition(
        dataset=_short(source.name),
        recipe=AS_FOUND,
        recipe_digest="",
        addresses=tuple((key, 0) for key in source.keys),
        pairs=UndegradedImages(source),
        unusable=source.unusable,
        masks=open_masks(suite.masks, source),
        truths=False,
    )


def _degraded(
    suite: Suite, source: ImageSource, reader: _LastImage, recipe: degrade.Recipe
) -> Condition:
    pairs = degrade.PairedDataset(source, recipe, seed=suite.seed, variants=suite.variants)
    addresses = (pairs.address(index) for index in range(len(pairs)))
    return Condition(
        dataset=_short(source.name),
        recipe=recipe.name,
        recipe_digest=recipe.digest,
        addresses=tuple((pair_key(name, v, suite.variants), v) for name, v in addresses),
        pairs=_SharedReads(pairs, reader),
        unusable=source.unusable,
        masks=open_masks(suite.masks, source),
        choices=_choices(recipe),
    )


def _stored(location: str, limit: int | None) -> Condition:
    pairs = degrade.StoredPairs(location)
    if not pairs.rows:
        raise DatasetError(f"{location}: the paired data set holds no usable pair: build it again")
    plan = Plan.from_json(pairs.rows[0].plan)
    return Condition(
        dataset=_short(location),
        recipe=plan.recipe,
        recipe_digest=plan.recipe_digest,
        addresses=tuple((row.key, row.variant) for row in pairs.rows[:limit]),
        pairs=pairs,
        choices=_stored_choices(plan),
    )


def _short(name: str) -> str:
    return Path(name).resolve().name


def _choices(recipe: degrade.Recipe) -> dict[str, str]:
    """Return each switch's value: no two switches share one, and the name tells those asked for."""
    chosen = recipe.name.split(":")[1:]
    return {
        switch.name: next((each for each in chosen if each in switch.values), switch.default)
        for switch in recipe.switches
    }


def _stored_choices(plan: Plan) -> dict[str, str]:
    """Return the switches of a stored set's recipe, where it is one that is known here."""
    try:
        recipe = degrade.load_recipe(plan.recipe)
    except RecipeError:
        return {}
    return _choices(recipe) if recipe.digest == plan.recipe_digest else {}


AS_FOUND = "as-found"
"""Stands where the name of a recipe stands."""


@dataclass(frozen=True, slots=True)
class UndegradedImage:
    """An image (uint8 HWC RGB) that nobody degraded, in place of a pair: both halves are itself."""

    key: str
    hq: NDArray[np.uint8]
    lq: NDArray[np.uint8]
    plan: Plan


@dataclass(frozen=True, slots=True)
class UndegradedImages:
    """The images of a source as they are, decoded when they are asked for."""

    source: ImageSource

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int, /) -> UndegradedImage:
        key = self.source.keys[index]
        image = self.source.read(key)
        size = image.shape[0], image.shape[1]
        return UndegradedImage(key, image, image, Plan(AS_FOUND, AS_FOUND, 0, key, 0, size, ()))


def refuse_reference_metrics(suite: Suite, metrics: Sequence[PairMetric | SetMetric]) -> None:
    """Refuse a suite without HQ that asks for a metric which needs it; raises SuiteError.

    What compares is refused before anything is restored: no number is better than one against the
    input.
    """
    if suite.truths:
        return
    for metric in metrics:
        entry = getattr(metric, "entry", None)
        if isinstance(metric, SetMetric):
            if suite.reference is None:
                raise SuiteError(
                    f"'{metric.name}' compares with a set, and these images have no HQ: "
                    "give clean faces by --reference FOLDER, or leave it out by --metrics"
                )
        elif entry is None or entry.needs_reference:
            raise SuiteError(
                f"'{metric.name}' compares with HQ, and these images have none: name "
                "niqe, a metric of pyiqa without a reference (pyiqa:musiq), or one of sets"
            )

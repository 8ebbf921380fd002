"""Training batches that mix degradation families: the data pool of the Kuaishou article.

Batch number s is a pure function of the pool and of s. So training goes on where it stopped by
starting at that step, and any number of worker processes makes the same batches.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from degrade.dataset.keys import pair_key
from degrade.dataset.paired_dataset import RecordMapping
from degrade.dataset.sources import ImageSource, open_source
from degrade.engine.apply import apply_pair
from degrade.errors import DatasetError, ImageError
from degrade.feed.stratified_sampler import BatchSplit
from degrade.images import Image
from degrade.planner.draw import plan
from degrade.planner.philox_vectorized import StreamBlocks
from degrade.planner.plan import Plan
from degrade.random import (
    FEEDING,
    POOL_FAMILIES,
    POOL_ORDER,
    Stream,
    StreamKey,
)
from degrade.recipe.reader import load_recipe
from degrade.recipe.recipe import Recipe

_VARIANTS = 65536


@dataclass(frozen=True, slots=True)
class Batch(RecordMapping):
    """Pairs of one size side by side: columns named as in a `Pair`, one entry a pair.

    They can be read by name too, as PyTorch does to make tensors of the arrays; ``batch["plan"]``
    is a list of JSON texts.

    Attributes
    ----------
    step
        The batch's number.
    key
        The image, and as its variant the pass over the images.
    hq, lq
        uint8 (n, height, width, 3) RGB.
    plan
        How it was made; ``degrade.apply_pair(plan, image)`` makes it again.
    family
        The name of its family.
    """

    step: int
    key: tuple[str, ...]
    hq: NDArray[np.uint8]
    lq: NDArray[np.uint8]
    plan: tuple[Plan, ...]
    family: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of degradation and its share of the pairs.

    Attributes
    ----------
    recipe
        What it does: a `Recipe`, a recipe's name, or a YAML file.
    share
        In proportion to the others', above 0. Decimals mean what they say: .1 is one tenth.
    """

    recipe: Recipe | str | Path
    share: float = 1.0


def families_of(recipe: str = "kuaishou") -> dict[str, Family]:
    """Return the families that a recipe declares by its switch ``family``.

    The switch's default, everything mixed, gets half of the pairs; the others share the rest
    equally: half of what a restorer meets is one defect alone, at any strength.

    Raises DatasetError for a recipe without that switch (``kuaishou``, ``kuaishou-128`` have it).
    """
    switch = next((s for s in load_recipe(recipe).switches if s.name == "family"), None)
    if switch is None or len(switch.values) < 2:
        raise DatasetError(
            f"the recipe '{recipe}' has no switch named family: use kuaishou or kuaishou-128, "
            "or give each family its own recipe"
        )
    alone = len(switch.values) - 1
    return {
        value: Family(f"{recipe}:{value}", alone if value == switch.default else 1)
        for value in switch.values
    }


class DataPool:
    """Batches in which every family of degradations has its share; ``pool[step]``, picklable.

    In each pass over the images every one comes once, in a new order, with a new degradation;
    passes follow one another without a seam, so a batch may hold the end of one and the start
    of the next. A family with a share of at least 1 / ``batch_size`` is in every batch, smaller
    ones take turns, and over `cycle` batches all shares are exact.

    >>> pool = DataPool("faces", "kuaishou-128", batch_size=16, seed=7)   # doctest: +SKIP
    >>> loader = DataLoader(pool, batch_size=None, num_workers=4,         # doctest: +SKIP
    ...                     sampler=range(done, 100_000))                 # resumes at step `done`

    Parameters
    ----------
    source
        An `ImageSource`, or what `open_source` takes.
    families
        A name and a `Family` for each, or a recipe for `families_of`.
    batch_size
        Pairs in a batch.
    seed
        0 to 2**64 − 1.
    crop
        ``(height, width)`` or one side, pixels: a window of this size is cut from each image,
        its place drawn anew each time; None takes images whole, which must all be of one size.

    Raises
    ------
    DatasetError
        An argument is out of range.
    """

    def __init__(
        self,
        source: ImageSource | str | Path,
        families: Mapping[str, Family] | str = "kuaishou",
        *,
        batch_size: int = 16,
        seed: int = 0,
        crop: int | tuple[int, int] | None = None,
    ) -> None:
        if batch_size < 1:
            raise DatasetError(f"batch_size {batch_size} is less than 1")
        if not 0 <= seed < 2**64:
            raise DatasetError(f"seed {seed} is not between 0 and 2**64 - 1")
        self.source = source if isinstance(source, ImageSource) else open_source(source)
        table = families_of(families) if isinstance(families, str) else families
        if not table:
            raise DatasetError("a pool needs families and there is no family: give one at least")
        self.families = tuple(table)
        self.batch_size, self.seed = batch_size, seed
        self.crop = (crop, crop) if isinstance(crop, int) else crop
        if self.crop is not None and min(self.crop) < 1:
            raise DatasetError(f"a crop of {self.crop[0]} × {self.crop[1]} holds no pixel")
        self._recipes = tuple(
            f.recipe if isinstance(f.recipe, Recipe) else load_recipe(f.recipe)
            for f in table.values()
        )
        self._split = BatchSplit.of(
            [_share(name, f.share) for name, f in table.items()], batch_size
        )

    def __len__(self) -> int:
        """Return the batches of one pass, the last of which may begin the next pass."""
        return -(-len(self.source) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        return (self[step] for step in range(len(self)))

    @property
    def cycle(self) -> int:
        """How many batches in a row hold every family exactly by its share."""
        return self._split.cycle

    def mix(self, step: int) -> tuple[str, ...]:
        """Return the family of each pair of a batch, in a drawn order."""
        stream = Stream(StreamKey(self.seed, step, 0), POOL_FAMILIES, FEEDING)
        counted = zip(self.families, self._split.counts(step), strict=True)
        return tuple(stream.shuffled([name for name, count in counted for _ in range(count)]))

    def images(self, step: int) -> list[tuple[str, int]]:
        """Return ``(image id, pass)`` of each pair of a batch."""
        count = len(self.source)
        positions = range(step * self.batch_size, (step + 1) * self.batch_size)
        return [
            (self.source.keys[int(_order(self.seed, turn, count)[position])], turn)
            for turn, position in (divmod(position, count) for position in positions)
        ]

    def __getitem__(self, step: int) -> Batch:
        """Return the batch of a step, 0 to 2**63; steps beyond ``len`` are later passes.

        Raises ImageError for an image that cannot be read or used, and where the pairs are not
        all of one size.
        """
        return self.part(step, range(self.batch_size))

    def part(self, step: int, positions: range) -> Batch:
        """Return some pairs of a batch, the very same as in the whole one.

        So several processes share a batch: each makes its own part and no other.

        Parameters
        ----------
        step
            The batch, see ``pool[step]``.
        positions
            Which pairs of it, each from 0 to ``batch_size`` − 1; at least one.
        """
        if not 0 <= step < 2**63:
            raise IndexError(f"step {step} of a pool: steps count from 0")
        mix, images = self.mix(step), self.images(step)
        families = tuple(mix[position] for position in positions)
        pairs = [
            self._pair(*images[position], self._recipes[self.families.index(mix[position])])
            for position in positions
        ]
        plans = tuple(image_plan for _, _, image_plan in pairs)
        return Batch(
            step,
            tuple(
                pair_key(image_plan.image_id, image_plan.variant, _VARIANTS) for image_plan in plans
            ),
            _stacked([hq for hq, _, _ in pairs], plans, "HQ"),
            _stacked([lq for _, lq, _ in pairs], plans, "LQ"),
            plans,
            families,
        )

    def _pair(self, image_id: str, turn: int, recipe: Recipe) -> tuple[Image, Image, Plan]:
        # An image has 65 536 variants; passes beyond them go on with the next seed.
        more, variant = divmod(turn, _VARIANTS)
        image = self.source.read(image_id)
        image_plan = plan(
            recipe,
            seed=(self.seed + more) % 2**64,
            image_id=image_id,
            size=(image.shape[0], image.shape[1]),
            variant=variant,
            crop=self.crop,
        )
        if self.crop is None:
            hq, lq = apply_pair(image_plan, image)
            return hq, lq, image_plan
        # Cut here and not by the engine, which would turn the whole image into planes.
        cut, *steps = image_plan.steps
        top, left, height, width = (int(value) for value in cut.parameters.values())
        window = image[top : top + height, left : left + width]
        hq, lq = apply_pair(replace(image_plan, size=self.crop, steps=tuple(steps)), window)
        return hq, lq, image_plan


def _share(name: str, share: float) -> Fraction:
    # Of the number as it is written: Fraction(0.1) would have a denominator of 2**55.
    exact = Fraction(str(share))
    if exact <= 0:
        raise DatasetError(f"the share {share} of the family '{name}' is not above 0")
    return exact


@functools.lru_cache(maxsize=2)
def _order(seed: int, turn: int, count: int) -> NDArray[np.int64]:
    """Return the order of the images in one pass: a permutation of 0 to ``count`` − 1.

    By sorting a number of 53 bits for each; the rare equal ones keep the order of the source.
    """
    key, width = StreamKey(seed, turn, 0), min(1024, (count + 1) // 2)
    blocks = StreamBlocks.of([(POOL_ORDER, block) for block in range(width)], FEEDING)
    numbers = np.empty((-(-count // (2 * width)), 2 * width))
    for row in numbers:
        row[:] = blocks.units(key)
        blocks = replace(blocks, blocks=blocks.blocks + width * blocks.ones)
    return np.argsort(numbers.ravel()[:count], kind="stable")


def _stacked(images: list[Image], plans: tuple[Plan, ...], half: str) -> NDArray[np.uint8]:
    for image, image_plan in zip(images, plans, strict=True):
        if image.shape != images[0].shape:
            first, other = images[0].shape, image.shape
            raise ImageError(
                f"{half} of {plans[0].image_id} ({plans[0].recipe}) is {first[0]} × {first[1]} but "
                f"of {image_plan.image_id} ({image_plan.recipe}) {other[0]} × {other[1]}: a batch "
                "needs one size, give crop= and recipes of one scale"
            )
    return np.stack(images)

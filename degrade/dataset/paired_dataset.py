"""Pairs of sharp and degraded images, computed when they are asked for.

Records can also be read by name, as PyTorch's default collate reads a mapping; the number of the
epoch is seen by worker processes that were started before it changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from degrade.dataset.keys import pair_key
from degrade.dataset.sources import ImageSource, open_source
from degrade.engine.apply import apply_pair
from degrade.errors import DatasetError
from degrade.images import Image
from degrade.planner.draw import plan
from degrade.planner.plan import Plan
from degrade.recipe.reader import load_recipe
from degrade.recipe.recipe import Recipe


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


class SharedEpoch:
    """A whole number of 0 or more in memory that child processes share.

    A process that is being started with it, by fork, spawn or forkserver, sees what its parent
    sets later: so do a data loader's persistent workers. Pickled for anything else, such as a
    cluster or a file, it is a copy of its value.
    """

    __slots__ = ("_shared",)

    def __init__(self, epoch: int = 0) -> None:
        from multiprocessing.sharedctypes import RawValue

        self._shared: Any = RawValue("Q", epoch)  # one aligned word: no lock is needed

    @property
    def value(self) -> int:
        """The epoch."""
        return int(self._shared.value)

    @value.setter
    def value(self, epoch: int) -> None:
        self._shared.value = epoch

    def __reduce__(self) -> tuple[Callable[..., SharedEpoch], tuple[Any]]:
        from multiprocessing.context import get_spawning_popen

        if get_spawning_popen() is None:
            return SharedEpoch, (self.value,)
        return _around, (self._shared,)


def _around(shared: Any) -> SharedEpoch:
    epoch = SharedEpoch.__new__(SharedEpoch)
    epoch._shared = shared
    return epoch


@dataclass(frozen=True, slots=True)
class Pair(RecordMapping):
    """One sharp image, its degraded copy, and how the one was made from the other.

    ``hq`` and ``lq`` are uint8 (height, width, 3) RGB; ``key`` is unique in its dataset and
    epoch. The fields can be read by name too: ``pair["lq"]`` is ``pair.lq``, ``pair["plan"]``
    is the plan's JSON.
    """

    key: str
    hq: Image
    lq: Image
    plan: Plan


class PairedDataset:
    """A map-style dataset whose degraded halves are computed when asked for; picklable.

    It is a PyTorch dataset as it stands. PyTorch's own collate makes a batch of n pairs of one
    size a dict: ``hq`` and ``lq`` are uint8 tensors (n, height, width, 3), ``key`` and ``plan``
    lists of n texts. ``collate_fn=list`` leaves the pairs as they are.

    >>> pairs = PairedDataset("photos", "gfpgan", seed=7)             # doctest: +SKIP
    >>> loader = DataLoader(pairs, batch_size=16, shuffle=True,       # doctest: +SKIP
    ...                     num_workers=4, persistent_workers=True)
    >>> for epoch in range(100):                                      # doctest: +SKIP
    ...     pairs.set_epoch(epoch)                                    # new degradations
    ...     for batch in loader:
    ...         lq = batch["lq"].permute(0, 3, 1, 2) / 255            # NCHW in [0, 1]

    Parameters
    ----------
    source
        An `ImageSource`, or what `open_source` takes: a dataset's name, a folder, a file.
    recipe
        A `Recipe`, a recipe's name, or a YAML file.
    seed
        The dataset's seed, 0 to 2**64 − 1.
    variants
        Degraded versions of each image in an epoch; ``len`` is images × variants.

    Raises
    ------
    DatasetError
        Two images would have the same key, or the seed or variants are out of range.
    """

    def __init__(
        self,
        source: ImageSource | str | Path,
        recipe: Recipe | str | Path,
        seed: int = 0,
        variants: int = 1,
    ) -> None:
        if not 1 <= variants <= 65536:
            raise DatasetError(f"variants {variants} is not between 1 and 65536")
        if not 0 <= seed < 2**64:
            raise DatasetError(f"seed {seed} is not between 0 and 2**64 - 1")
        self.source = source if isinstance(source, ImageSource) else open_source(source)
        self.recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
        self.seed, self.variants = seed, variants
        self._epoch = SharedEpoch()
        _refuse_equal_keys(self.source)

    def __len__(self) -> int:
        return len(self.source) * self.variants

    def __getitem__(self, index: int) -> Pair:
        image_id, variant = self.address(index)
        return self.compute(image_id, variant, self.source.read(image_id))

    def __iter__(self) -> Iterator[Pair]:
        return (self[index] for index in range(len(self)))

    @property
    def epoch(self) -> int:
        """The epoch whose variants are computed: 0 until `set_epoch` says another."""
        return self._epoch.value

    def set_epoch(self, epoch: int) -> None:
        """Compute other variants from now on, those of this epoch: a pure function of its number.

        Variant v of epoch e is variant ``e × variants + v`` of the image, so epoch 0 is what
        `degrade build` stores and epoch e of ``variants=1`` is its ``--variants`` number e.
        Worker processes see it, persistent ones too; call it between two passes, as a loader
        asks for pairs ahead of time. What `degrade build` makes does not depend on it.

        Raises DatasetError for a negative epoch and one whose variants pass 65 535.
        """
        last = 65536 // self.variants - 1
        if not 0 <= epoch <= last:
            raise DatasetError(
                f"epoch {epoch} is not between 0 and {last}: an image has 65536 variants, "
                f"{self.variants} an epoch; go on with another seed"
            )
        self._epoch.value = epoch

    def address(self, index: int) -> tuple[str, int]:
        """Return ``(image id, variant)`` of a position; raises IndexError beyond the end."""
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(f"pair {index} of {len(self)}")
        image, variant = divmod(index, self.variants)
        return self.source.keys[image], self.epoch * self.variants + variant

    def compute(self, image_id: str, variant: int, image: Image) -> Pair:
        """Return the pair that this dataset makes of one image."""
        image_plan = plan(
            self.recipe,
            seed=self.seed,
            image_id=image_id,
            size=(image.shape[0], image.shape[1]),
            variant=variant,
        )
        hq, lq = apply_pair(image_plan, image)
        return Pair(pair_key(image_id, variant, self.variants), hq, lq, image_plan)


def _refuse_equal_keys(source: ImageSource) -> None:
    count = len(source)
    marks = np.fromiter((hash(pair_key(key, 0, 1)) for key in source.keys), np.int64, count)
    order = np.argsort(marks, kind="stable")
    for position in np.flatnonzero(marks[order[1:]] == marks[order[:-1]]):
        one, other = source.keys[order[position]], source.keys[order[position + 1]]
        if pair_key(one, 0, 1) == pair_key(other, 0, 1):
            raise DatasetError(
                f"{one!r} and {other!r} would both be stored under "
                f"{pair_key(one, 0, 1)!r}: rename one"
            )

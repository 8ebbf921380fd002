"""Which pictures are in which shard: in the order of the pairs' keys, so many in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from degrade.dataset.keys import pair_key
from degrade.dataset.layout import Storing
from degrade.dataset.sources import ImageSource
from degrade.dataset.storage import LocalStorage, Storage
from degrade.feed.paired_dataset import PairedDataset
from degrade.recipe.recipe import Recipe

__all__ = ["Job", "Shard", "cut", "job_of", "shard_count"]


@dataclass(frozen=True, slots=True)
class Job:
    """What all shards of a build share; small and picklable.

    ``source`` lists no pictures: those a shard needs are in the shard.
    """

    storage: Storage
    source: ImageSource
    recipe: Recipe
    seed: int
    variants: int
    storing: Storing


@dataclass(frozen=True, slots=True)
class Shard:
    """One task: some pictures, all their variants.

    Attributes
    ----------
    index
        From 0.
    first_key
        The smallest key of its rows.
    image_ids
        Its pictures in the order of their keys.
    unusable
        Inputs that are known to be of no use, and why: ``(image id, reason)``.
    """

    index: int
    first_key: str
    image_ids: tuple[str, ...]
    unusable: tuple[tuple[str, str], ...] = ()


def job_of(dataset: PairedDataset, storage: Storage, storing: Storing) -> Job:
    """Return what every shard of a dataset's build needs to know."""
    place = _absolute(dataset.source.storage)
    source = replace(dataset.source, storage=place, keys=(), unusable=())
    return Job(_absolute(storage), source, dataset.recipe, dataset.seed, dataset.variants, storing)


def _absolute(storage: Storage) -> Storage:
    """Return the place under a name that means the same to a process that began elsewhere."""
    return storage if storage.local is None else LocalStorage(storage.local.absolute())


def shard_count(source: ImageSource, images: int) -> int:
    """Return the number of shards of so many pictures each."""
    return -(-(len(source.keys) + len(source.unusable)) // images)


def cut(dataset: PairedDataset, images: int) -> Iterator[Shard]:
    """Yield the shards of a dataset, ``images`` pictures in each, in the order of their keys."""
    reasons = dict(dataset.source.unusable)
    inputs = [*dataset.source.keys, *reasons]
    keys = [pair_key(image_id, 0, dataset.variants) for image_id in inputs]
    order = sorted(range(len(inputs)), key=keys.__getitem__)
    for index, start in enumerate(range(0, len(inputs), images)):
        places = order[start : start + images]
        chosen = [inputs[place] for place in places]
        yield Shard(
            index,
            keys[places[0]],
            tuple(image_id for image_id in chosen if image_id not in reasons),
            tuple((image_id, reasons[image_id]) for image_id in chosen if image_id in reasons),
        )

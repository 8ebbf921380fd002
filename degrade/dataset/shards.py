"""Which images are in which shard, which shards are a job's, and that all processes see one place.

Images are in shards in the order of the pairs' keys, so many in each.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from degrade.dataset.keys import pair_key
from degrade.dataset.layout import StorageFormat
from degrade.dataset.lock import LOCK_FILE
from degrade.dataset.paired_dataset import PairedDataset
from degrade.dataset.sources import ImageSource
from degrade.dataset.storage import LocalStorage, Storage
from degrade.errors import DatasetError, UserError
from degrade.recipe.recipe import Recipe

_FORM = re.compile(r"([0-9]{1,9})/([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ShardSelection:
    """Part ``index`` of ``count``, counted from 1, as in ``--shards 2/8``.

    Shards are dealt out in turn, so the parts differ by one shard at most, and a part beyond
    the number of shards is empty. Raises UserError when there is no such part.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise UserError(
                f"there is not a part {self.index} of {self.count}: parts count from 1, "
                "as 1/8 … 8/8 (a job array that counts from 0 gives its index + 1)"
            )

    @classmethod
    def parse(cls, text: str) -> ShardSelection:
        """Return the part that is written ``2/8``; raises UserError."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise UserError(f"'{text}' is not a part: give INDEX/COUNT, as 2/8")
        return cls(int(match[1]), int(match[2]))

    def has(self, shard_index: int) -> bool:
        """Return whether the shard of that index, counted from 0, belongs to this part."""
        return shard_index % self.count == self.index - 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


@dataclass(frozen=True, slots=True)
class ShardJob:
    """What all shards of a build share; small and picklable.

    ``source`` lists no images: those a shard needs are in the shard.
    """

    storage: Storage
    source: ImageSource
    recipe: Recipe
    seed: int
    variants: int
    storage_format: StorageFormat


@dataclass(frozen=True, slots=True)
class Shard:
    """One task: some images, all their variants."""

    index: int  # from 0
    first_key: str  # the smallest key of its rows
    image_ids: tuple[str, ...]  # its images in the order of their keys
    # Inputs that are known to be of no use, and why: ``(image id, reason)``
    unusable: tuple[tuple[str, str], ...] = ()


def job_of(dataset: PairedDataset, storage: Storage, storage_format: StorageFormat) -> ShardJob:
    """Return what every shard of a dataset's build needs to know."""
    location = _absolute(dataset.source.storage)
    source = replace(dataset.source, storage=location, keys=(), unusable=())
    return ShardJob(
        _absolute(storage), source, dataset.recipe, dataset.seed, dataset.variants, storage_format
    )


def _absolute(storage: Storage) -> Storage:
    """Return the place under a name that means the same to a process that began elsewhere."""
    return storage if storage.local is None else LocalStorage(storage.local.absolute())


def shard_count(source: ImageSource, images: int) -> int:
    """Return the number of shards of so many images each."""
    return -(-(len(source.keys) + len(source.unusable)) // images)


def cut(dataset: PairedDataset, images: int) -> Iterator[Shard]:
    """Yield the shards of a dataset, ``images`` images in each, in the order of their keys."""
    reasons = dict(dataset.source.unusable)
    inputs = [*dataset.source.keys, *reasons]
    keys = [pair_key(image_id, 0, dataset.variants) for image_id in inputs]
    order = sorted(range(len(inputs)), key=keys.__getitem__)
    for index, start in enumerate(range(0, len(inputs), images)):
        positions = order[start : start + images]
        chosen = [inputs[location] for location in positions]
        yield Shard(
            index,
            keys[positions[0]],
            tuple(image_id for image_id in chosen if image_id not in reasons),
            tuple((image_id, reasons[image_id]) for image_id in chosen if image_id in reasons),
        )


def refuse_private(*positions: Storage) -> None:
    """Raise DatasetError for ``memory://``, of which every process has its own."""
    for location in positions:
        if location.local is None and location.location.startswith("memory:"):
            raise DatasetError(
                f"{location.location} is of this process alone: work without --workers and "
                "--scheduler, or in a place that others can reach"
            )


def check_places(job: ShardJob) -> None:
    """Raise DatasetError where this machine does not have what the build's own machine has.

    Without this, images that lie on another machine's disk would be rows of failed inputs,
    and shards would be written where nobody looks for them.
    """
    folder = job.source.storage.local
    if folder is not None and not folder.is_dir():
        raise _elsewhere(str(folder))
    if not job.storage.exists(LOCK_FILE):
        raise _elsewhere(job.storage.location)


def _elsewhere(location: str) -> DatasetError:
    return DatasetError(
        f"{location} is gone, or not the same folder on {platform.node()}: give a folder that "
        "all machines share, or a URL such as s3://bucket/name",
        exit_code=1,
    )

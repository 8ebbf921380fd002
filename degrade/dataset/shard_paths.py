"""Where a build reads and writes must be the same place for every process that works on it."""

from __future__ import annotations

import platform

from degrade.dataset.lock import LOCK_FILE
from degrade.dataset.shards import Job
from degrade.dataset.storage import Storage
from degrade.errors import DatasetError

__all__ = ["check_places", "refuse_private"]


def refuse_private(*places: Storage) -> None:
    """Raise DatasetError for ``memory://``, of which every process has its own."""
    for place in places:
        if place.local is None and place.location.startswith("memory:"):
            raise DatasetError(
                f"{place.location} is of this process alone: work without --workers and "
                "--scheduler, or in a place that others can reach"
            )


def check_places(job: Job) -> None:
    """Raise DatasetError where this machine does not have what the build's own machine has.

    Without this, pictures that lie on another machine's disk would be rows of failed inputs,
    and shards would be written where nobody looks for them.
    """
    pictures = job.source.storage.local
    if pictures is not None and not pictures.is_dir():
        raise _elsewhere(str(pictures))
    if not job.storage.exists(LOCK_FILE):
        raise _elsewhere(job.storage.location)


def _elsewhere(place: str) -> DatasetError:
    return DatasetError(
        f"{place} is gone, or not the same folder on {platform.node()}: give a folder that all "
        "machines share, or a URL such as s3://bucket/name",
        exit_code=1,
    )

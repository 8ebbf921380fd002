"""Restore aligned crops from files to files: names, blending, tags, and what failed.

Knows no restorer by name and prints nothing; `zoo.commands` talks to the person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from degrade import __version__
from degrade.errors import DatasetError, ImageError, UserError
from degrade.images import decode_image, list_images, write_png
from zoo.restorer import Card, Image, Restorer

__all__ = ["Job", "Outcome", "blend", "plan_jobs", "restore_jobs", "tag"]


@dataclass(frozen=True, slots=True)
class Job:
    """One image to restore: the name to report it by, where it is, where the result goes."""

    name: str
    source: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job; ``error`` names the image, or is empty when it was written."""

    job: Job
    error: str


def plan_jobs(source: Path, target: Path) -> list[Job]:
    """Pair every image of ``source`` with the PNG it becomes; reads names only.

    Parameters
    ----------
    source
        A file, or a folder that is searched with all folders below.
    target
        For a file: a ``.png`` file, or a folder that exists. For a folder: the folder under
        which the relative names are kept, with ``.png`` as their ending.

    Raises
    ------
    DatasetError
        Nothing to restore, a target that would overwrite a source, or two sources that would
        become the same file.
    """
    if not source.exists():
        raise DatasetError(f"{source} does not exist: name an image or a folder of images")
    if source.is_file():
        return [_file_job(source, target)]
    if target.is_file():
        raise DatasetError(f"{target} is a file and {source} a folder: name a folder to write into")
    if target.resolve().is_relative_to(source.resolve()):
        raise DatasetError(
            f"{target} lies inside {source}, so results would be restored again: write elsewhere"
        )
    jobs: dict[PurePosixPath, Job] = {}
    for name in list_images(source):
        result = PurePosixPath(name).with_suffix(".png")
        if result in jobs:
            raise DatasetError(
                f"{jobs[result].name} and {name} would both become {result}: rename one"
            )
        jobs[result] = Job(name, source / name, target / result)
    return list(jobs.values())


def restore_jobs(
    jobs: list[Job], restorer: Restorer, *, strength: float = 1.0, tagged: bool = True
) -> Iterator[Outcome]:
    """Restore one image after another, going on after one that cannot be used.

    A full disk or a folder that may not be written to ends it: no later image would fare
    better. Results appear under their names only when whole.
    """
    text = tag(restorer.card) if tagged else None
    for job in jobs:
        try:
            restored = _restore_one(restorer, _read(job), strength)
        except ImageError as error:  # its message begins with the name
            yield Outcome(job, str(error))
            continue
        except UserError as error:
            yield Outcome(job, f"{job.name}: {error}")
            continue
        job.target.parent.mkdir(parents=True, exist_ok=True)
        write_png(job.target, restored, text)
        yield Outcome(job, "")


def blend(lq: Image, restored: Image, strength: float) -> Image:
    """Return ``lq + strength · (restored − lq)``, rounded; exact at 0 and at 1.

    Parameters
    ----------
    lq, restored
        uint8 HWC RGB of one size.
    strength
        0 gives ``lq``, 1 gives ``restored``.
    """
    if strength == 0.0:
        return lq.copy()
    if strength == 1.0:
        return restored.copy()
    mixed = lq + np.float32(strength) * (restored.astype(np.float32) - lq)
    return np.rint(mixed).astype(np.uint8)


def tag(card: Card) -> dict[str, str]:
    """Return the PNG text that says which model made an image, and in which version."""
    return {"relume": f"{card.name} {__version__}"}


def _read(job: Job) -> Image:
    try:
        data = job.source.read_bytes()
    except OSError as error:  # one file that may not be opened is no reason to stop
        raise ImageError(f"{job.name} cannot be opened: {error.strerror}") from error
    return decode_image(data, job.name)


def _restore_one(restorer: Restorer, lq: Image, strength: float) -> Image:
    size = restorer.card.input_size
    if size is not None and lq.shape[:2] != size:
        raise DatasetError(
            f"{restorer.card.name} takes aligned faces of {size[0]} × {size[1]} pixels, this "
            f"image has {lq.shape[0]} × {lq.shape[1]}: align and resize it first"
        )
    return lq.copy() if strength == 0.0 else blend(lq, restorer.restore([lq])[0], strength)


def _file_job(source: Path, target: Path) -> Job:
    if target.is_dir():
        target = target / f"{source.stem}.png"
    if target.suffix.lower() != ".png":
        raise DatasetError(f"{target} is no PNG name: results are written as PNG, end it in .png")
    if target.resolve() == source.resolve():
        raise DatasetError(f"{target} is the input itself: choose another name for the result")
    return Job(source.name, source, target)

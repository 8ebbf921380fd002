"""Files in, files out: which image becomes which file, and one after another to the end.

Photos (`zoo.portrait.files.folder`) and crops (`zoo.portrait.files.aligned_crops`) share it.
Prints nothing; `zoo.commands.restore` talks to the person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from degrade.errors import DatasetError, ImageError, UserError
from zoo.portrait.files.records import Row
from zoo.portrait.restore.stopwatch import Seconds

__all__ = ["ImageJob", "ImageResult", "check_folders", "run_jobs"]


@dataclass(frozen=True, slots=True)
class ImageJob:
    """One image: the name to report it by, where it is, where the result goes."""

    name: str  # the name is relative to the folder that was given
    source: Path
    target: Path
    # Path and stem of what is written beside the result: ``.compare.png`` and the like are added to
    # it; None where nothing is
    beside: Path | None = None
    problem: str = ""  # why it cannot be read, known from its name alone; or empty


@dataclass(frozen=True, slots=True)
class ImageResult:
    """What was done with an image."""

    job: ImageJob  # the image
    error: str = ""  # why there is no result, a sentence with the image's name; or empty
    rows: tuple[Row, ...] = ()  # A photo's rows of ``faces.jsonl``
    changed: bool = False  # whether any pixel changed
    resumed: bool = False  # whether an earlier run made it
    seconds: Seconds | None = None  # what each stage took; None where none ran
    notes: tuple[str, ...] = ()  # what the person should know of the masks


def check_folders(source: Path, target: Path, what: str) -> None:
    """Raise DatasetError where there is nothing to restore, or no place for the results.

    Parameters
    ----------
    source, target
        A file or a folder, and where its results go.
    what
        ``photo`` or ``image``, for messages.
    """
    if not source.exists():
        raise DatasetError(f"{source} does not exist: name a {what} or a folder of {what}s")
    if source.is_file():
        return
    if target.is_file():
        raise DatasetError(f"{target} is a file and {source} a folder: name a folder to write into")
    if target.resolve().is_relative_to(source.resolve()):
        raise DatasetError(
            f"{target} lies inside {source}, so results would be restored again: write elsewhere"
        )


def run_jobs(
    jobs: Sequence[ImageJob],
    restore_one: Callable[[ImageJob], ImageResult],
    on_result: Callable[[ImageResult], ImageResult] = lambda result: result,
) -> Iterator[ImageResult]:
    """Restore one image after another, going on after one that cannot be used.

    A full disk or a folder that may not be written to ends it: no later image would fare better.

    Parameters
    ----------
    restore_one
        Writes the result under its name only when whole; ImageError and UserError become the
        result's error.
    on_result
        Called with each result; what it returns is yielded.
    """
    for job in jobs:
        try:
            if job.problem:
                raise ImageError(job.problem)
            result = restore_one(job)
        except ImageError as error:  # its message begins with the name
            result = ImageResult(job, str(error))
        except UserError as error:
            result = ImageResult(job, f"{job.name}: {error}")
        yield on_result(result)

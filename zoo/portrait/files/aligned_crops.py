"""Restore aligned crops from files to files: names, blending, tags, and what failed.

Knows no restorer by name and prints nothing; `zoo.commands` talks to the person.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from degrade import __version__
from degrade.errors import DatasetError, ImageError
from degrade.images import decode_image, list_images, write_png
from zoo.portrait.files.batch import ImageJob, ImageResult, check_folders, run_jobs
from zoo.portrait.restore.face_models import FaceModel, model_of_crop
from zoo.restorer import Card, Image, Restorer

__all__ = ["blend", "plan_jobs", "restore_crop", "restore_jobs", "tag"]

AnyValue = TypeVar("AnyValue", np.uint8, np.float32)


def plan_jobs(source: Path, target: Path) -> list[ImageJob]:
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
    check_folders(source, target, "image")
    if source.is_file():
        return [_file_job(source, target)]
    jobs: dict[PurePosixPath, ImageJob] = {}
    for name in list_images(source):
        result = PurePosixPath(name).with_suffix(".png")
        if result in jobs:
            raise DatasetError(
                f"{jobs[result].name} and {name} would both become {result}: rename one"
            )
        jobs[result] = ImageJob(name, source / name, target / result)
    return list(jobs.values())


def restore_jobs(
    jobs: list[ImageJob],
    models: Sequence[FaceModel],
    *,
    strength: float = 1.0,
    tagged: bool = True,
) -> Iterator[ImageResult]:
    """Restore one crop after another into PNG files, see `run_jobs`.

    Each gets the model that suits its size, see `model_of_crop`.
    """

    def restore_one(job: ImageJob) -> ImageResult:
        crop = _read(job)
        restorer = model_of_crop(models, max(crop.shape[:2])).restorer
        restored = restore_crop(restorer, crop, strength)
        job.target.parent.mkdir(parents=True, exist_ok=True)
        write_png(job.target, restored, tag(restorer.card) if tagged else None)
        return ImageResult(job)

    return run_jobs(jobs, restore_one)


def restore_crop(restorer: Restorer, crop: Image, strength: float = 1.0) -> Image:
    """Restore an aligned crop at the restorer's size, and bring the change back to the crop's.

    So a larger crop keeps the detail that the restorer's size cannot hold.

    Parameters
    ----------
    crop
        uint8 (side, side, 3), of any side where the restorer takes a fixed one.
    strength
        As `blend`.

    Raises
    ------
    DatasetError
        The crop is not square, and the restorer takes square ones.
    """
    size = restorer.card.input_size
    if strength == 0.0:
        return crop.copy()
    if size is None or crop.shape[:2] == size:
        return blend(crop, restorer.restore([crop])[0], strength)
    height, width = crop.shape[:2]
    if height * size[1] != width * size[0]:
        raise DatasetError(
            f"{restorer.card.name} takes aligned faces of {size[0]} × {size[1]} pixels, this "
            f"image of {height} × {width} has another shape: cut the face out (`zoo align`), or "
            "leave --aligned out"
        )
    fitted = _resized(crop, size)
    change = restorer.restore([fitted])[0].astype(np.float32) - fitted
    restored = np.clip(np.rint(crop + _resized(change, (height, width))), 0, 255)
    return blend(crop, restored.astype(np.uint8), strength)


def _resized(image: NDArray[AnyValue], size: tuple[int, int]) -> NDArray[AnyValue]:
    """Return the image at ``(height, width)``: by area where it shrinks, else by cubics."""
    way = cv2.INTER_AREA if size[0] < image.shape[0] else cv2.INTER_CUBIC
    return cv2.resize(image, (size[1], size[0]), interpolation=way).astype(image.dtype)


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


def _read(job: ImageJob) -> Image:
    try:
        data = job.source.read_bytes()
    except OSError as error:  # one file that may not be opened is no reason to stop
        raise ImageError(f"{job.name} cannot be opened: {error.strerror}") from error
    return decode_image(data, job.name)


def _file_job(source: Path, target: Path) -> ImageJob:
    if target.is_dir():
        target = target / f"{source.stem}.png"
    if target.suffix.lower() != ".png":
        raise DatasetError(f"{target} does not end in .png: results are written as PNG")
    if target.resolve() == source.resolve():
        raise DatasetError(f"{target} is the input itself: choose another name for the result")
    return ImageJob(source.name, source, target)

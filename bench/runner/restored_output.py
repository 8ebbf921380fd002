"""What becomes of a restoration: an image in the folder of the run, or a line on its failure.

Calls no restorer; `bench.runner.restorer_runner` does.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.suite.conditions import Pair
from degrade.errors import DatasetError, ImageError
from degrade.images import atomic_file, encode_png, read_image
from zoo.restorers.placement import HERE, Placement

__all__ = [
    "ErrorLog",
    "Gallery",
    "Outcome",
    "match_size",
    "refuse_other_shape",
    "safe_name",
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A restored image, or the reason there is none.

    Attributes
    ----------
    image
        uint8 HWC RGB, of the size of the truth; None after a failure.
    seconds
        Wall time of the call, shared by the images in it; None when the image was restored by an
        earlier run.
    memory
        Bytes that the call took at most, see `bench.runner.profile`; None where that cannot be
        told.
    detail
        What went wrong, one line; empty after success.
    placement
        Where it was made, and how many at once there was room for.
    """

    image: NDArray[np.uint8] | None
    seconds: float | None = None
    memory: int | None = None
    detail: str = ""
    placement: Placement = HERE


class ErrorLog:
    """Appends the traceback of every failure to a text file, and gives it one line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, what: str, error: BaseException) -> str:
        """Record ``error``, raised by ``what``, and return it as one line."""
        with self._path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"--- {what}\n{''.join(traceback.format_exception(error))}\n")
        message = " ".join(str(error).split())
        return f"{type(error).__name__}: {message}" if message else type(error).__name__


class Gallery:
    """The images of a run: ``FOLDER/<dataset>/<recipe>/<who>/<key>.png``.

    ``who`` is a restorer, or ``hq`` for the truth.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, dataset: str, recipe: str, who: str, key: str) -> Path:
        """Return where an image stands.

        Raises
        ------
        DatasetError
            The image's name would leave the folder.
        """
        parts = PurePosixPath(key).parts
        if not parts or ".." in parts or PurePosixPath(key).is_absolute() or "\\" in key:
            raise DatasetError(f"'{key}' is no relative name of an image: rename it")
        place = self._folder.joinpath(safe_name(dataset), safe_name(recipe), safe_name(who), *parts)
        return place.with_name(f"{parts[-1]}.png")

    def read(self, path: Path) -> NDArray[np.uint8] | None:
        """Return an image written earlier, or None when there is none that can be read."""
        try:
            return read_image(path) if path.is_file() else None
        except ImageError:
            return None

    def write(self, path: Path, image: NDArray[np.uint8], made_by: str = "") -> bytes:
        """Write an image whole or not at all, and return the file; ``made_by`` tags it."""
        png = encode_png(image, {"relume": made_by} if made_by else None)
        self.write_file(path, png)
        return png

    def write_file(self, path: Path, png: bytes) -> None:
        """Write an image that is encoded already, whole or not at all."""
        with atomic_file(path) as file:
            file.write(png)


def refuse_other_shape(pair: Pair) -> None:
    """Raise ImageError where a degraded image is no smaller version of its truth.

    One that is larger, or whose sides are in another proportion than a whole pixel explains,
    belongs to something else.
    """
    (height, width), (tall, wide) = pair.lq.shape[:2], pair.hq.shape[:2]
    same_proportion = abs(height * wide - width * tall) <= max(tall, wide)
    if height > tall or width > wide or not same_proportion:
        raise ImageError(
            f"the degraded {pair.key} is {height} x {width} pixels, its truth {tall} x {wide}: "
            "these are not of one picture"
        )


def match_size(lq: NDArray[np.uint8], size: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return ``lq`` at ``(height, width)`` of the truth, by OpenCV's bicubic where it differs."""
    if lq.shape[:2] == tuple(size):
        return lq
    resized = cv2.resize(lq, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(resized, dtype=np.uint8)


def safe_name(name: str) -> str:
    """Return a name as a part of a path: signs but letters, digits and ``-_.`` are dashes."""
    kept = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
    return kept if kept.strip(".") else f"-{kept}"

"""Which files below a folder are images, and what stands in the way of the others.

A file counts by its name's ending: endings of images that can be read, and endings of images
that cannot, so that a folder of HEIC photographs is not silence. Everything else (texts, tables,
videos) is no input. Hidden files and folders are passed over. Links are followed, but a folder is
read once: a link that leads back, or to a folder read already, is passed over.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from degrade.errors import DatasetError

# fmt: off
EXTENSIONS = frozenset({
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm",
    ".pbm", ".pnm", ".avif", ".jp2", ".j2k", ".gif", ".qoi", ".jxl",
})
"""File name endings, lower case, that count as images when a folder is read."""

UNSUPPORTED = frozenset({
    ".heic", ".heif", ".hif", ".svg", ".svgz", ".psd", ".psb", ".xcf", ".eps", ".exr", ".hdr",
    ".tga", ".ico", ".dds", ".pcx", ".jxr", ".jls",
    # Of cameras, as they come from the sensor.
    ".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".sr2", ".orf", ".rw2", ".raf", ".pef", ".srw",
    ".x3f", ".3fr",
})
"""Endings of images that cannot be read; such a file is an input that failed."""
# fmt: on


@dataclass(frozen=True, slots=True)
class FileList:
    """The inputs below a place."""

    names: tuple[str, ...]  # relative POSIX paths of files to read, sorted
    # ``(name, reason)`` of inputs that cannot be read, sorted. The reason follows the name in a
    # message, as in "is not a regular file".
    unusable: tuple[tuple[str, str], ...] = ()


def list_images(folder: Path) -> list[str]:
    """Return the images below ``folder`` as sorted relative POSIX paths.

    Those that will turn out unreadable (a dangling link, a pipe) are among them; endings that
    cannot be read are not. Raises DatasetError when the folder is missing or holds no image.
    """
    listing = survey(folder)
    names = [*listing.names, *(name for name, _ in listing.unusable if _ending(name) in EXTENSIONS)]
    if not names:
        raise _no_images(str(folder))
    return sorted(names)


def survey(folder: Path) -> FileList:
    """Return the inputs below a folder of this machine.

    Raises DatasetError when the folder is missing or holds no input.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder: give a folder of images")
    walk = _Walk(folder)
    walk.run()
    if not walk.names and not walk.unusable:
        raise _no_images(str(folder))
    return FileList(tuple(sorted(walk.names)), tuple(sorted(walk.unusable)))


def survey_names(location: str, names: Iterable[str]) -> FileList:
    """Return the inputs among the names of files at ``location``, such as an object store's.

    Raises DatasetError when there is no input among them.
    """
    usable: list[str] = []
    unusable: list[tuple[str, str]] = []
    for name in names:
        if any(part.startswith(".") for part in name.split("/")):
            continue
        if _ending(name) in EXTENSIONS:
            usable.append(name)
        elif _ending(name) in UNSUPPORTED:
            unusable.append((name, _unsupported(name)))
    if not usable and not unusable:
        raise _no_images(location)
    return FileList(tuple(sorted(usable)), tuple(sorted(unusable)))


class _Walk:
    """One reading of a tree of folders; real folders first, then what links lead to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: list[str] = []
        self.unusable: list[tuple[str, str]] = []
        self._seen: set[tuple[int, int]] = set()
        self._links: list[str] = []

    def run(self) -> None:
        """Fill ``names`` and ``unusable``; the order of links decides nothing but their names."""
        self._enter("")
        while self._links:
            self._links.sort(reverse=True)
            self._enter(self._links.pop())

    def _enter(self, top: str) -> None:
        waiting = [top]
        while waiting:
            inside = waiting.pop()
            path = self.folder / inside
            try:
                status = path.stat()
                if (status.st_dev, status.st_ino) in self._seen:
                    continue
                self._seen.add((status.st_dev, status.st_ino))
                with os.scandir(path) as entries:
                    for entry in sorted(entries, key=lambda entry: entry.name):
                        self._take(f"{inside}/{entry.name}".lstrip("/"), entry, waiting)
            except OSError as error:
                if not inside:
                    raise
                self.unusable.append((inside, f"cannot be opened: {error.strerror}"))

    def _take(self, name: str, entry: os.DirEntry[str], waiting: list[str]) -> None:
        if entry.name.startswith("."):
            return
        if entry.is_dir(follow_symlinks=False):
            waiting.append(name)
        elif _leads_to_a_folder(entry):
            self._links.append(name)
        elif _ending(name) in UNSUPPORTED:
            self.unusable.append((name, _unsupported(name)))
        elif _ending(name) in EXTENSIONS:
            problem = _problem(entry)
            if problem:
                self.unusable.append((name, problem))
            else:
                self.names.append(name)


def _leads_to_a_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _problem(entry: os.DirEntry[str]) -> str:
    """Return why a file cannot be read, or nothing; asks the system about links only."""
    if entry.is_file(follow_symlinks=False):
        return ""
    try:
        # Reading a pipe or a device might never end.
        return "" if stat.S_ISREG(entry.stat().st_mode) else "is not a regular file"
    except OSError as error:
        return f"cannot be opened: {error.strerror}"


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _unsupported(name: str) -> str:
    return f"is in a format that cannot be read ({_ending(name)}): convert it to PNG or JPEG"


def _no_images(location: str) -> DatasetError:
    known = " ".join(sorted(EXTENSIONS))
    return DatasetError(f"{location} holds no images: expected files ending in {known}")

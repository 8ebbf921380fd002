"""Where sharp images come from: a folder or an object store, a file, or a named set."""

from __future__ import annotations

import errno
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from degrade.dataset.keys import printable_name, sort_out
from degrade.dataset.storage import LocalStorage, Storage, is_remote, open_storage
from degrade.errors import DatasetError, ImageError
from degrade.images import DecodePolicy, Image, decode_image, survey
from degrade.images.file_list import FileList, survey_names
from degrade.random import image_id_bits

_LARGEST_FILE = 2**31
"""Bytes; more than any image below the pixel limit needs."""

_TROUBLE_OF_THE_MACHINE = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN}
)
"""What passes and says nothing about a file: a row of a failed input would last."""

_DEFAULT_READING = DecodePolicy()


@dataclass(frozen=True, slots=True)
class ImageSource:
    """A list of images, read one at a time; picklable.

    Raises
    ------
    DatasetError
        A key that is not UTF-8, or two that count as the same image.
    """

    name: str  # A dataset's name, or the path or URL as it was given
    storage: Storage  # the place that the keys are relative to
    keys: tuple[str, ...]  # relative POSIX paths, sorted; each is the image id of its image
    # Images whose longer side exceeds this many pixels are shrunk to it by area averaging; None
    # leaves them as they are
    longest: int | None = None
    reading: DecodePolicy = _DEFAULT_READING  # how what files leave open is settled
    # ``(name, message)`` of inputs that were found and cannot be used; each has a row in a stored
    # dataset. The names are none of ``keys``.
    unusable: tuple[tuple[str, str], ...] = ()
    expected: int | None = None  # how many images a named set has; None where nobody says

    def __post_init__(self) -> None:
        for key in self.keys:
            if not key.isascii():
                _refuse_other_encodings(key)
        bits = np.fromiter(map(image_id_bits, self.keys), np.uint64, len(self.keys))
        order = np.argsort(bits, kind="stable")
        for position in np.flatnonzero(bits[order[1:]] == bits[order[:-1]]):
            one, other = self.keys[order[position]], self.keys[order[position + 1]]
            raise DatasetError(
                f"{one!r} and {other!r} count as the same image once their names are "
                "normalised: rename one"
            )

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def root(self) -> str:
        """The place that the keys are relative to: an absolute path or a URL."""
        folder = self.storage.local
        return self.storage.location if folder is None else str(folder.resolve())

    def read(self, key: str) -> Image:
        """Return one image, uint8 (height, width, 3) RGB; raises ImageError."""
        return self._fitted(decode_image(self.read_bytes(key), key, self.reading))

    def read_with_digest(self, key: str) -> tuple[Image, str]:
        """Return one image and the sha256 of its file."""
        data = self.read_bytes(key)
        image = decode_image(data, key, self.reading)
        return self._fitted(image), hashlib.sha256(data).hexdigest()

    def read_bytes(self, key: str) -> bytes:
        """Return one file as it is; raises ImageError, or DatasetError for trouble that passes."""
        try:
            size = self.storage.size(key)
            if size > _LARGEST_FILE:
                raise ImageError(f"{key} has {size:,} bytes, more than {_LARGEST_FILE:,}")
            return self.storage.read(key)
        except OSError as error:
            if error.errno in _TROUBLE_OF_THE_MACHINE:
                raise DatasetError(
                    f"{key} cannot be read now ({error.strerror}): run the same command again to "
                    "go on",
                    exit_code=1,
                ) from None
            if str(error.strerror) == "not a regular file":
                raise ImageError(f"{key} is not a regular file") from None
            raise ImageError(f"{key} cannot be opened: {error.strerror or error}") from None

    def size_in_bytes(self, key: str) -> int:
        """Return the size of one file, −1 when there is none."""
        return self.storage.size(key)

    def _fitted(self, image: Image) -> Image:
        height, width = image.shape[:2]
        if self.longest is None or max(height, width) <= self.longest:
            return image
        from degrade.ops.kernels.planes import from_planes, to_planes
        from degrade.ops.size.resize import resize

        share = self.longest / max(height, width)
        planes = resize(
            to_planes(image),
            None,
            height=max(1, round(height * share)),
            width=max(1, round(width * share)),
            filter="area",
            antialias=True,
        )
        return from_planes(planes)


def _refuse_other_encodings(key: str) -> None:
    try:
        key.encode()
    except UnicodeEncodeError:
        name = printable_name(key)
        raise DatasetError(f"the file name {name!r} is not in UTF-8: rename it") from None


def open_source(
    name_or_path: str | Path,
    *,
    longest: int | None = None,
    reading: DecodePolicy = _DEFAULT_READING,
    root: str | Path | None = None,
) -> ImageSource:
    """Return the source of a folder, an image file, a URL or a named dataset.

    Parameters
    ----------
    name_or_path
        A folder or a file of this machine; a URL such as ``s3://bucket/photos``, read through
        fsspec; or a dataset's name, ``ffhq``, or name and split, ``celeba-hq:test``.
    longest
        Shrink larger images to this longer side, pixels.
    reading
        How what files leave open is settled.
    root
        Where the named dataset is, in place of where it is looked for.

    Raises
    ------
    DatasetError
        There is no such source, or it holds no images.
    """
    text, path = str(name_or_path), Path(name_or_path)
    expected = None
    if root is not None or not (is_remote(text) or path.exists()):
        from degrade.dataset.named import find_dataset

        storage, listing, expected = find_dataset(text, root)
    elif is_remote(text):
        storage, listing = _remote(text)
    elif path.is_dir():
        storage, listing = LocalStorage(path), survey(path)
    else:
        storage, listing = LocalStorage(path.parent), FileList((path.name,))
    keys, refused = sort_out(listing.names)
    unusable = [(printable_name(name), reason) for name, reason in listing.unusable]
    messages = tuple((name, f"{name} {reason}") for name, reason in sorted([*refused, *unusable]))
    return ImageSource(text, storage, keys, longest, reading, messages, expected)


def _remote(location: str) -> tuple[Storage, FileList]:
    storage = open_storage(location)
    names = storage.names()
    parent, _, name = location.rstrip("/").rpartition("/")
    # An object store answers with the file itself when it is asked for what is below a file.
    if names in ([], [""]) and not parent.endswith("/"):
        above = open_storage(parent)
        if above.exists(name):
            return above, FileList((name,))
    return storage, survey_names(location, names)

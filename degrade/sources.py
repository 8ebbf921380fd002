"""Where sharp pictures come from: a named set, a folder, or one file."""

from __future__ import annotations

import hashlib
import importlib.util
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from degrade.errors import DatasetError, ImageError
from degrade.images import Image, decode_image, list_images
from degrade.random import image_id_bits

__all__ = ["ImageSource", "list_datasets", "open_source"]

_TABLE = Path(__file__).parent / "datasets.yaml"
_LARGEST_FILE = 2**31
"""Bytes; more than any picture below the pixel limit needs."""


@dataclass(frozen=True, slots=True)
class ImageSource:
    """A list of pictures, read one at a time; picklable.

    Attributes
    ----------
    name
        A dataset's name, or the path as it was given.
    root
        Folder that the keys are relative to.
    keys
        Relative POSIX paths, sorted; each is the image id of its picture.
    longest
        Pictures whose longer side exceeds this many pixels are shrunk to it by area
        averaging; None leaves them as they are.
    """

    name: str
    root: Path
    keys: tuple[str, ...]
    longest: int | None = None

    def __post_init__(self) -> None:
        seen: dict[int, str] = {}
        for key in self.keys:
            _refuse_other_encodings(key)
            other = seen.setdefault(image_id_bits(key), key)
            if other != key:
                raise DatasetError(
                    f"{other!r} and {key!r} count as the same image once their names are "
                    "normalised: rename one"
                )

    def __len__(self) -> int:
        return len(self.keys)

    def read(self, key: str) -> Image:
        """Return one picture, uint8 (height, width, 3) RGB; raises ImageError."""
        return self.read_with_digest(key)[0]

    def read_with_digest(self, key: str) -> tuple[Image, str]:
        """Return one picture and the sha256 of its file."""
        data = self._bytes(key)
        image = decode_image(data, key)
        return self._fitted(image, key), hashlib.sha256(data).hexdigest()

    def size_in_bytes(self, key: str) -> int:
        """Return the size of one file, −1 when there is none."""
        try:
            return (self.root / key).stat().st_size
        except OSError:
            return -1

    def _bytes(self, key: str) -> bytes:
        path = self.root / key
        try:
            told = path.stat()
            if not stat.S_ISREG(told.st_mode):  # reading a pipe might never end
                raise ImageError(f"{key} is not a regular file")
            if told.st_size > _LARGEST_FILE:
                raise ImageError(f"{key} has {told.st_size:,} bytes, more than {_LARGEST_FILE:,}")
            return path.read_bytes()
        except OSError as error:
            raise ImageError(f"{key} cannot be opened: {error.strerror}") from None

    def _fitted(self, image: Image, key: str) -> Image:
        height, width = image.shape[:2]
        if max(height, width) > 65535:
            raise ImageError(f"{key} is {height} × {width}: sides are 1 to 65535 pixels")
        if self.longest is None or max(height, width) <= self.longest:
            return image
        from degrade.kernels.planes import from_planes, to_planes
        from degrade.operations.resize import resize

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
        raise DatasetError(f"the file name {key!r} is not in UTF-8: rename it") from None


def list_datasets() -> Mapping[str, Mapping[str, Any]]:
    """Return the table of named sets as it is written in ``datasets.yaml``."""
    from degrade.yaml_lines import load_yaml

    data, _ = load_yaml(_TABLE, _TABLE.name, error=DatasetError)
    assert isinstance(data, dict)
    return data


def open_source(name_or_path: str | Path, *, longest: int | None = None) -> ImageSource:
    """Return the source of that dataset name, folder or image file.

    Raises DatasetError when there is none, or when it holds no pictures.
    """
    text, path = str(name_or_path), Path(name_or_path)
    if path.is_dir():
        return ImageSource(text, path, tuple(list_images(path)), longest)
    if path.is_file():
        return ImageSource(text, path.parent, (path.name,), longest)
    table = list_datasets()
    if text in table:
        return _named(text, table[text], longest)
    from degrade.yaml_lines import nearest

    raise DatasetError(
        f"'{text}' is neither a folder, a file nor a dataset's name: "
        f"`degrade list --datasets` shows the names.{nearest(text, table)}"
    )


def _named(name: str, entry: Mapping[str, Any], longest: int | None) -> ImageSource:
    spec = importlib.util.find_spec(entry["package"])
    if spec is None or spec.origin is None:
        raise DatasetError(f"{name} comes with the package {entry['package']}: install it")
    root = Path(spec.origin).parent / entry["folder"]
    missing = [file for file in entry["files"] if not (root / file).is_file()]
    if missing:
        raise DatasetError(
            f"{name}: {', '.join(missing)} is not in the installed {entry['package']}: "
            f"reinstall it with `pip install --force-reinstall`"
        )
    return ImageSource(name, root, tuple(sorted(entry["files"])), longest)

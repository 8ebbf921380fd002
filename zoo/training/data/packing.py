"""Pack folders of aligned faces into one file, see `zoo.training.data.face_pack`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from degrade.dataset.keys import pair_key
from degrade.dataset.sources import ImageSource, open_source
from degrade.images import Image, atomic_file
from zoo.labels import UNKNOWN, label_index, label_map
from zoo.portrait.align.alignment import template_of
from zoo.portrait.parse.parsing import Parser, load_parser
from zoo.templates import TIGHT_CENTRE, TIGHT_ZOOM
from zoo.training.base.config import TrainingError
from zoo.training.data.face_pack import FacePack, PackError, PackIndex, PackWriter
from zoo.training.data.splits import (
    choose_splits,
    difference_hash,
    near_copies,
    read_splits,
    unit_hash,
)

__all__ = [
    "DEFAULT_PARSER",
    "NO_PARSER",
    "PARTS",
    "PackOptions",
    "is_fresh",
    "pack_faces",
    "part_boxes",
    "prepare_pack",
    "template_boxes",
]

NO_PARSER = "none"
DEFAULT_PARSER = "mesh"
_INDEX_ENTRY = 64
"""Bytes that a face takes in the index beside its key, at most."""
_INDEX_HEAD = 512
"""Bytes of the index that are no face's."""


@dataclass(frozen=True, slots=True)
class PackOptions:
    """How faces are packed."""

    # Side in pixels, even; larger faces are shrunk to it by area. None for the faces' own.
    size: int | None = None
    # One of `zoo.portrait.parse.parsing.PARSERS`, or ``none`` for no label maps
    parser: str = DEFAULT_PARSER
    codec: str = "raw"  # see `zoo.training.data.face_pack.PackWriter`
    quality: int = 95
    # Bytes; of more faces, some are chosen by the hash of their keys. None for all.
    limit: int | None = None
    # Folder → how often each of its faces comes in a pass; 1 by default
    weights: Mapping[Path, int] = field(default_factory=dict)
    # Tables that say which faces are for validation, see `zoo.training.data.splits.read_splits`
    splits: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class _FaceFile:
    """One face that may be packed: its key, folder and file."""

    key: str
    source: ImageSource
    file: str
    weight: int


def pack_faces(
    folders: Sequence[Path],
    out: Path,
    options: PackOptions,
    on_face: Callable[[int, int], None] | None = None,
) -> FacePack:
    """Write a pack; the same faces and options give the same bytes.

    Parameters
    ----------
    folders
        Of aligned faces, as `zoo align` writes them, all of one template.
    out
        The file.
    options
        See `PackOptions`.
    on_face
        Called with the number of faces read and of all.

    Raises
    ------
    TrainingError
        Folders of different templates or with the same names in them, faces of different sizes or
        smaller than asked, or a limit below one face.
    DatasetError, ImageError
        A folder holds no image, or one that cannot be read.
    """
    template = _one_template(folders)
    faces = _list_faces(folders, options.weights)
    listed = _listed_splits(faces, options.splits)
    parser = _load_parser(options, template)
    hashes: dict[str, NDArray[np.uint64]] = {}
    records: dict[str, tuple[int, int, int]] = {}
    size, full, entries = options.size, False, _INDEX_HEAD
    # By hash, so that the faces that fit below a limit are evenly chosen.
    order = sorted(faces, key=lambda face: (unit_hash(face.key, "limit"), face.key))
    with atomic_file(out) as file:
        writer = PackWriter(file, options.codec, options.quality)
        for count, face in enumerate(order, 1):
            image = face.source.read(face.file)
            # Of all, also those that do not fit: a face's split depends on its near copies.
            hashes[face.key] = difference_hash(image)
            if not full:
                size = _checked_size(image, face, size or image.shape[0])
                fitted = _fitted(image, size)
                labels = _label_map(parser, fitted)
                stored = writer.encode(fitted, labels)
                entries += _INDEX_ENTRY + len(json.dumps(face.key))
                room = writer.size + sum(map(len, stored)) + 2 * _INDEX_ENTRY + entries
                full = options.limit is not None and room > options.limit
                if not full:
                    records[face.key] = writer.add(*stored, part_boxes(labels, template))
            if on_face:
                on_face(count, len(order))
        if not records or size is None:
            raise TrainingError(f"not one face fits into {options.limit} bytes: allow more")
        keys = sorted(hashes)
        groups = near_copies([hashes[key] for key in keys])
        splits = choose_splits(keys, groups, listed)
        by_key = {face.key: face for face in faces}
        packed = [(key, split) for key, split in zip(keys, splits, strict=True) if key in records]
        writer.close(
            PackIndex(
                size,
                template,
                _name(parser),
                options.codec,
                _inputs_digest(faces, options, _name(parser)),
                int((np.bincount(groups)[groups] > 1).sum()),
                tuple(key for key, _ in packed),
                tuple(split for _, split in packed),
                tuple(by_key[key].weight for key, _ in packed),
                tuple(records[key] for key, _ in packed),
            )
        )
    return FacePack(out)


def is_fresh(path: Path, folders: Sequence[Path], options: PackOptions) -> bool:
    """Return whether a pack holds these faces, packed so, and no file is newer than it.

    Files are told apart by name, size and time of change, as `make` does; none is read.
    """
    try:
        pack, written = FacePack(path), path.stat().st_mtime
    except (PackError, OSError):
        return False
    faces = _list_faces(folders, options.weights)
    # Not the one asked for: without its weights the mesh is the template, with them no longer.
    parser = _name(_load_parser(options, pack.template))
    if pack.index.inputs != _inputs_digest(faces, options, parser):
        return False
    return all(_changed(face) <= written for face in faces)


def prepare_pack(
    faces: Path,
    out: Path,
    size: int,
    parser: str,
    on_face: Callable[[int, int], None] | None = None,
) -> Path:
    """Return the pack to train on: ``faces`` if it is a file, else the folder packed to ``out``.

    A pack that is there and `is_fresh` is left as it is. Parameters as in `pack_faces`.
    """
    if faces.is_file():
        return faces
    if not faces.is_dir():
        raise TrainingError(
            f"{faces} is neither a folder that `zoo align` wrote nor a file of `zoo pack`"
        )
    options = PackOptions(size=size, parser=parser)
    if not is_fresh(out, [faces], options):
        pack_faces([faces], out, options, on_face)
    return out


def _one_template(folders: Sequence[Path]) -> str:
    for folder in folders:
        if not folder.is_dir():
            raise TrainingError(f"{folder} is no folder: give those that `zoo align` wrote")
    templates = {template_of(folder): folder for folder in folders}
    if len(templates) > 1:
        settings = ", ".join(f"{folder} as {name}" for name, folder in sorted(templates.items()))
        raise TrainingError(f"the faces are aligned differently ({settings}): align them alike")
    return next(iter(templates))


def _list_faces(folders: Sequence[Path], weights: Mapping[Path, int]) -> list[_FaceFile]:
    faces: dict[str, _FaceFile] = {}
    for folder in folders:
        source = open_source(folder)
        weight = weights.get(folder, 1)
        for file in source.keys:
            key = f"{folder.resolve().name}/{file}"
            if key in faces:
                raise TrainingError(f"two of the folders have a face called {key}: rename one")
            faces[key] = _FaceFile(key, source, file, weight)
    return list(faces.values())


def _listed_splits(faces: Iterable[_FaceFile], tables: Sequence[Path]) -> dict[str, str]:
    listed: dict[str, str] = {}
    for path in tables:
        rows = read_splits(path)
        own = {
            face.key: rows[name] for face in faces if (name := pair_key(face.file, 0, 1)) in rows
        }
        if not own:
            raise TrainingError(f"{path} names none of the faces: its files are relative to theirs")
        listed |= own
    return listed


def _checked_size(image: Image, face: _FaceFile, size: int) -> int:
    """Return the size; TrainingError for a face that is no square of at least it."""
    height, width = image.shape[:2]
    if height != width or height < size:
        raise TrainingError(
            f"{face.key} is {height} × {width}, the pack takes squares of at least {size}: run "
            f"`zoo align` with --size {size}, or give `zoo pack` a smaller --size"
        )
    if size % 2:
        raise TrainingError(f"size {size} is odd and label maps have half of it: give --size")
    return size


def _fitted(image: Image, size: int) -> Image:
    if image.shape[0] == size:
        return image
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def _load_parser(options: PackOptions, template: str) -> Parser | None:
    return None if options.parser == NO_PARSER else load_parser(options.parser, template)


def _name(parser: Parser | None) -> str:
    return NO_PARSER if parser is None else parser.name


def _label_map(parser: Parser | None, face: Image) -> NDArray[np.uint8]:
    """Return the label map of a face at half its side."""
    side = face.shape[0] // 2
    if parser is None:
        return np.full((side, side), UNKNOWN, np.uint8)
    # Layer by layer: the mean of all 19 at once takes ten times as long.
    halves = [
        cv2.resize(layer, (side, side), interpolation=cv2.INTER_AREA)
        for layer in parser.parse(face).probabilities
    ]
    return label_map(np.stack(halves))


def _inputs_digest(faces: Iterable[_FaceFile], options: PackOptions, parser: str) -> str:
    """Return a digest of the files' names and sizes, their weights, and the options."""
    settings = asdict(options) | {"weights": None, "splits": [_content(p) for p in options.splits]}
    settings["parser"] = parser
    rows = sorted((f.key, f.weight, f.source.size_in_bytes(f.file)) for f in faces)
    return hashlib.sha256(json.dumps([settings, rows]).encode()).hexdigest()


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _changed(face: _FaceFile) -> float:
    folder = face.source.storage.local
    assert folder is not None
    return (folder / face.file).stat().st_mtime


PARTS = ("l_eye", "r_eye", "mouth")
"""The order of the boxes; ``l_`` is the one on the image's left."""
_REGIONS = (("l_eye",), ("r_eye",), ("mouth", "u_lip", "l_lip"))
_CENTRES = ((0.3795, 0.475), (0.6205, 0.475), (0.5, 0.728))
"""Of the mean face in an ``ffhq`` crop, as `zoo.mean_mask` draws it."""
_HALF_SIDES = (40 / 512, 40 / 512, 60 / 512)
"""Of an ``ffhq`` crop: GFPGAN's 80 pixels for an eye and 120 for a mouth of 512
(TencentARC/GFPGAN @7552a77, options/train_gfpgan_v1.yml, ``eye_out_size``, ``mouth_out_size``)."""
_LEAST = 1e-4
"""Share of the crop below which a region is too small to have a centre."""


def template_boxes(template: str) -> NDArray[np.float32]:
    """Return the boxes of the mean face, see `part_boxes`."""
    zoom, centre = (TIGHT_ZOOM, np.array(TIGHT_CENTRE)) if template == "tight" else (1.0, 0.5)
    centres = (np.array(_CENTRES) - centre) * zoom + 0.5
    return np.column_stack((centres, np.array(_HALF_SIDES) * zoom)).astype(np.float32)


def part_boxes(labels: NDArray[np.uint8], template: str) -> NDArray[np.float32]:
    """Return the boxes of left eye, right eye and mouth, ``(3, 3)`` float32.

    Each is centre x, centre y and half side, in unit coordinates of the crop: 0 is the outer edge
    of the first pixel, 1 that of the last. Boxes lie inside the crop.

    Parameters
    ----------
    labels
        ``(side, side)`` label map: a centre is the region's centroid where there is one, else the
        mean face's.
    template
        ``ffhq`` or ``tight``: sizes, and centres of what is not seen.
    """
    boxes = template_boxes(template)
    for box, names in zip(boxes, _REGIONS, strict=True):
        rows, columns = np.nonzero(np.isin(labels, [label_index(name) for name in names]))
        if len(rows) > _LEAST * labels.size:
            box[:2] = (columns.mean() + 0.5, rows.mean() + 0.5)
            box[:2] /= labels.shape[0]
        box[:2] = np.clip(box[:2], box[2], 1 - box[2])
    return boxes

"""Training, validation and test: which split a face is in, by its picture and near copies.

A picture and its near copies are one group and share a split. The split depends on the group's
own names alone, so adding faces to a set moves no other face.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from degrade.dataset.keys import pair_key
from degrade.images import Image
from zoo.training.base.config import TrainingError

__all__ = ["SPLITS", "choose_splits", "difference_hash", "near_copies", "read_splits", "unit_hash"]

SPLITS = ("train", "val", "test")
_SIDE = 16
NEAR = 20
"""Bits of 256 by which the hashes of near copies differ at most. Of 6,369 faces (3,029 aligned as
``ffhq``, 3,340 as UTKFace and the Congress portraits come) all 83 pairs up to 20 bits are
one picture twice (81 looked at); from 23 bits on there are different people. The usual 64
bits cannot tell: aligned faces are alike in what 8 × 8 pixels show, and at 6 bits 808 of the 3,029
were one chain."""
_SHARE = 1 / 24
"""Of the groups in ``val``, and in ``test``."""
_BLOCK = 1024


def unit_hash(text: str, purpose: str) -> float:
    """Return a number in [0, 1) that depends on the text and what it is for: 53 bits of a sha256.

    With one number for two purposes, the faces that fit below a limit would be those of one split.
    """
    digest = hashlib.sha256(f"{purpose}:{text}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def difference_hash(image: Image) -> NDArray[np.uint64]:
    """Return the 256-bit difference hash of an image, four uint64.

    Bit by bit, whether a pixel is brighter than its left neighbour in the grey image of 17 × 16
    pixels (dHash, N. Krawetz, "Kind of like that", hackerfactor.com, 2013, there 9 × 8).

    Parameters
    ----------
    image
        uint8 (height, width, 3) RGB.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE + 1, _SIDE), interpolation=cv2.INTER_AREA)
    return np.packbits(small[:, 1:] > small[:, :-1]).view("<u8").astype(np.uint64)


def near_copies(hashes: Sequence[NDArray[np.uint64]], distance: int = NEAR) -> NDArray[np.int64]:
    """Return the group of each image: chains of near copies are one group.

    Parameters
    ----------
    hashes
        See `difference_hash`.
    distance
        Bits by which two hashes of one group differ at most.

    Returns
    -------
    NDArray
        ``(n,)`` int64, groups numbered from 0.
    """
    codes = np.stack(hashes)
    ones, others = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for start in range(0, len(codes), _BLOCK):
        here, rest = codes[start : start + _BLOCK], codes[start:]
        # Word by word, so that memory stays at two bytes a pair.
        apart = np.zeros((len(here), len(rest)), np.uint16)
        for word in range(codes.shape[1]):
            apart += np.bitwise_count(here[:, word, None] ^ rest[None, :, word])
        rows, columns = np.nonzero(apart <= distance)
        ones.append(rows + start)
        others.append(columns + start)
    rows, columns = np.concatenate(ones), np.concatenate(others)
    pairs = coo_matrix((np.ones(len(rows), bool), (rows, columns)), shape=(len(codes),) * 2)
    return np.asarray(connected_components(pairs, directed=False)[1], np.int64)


def choose_splits(
    keys: Sequence[str], groups: Sequence[int] | NDArray[np.int64], listed: Mapping[str, str]
) -> list[str]:
    """Return the split of each face, one of `SPLITS`.

    Parameters
    ----------
    keys
        Of the faces, unique.
    groups
        The group of each, see `near_copies`.
    listed
        Key → split, for those that a table names: a group with a face in ``val`` is in ``val`` or
        ``test``, half of them each by hash; one with a face in ``test`` is in ``test``; else the
        listed ones are in ``train``. A group that is not listed is in each of ``val`` and ``test``
        in 1 of 24 cases, by the hash of its first key.
    """
    members: dict[int, list[str]] = {}
    for key, group in zip(keys, groups, strict=True):
        members.setdefault(int(group), []).append(key)
    splits = {group: _group_split(sorted(names), listed) for group, names in members.items()}
    return [splits[int(group)] for group in groups]


def _group_split(names: Sequence[str], listed: Mapping[str, str]) -> str:
    chance = unit_hash(names[0], "split")
    listed_splits = {listed[name] for name in names if name in listed}
    if "test" in listed_splits:
        return "test"
    if "val" in listed_splits:
        return "val" if chance < 0.5 else "test"
    if "train" in listed_splits or chance >= 2 * _SHARE:
        return "train"
    return "val" if chance < _SHARE else "test"


def read_splits(path: Path) -> dict[str, str]:
    """Return key → split of a CSV with the columns ``file`` and ``split``.

    Keys are those of `degrade.dataset.keys.pair_key`, without an ending: the table may name
    photographs, and `zoo align` calls the faces cut from them so.

    Raises
    ------
    TrainingError
        It cannot be read, lacks a column, or has a split that is none of `SPLITS`.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [(row["file"], row["split"]) for row in csv.DictReader(file)]
    except (OSError, KeyError, UnicodeDecodeError, csv.Error):
        raise TrainingError(f"{path} is not a CSV with the columns file and split") from None
    unknown = sorted({str(split) for _, split in rows} - set(SPLITS))
    if unknown:
        raise TrainingError(f"{path}: split {unknown[0]!r} is none of {', '.join(SPLITS)}")
    return {pair_key(name, 0, 1): split for name, split in rows}

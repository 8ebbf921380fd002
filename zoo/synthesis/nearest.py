"""Whether drawn faces are anybody's: how near each is to the nearest face learned from.

A generator that has learned its faces by heart draws them again. Two measures are taken, dlib's
descriptor and the pixels, and a distance means something only beside that of real faces which
were not learned from: where drawn ones are no nearer than those, nothing was copied that these
measures can see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from zoo.networks.faces.dlib_descriptor import load_dlib_descriptor
from zoo.networks.faces.dlib_models import DlibFace, face_chip
from zoo.restorer import Image
from zoo.templates import template_points

__all__ = [
    "MEASURES",
    "SAME_IMAGE",
    "Described",
    "Nearest",
    "describe_faces",
    "nearest",
    "summary",
    "without_known",
]

MEASURES: Mapping[str, str] = {
    "descriptor": "distance of dlib's descriptors; under 0.6 dlib takes two photos for one person",
    "pixels": "root mean square difference in levels, both 32 pixels wide, mirrored or not",
}
SAME_IMAGE = 10.0
"""Faces nearer than this by pixels are one photograph: of 239 held-out faces here nine are within
7.1 levels of a training face, all the same photographs to the eye, and the next is 19.4 away."""
_SIDE = 32
_BLOCK = 256
_SHARES = (0.0, 0.01, 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """Faces as vectors: measure → ``(n, d)`` float32, Euclidean distance between them."""

    vectors: Mapping[str, NDArray[np.float32]]
    mirrored: Mapping[str, NDArray[np.float32]]
    """The same of the mirrored faces, for measures that a mirror changes."""


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """For each face the nearest of the others: ``(n,)`` index and distance."""

    index: NDArray[np.int64]
    distance: NDArray[np.float64]


def describe_faces(faces: Iterable[Image], template: str) -> Described:
    """Return the vectors of aligned faces, uint8 (size, size, 3).

    Parameters
    ----------
    faces
        Of one size and one alignment.
    template
        That alignment; the descriptor looks where it has eyes and nose.

    Raises
    ------
    DependencyError, WeightsMissing, WeightsRefused
        dlib or its models are not there.
    """
    network = load_dlib_descriptor()
    nearest_pairs: dict[str, list[NDArray[np.float32]]] = {
        "descriptor": [],
        "pixels": [],
        "mirror": [],
    }
    for face in faces:
        side = face.shape[0]
        points = np.rint(template_points(template, "dlib5", side))
        chip = face_chip(face, DlibFace((0, 0, side, side), points, 0.0))
        nearest_pairs["descriptor"].append(network.describe(chip).astype(np.float32))
        small = cv2.resize(face, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        root = np.float32(small.size**0.5)
        nearest_pairs["pixels"].append(small.ravel() / root)
        nearest_pairs["mirror"].append(small[:, ::-1].ravel() / root)
    stacked = {name: np.stack(vectors) for name, vectors in nearest_pairs.items()}
    return Described({name: stacked[name] for name in MEASURES}, {"pixels": stacked["mirror"]})


def nearest(faces: Described, others: Described, measure: str) -> Nearest:
    """Return for each of the faces the nearest of the others by a name of `MEASURES`."""
    nearest_pairs = _nearest(faces.vectors[measure], others.vectors[measure])
    if measure not in faces.mirrored:
        return nearest_pairs
    turned = _nearest(faces.mirrored[measure], others.vectors[measure])
    nearer = turned.distance < nearest_pairs.distance
    return Nearest(
        np.where(nearer, turned.index, nearest_pairs.index),
        np.where(nearer, turned.distance, nearest_pairs.distance),
    )


def without_known(held_out: Described, known: Described) -> tuple[Described, int]:
    """Return the held-out faces that are not among the known ones, and how many are."""
    new = nearest(held_out, known, "pixels").distance >= SAME_IMAGE
    novel = Described(
        {name: vectors[new] for name, vectors in held_out.vectors.items()},
        {name: vectors[new] for name, vectors in held_out.mirrored.items()},
    )
    return novel, int(np.sum(~new))


def _nearest(faces: NDArray[np.float32], others: NDArray[np.float32]) -> Nearest:
    index, distance = [], []
    squares = np.square(others.astype(np.float64)).sum(axis=1)
    for start in range(0, len(faces), _BLOCK):
        block = faces[start : start + _BLOCK].astype(np.float64)
        apart = squares[None] - 2 * block @ others.T.astype(np.float64)
        best = apart.argmin(axis=1)
        index.append(best)
        distance.append(np.linalg.norm(block - others[best], axis=1))
    return Nearest(np.concatenate(index).astype(np.int64), np.concatenate(distance))


def summary(drawn: Sequence[float], held_out: Sequence[float] | None) -> dict[str, float]:
    """Return what the distances of one measure come to.

    Parameters
    ----------
    drawn
        Of each drawn face to the nearest learned from.
    held_out
        The same of real faces that were not learned from, or None.

    Returns
    -------
    dict
        Least, 1 % and median of each; with held-out faces ``nearer than 1 %``: the share of drawn
        faces that are nearer than all but 1 % of the held-out ones, .01 where nothing is copied.
    """
    values = _quantiles("drawn", drawn)
    if held_out is None:
        return values
    limit = float(np.quantile(held_out, 0.01))
    values |= _quantiles("held out", held_out)
    return values | {"nearer than 1 %": float(np.mean(np.asarray(drawn) < limit))}


def _quantiles(name: str, distances: Sequence[float]) -> dict[str, float]:
    words = ("least", "1 %", "median")
    values = np.quantile(distances, _SHARES)
    return {f"{name} {word}": float(value) for word, value in zip(words, values, strict=True)}

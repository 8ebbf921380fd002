"""How far a generator's faces are from real ones, beside how far real ones are from each other.

Everything is measured on EfficientNet-Lite2's pooled features, the judge that nothing here is
trained against, and every figure of drawn faces stands beside the same figure of real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.metrics.distribution.frechet import frechet_distance
from bench.metrics.distribution.kernel_distance import kernel_distance
from bench.metrics.distribution.precision_recall import precision_recall
from bench.metrics.perceptual.efficientnet_judge import load_judge
from degrade.errors import DatasetError
from zoo.restorer import Image

__all__ = ["Comparison", "describe", "halves_comparison", "held_out_comparison"]

Features = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sets of faces of equal size.

    Attributes
    ----------
    faces, against
        What is compared with what, in words.
    count
        Faces of each.
    fd, kd
        Fréchet and kernel distance; both depend on the judge, fd on the count too.
    precision
        Share of the first set's faces that lie among the second's.
    recall
        Share of the second's that lie among the first's.
    """

    faces: str
    against: str
    count: int
    fd: float
    kd: float
    precision: float
    recall: float


def describe(faces: Iterable[Image], on_face: Callable[[int], object] | None = None) -> Features:
    """Return ``(n, 1280)`` features of faces of one size, uint8 (size, size, 3).

    Parameters
    ----------
    faces
        One by one, so that a value never depends on its neighbours.
    on_face
        Called with 1 after each.

    Raises
    ------
    DependencyError, WeightsMissing, WeightsRefused
        As `zoo.networks.features.efficientnet.load_efficientnet`.
    """
    judge = load_judge()
    found = []
    for face in faces:
        found.append(judge(face).pooled)
        if on_face is not None:
            on_face(1)
    return np.stack(found)


def halves_comparison(drawn: Features, real: Features, seed: int = 0) -> Sequence[Comparison]:
    """Compare drawn faces with one half of the real ones, and the other half with it.

    Parameters
    ----------
    drawn, real
        Features; as many drawn ones are used as half of the real ones are, or fewer of both.
    seed
        Of the halves.

    Raises
    ------
    DatasetError
        Fewer than eight of one of them.
    """
    count = min(len(drawn), len(real) // 2)
    _check(count)
    order = np.random.Generator(np.random.Philox(seed)).permutation(len(real))
    one, other = real[order[:count]], real[order[count : 2 * count]]
    return (
        _compared("drawn", "half of the real faces", drawn[:count], one),
        _compared("other half", "half of the real faces", other, one),
    )


def held_out_comparison(
    drawn: Features, real: Features, held_out: Features, seed: int = 0
) -> Sequence[Comparison]:
    """Compare drawn faces, and as many learned from, with faces that were not learned from.

    Parameters and errors as `halves_comparison`; ``real`` are those learned from.
    """
    count = min(len(drawn), len(real), len(held_out))
    _check(count)
    order = np.random.Generator(np.random.Philox(seed)).permutation(len(real))
    return (
        _compared("drawn", "held-out faces", drawn[:count], held_out[:count]),
        _compared("learned from", "held-out faces", real[order[:count]], held_out[:count]),
    )


def _compared(name: str, against: str, faces: Features, others: Features) -> Comparison:
    precision, recall = precision_recall(faces, others)
    return Comparison(
        name,
        against,
        len(faces),
        frechet_distance(faces, others),
        kernel_distance(faces, others),
        precision,
        recall,
    )


def _check(count: int) -> None:
    if count < 8:
        raise DatasetError(f"{count} faces of a kind are too few to compare: give at least 8")

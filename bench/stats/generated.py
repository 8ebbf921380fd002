"""How far a generator's faces are from real ones, beside how far real ones are from each other.

Everything is measured on EfficientNet-Lite2's pooled features, the judge that nothing here is
trained against, and every figure of drawn faces stands beside the same figure of real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.metrics.distribution.distances import frechet_distance, kernel_distance
from bench.metrics.perceptual.features import load_judge as load_judge
from degrade.errors import DatasetError
from zoo.restorer import Image

Features = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GeneratorScore:
    """Two sets of faces of equal size, ``count`` of each, and what they are in words.

    The Fréchet and the kernel distance depend on the judge, the first on the count too. Precision
    is the share of the first set that lies among the second, recall the other way.
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

    One by one, so that a value never depends on its neighbours; ``on_face(1)`` after each. Raises
    as `zoo.networks.features.efficientnet.load_efficientnet`.
    """
    judge = load_judge()
    features = []
    for face in faces:
        features.append(judge(face).pooled)
        if on_face is not None:
            on_face(1)
    return np.stack(features)


def halves_comparison(
    generated: Features, real: Features, seed: int = 0
) -> Sequence[GeneratorScore]:
    """Compare drawn faces with one half of the real ones, and the other half with it.

    As many drawn ones are used as half of the real ones are, or fewer of both; ``seed`` halves.
    DatasetError for fewer than eight of one of them.
    """
    count = min(len(generated), len(real) // 2)
    _check(count)
    order = np.random.Generator(np.random.Philox(seed)).permutation(len(real))
    one, other = real[order[:count]], real[order[count : 2 * count]]
    return (
        _compared("drawn", "half of the real faces", generated[:count], one),
        _compared("other half", "half of the real faces", other, one),
    )


def held_out_comparison(
    generated: Features, real: Features, held_out: Features, seed: int = 0
) -> Sequence[GeneratorScore]:
    """Compare drawn faces, and as many learned from, with faces that were not learned from.

    Parameters and errors as `halves_comparison`; ``real`` are those learned from.
    """
    count = min(len(generated), len(real), len(held_out))
    _check(count)
    order = np.random.Generator(np.random.Philox(seed)).permutation(len(real))
    return (
        _compared("drawn", "held-out faces", generated[:count], held_out[:count]),
        _compared("learned from", "held-out faces", real[order[:count]], held_out[:count]),
    )


def _compared(name: str, against: str, faces: Features, others: Features) -> GeneratorScore:
    precision, recall = precision_recall(faces, others)
    return GeneratorScore(
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


NEIGHBOURS = 3
"""k of the paper's section 3.1."""


def precision_recall(
    generated: NDArray[np.float64], real: NDArray[np.float64], neighbours: int = NEIGHBOURS
) -> tuple[float, float]:
    """Return precision and recall of ``(n, d)`` drawn against ``(m, d)`` real features, 0 to 1.

    Precision is the share of the drawn vectors in a ball of the real ones (which reaches to their
    ``neighbours``-th nearest), recall that of the real ones in a ball of the drawn. Two halves of
    one set score the same in both, and less than 1. ValueError for too few vectors.
    """
    if min(len(generated), len(real)) <= neighbours:
        raise ValueError(
            f"{min(len(generated), len(real))} vectors have no {neighbours} neighbours"
        )
    apart = _distances(generated, real)
    return (
        float((apart <= _reach(real, neighbours)[None]).any(axis=1).mean()),
        float((apart <= _reach(generated, neighbours)[:, None]).any(axis=0).mean()),
    )


def _reach(vectors: NDArray[np.float64], neighbours: int) -> NDArray[np.float64]:
    """Return the squared distance of each vector to its k-th nearest other one."""
    apart = _distances(vectors, vectors)
    np.fill_diagonal(apart, np.inf)
    return np.asarray(np.partition(apart, neighbours - 1, axis=1)[:, neighbours - 1])


def _distances(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    squares = np.square(one).sum(axis=1)[:, None] + np.square(other).sum(axis=1)[None]
    return np.asarray(np.maximum(squares - 2 * one @ other.T, 0.0))

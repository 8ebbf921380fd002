"""Which rows belong to one photograph: its degraded versions are no independent samples.

Every interval and every test here draws photographs, with all of their versions together: the
cluster bootstrap (Davison and Hinkley 1997, section 3.8).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["ImageKey", "numbered", "per_photograph", "photographs"]

ImageKey = tuple[str, int]
"""``(key, variant)`` of a degraded image."""


def photographs(keys: Iterable[ImageKey]) -> dict[ImageKey, str]:
    """Return the photograph's name of each degraded image of one data set.

    With several variants `degrade.pair_key` ends each key with its own, as in
    ``a-v00002``; that ending is taken off. Where no image has a variant but 0 there is one
    version of each, and a photograph may be called ``a-v00000``.
    """
    known = list(keys)
    if not any(variant for _, variant in known):
        return {key: key[0] for key in known}
    return {key: key[0].removesuffix(f"-v{key[1]:05d}") for key in known}


def per_photograph(
    values: Mapping[ImageKey, float], names: Mapping[ImageKey, str]
) -> dict[str, float]:
    """Return the mean over the versions of each photograph, by name, sorted.

    Parameters
    ----------
    values
        A value for some of the degraded images.
    names
        From `photographs`, of all images of the data set.
    """
    grouped: dict[str, list[float]] = {}
    for key in sorted(values):
        grouped.setdefault(names[key], []).append(values[key])
    return {name: sum(grouped[name]) / len(grouped[name]) for name in sorted(grouped)}


def numbered(keys: Iterable[ImageKey]) -> NDArray[np.intp]:
    """Return a number for each image in the order given, equal for one photograph."""
    known = list(keys)
    names = photographs(known)
    order = {name: number for number, name in enumerate(sorted(set(names.values())))}
    return np.array([order[names[key]] for key in known], np.intp)

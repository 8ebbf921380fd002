"""Where a restorer stands in a column: how many are better beyond chance, and its letters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.stats.significance import Grouping

__all__ = ["Place", "PlaceKey", "places_of"]

PlaceKey = tuple[str, str, str]
"""``(dataset, recipe, metric)``."""


@dataclass(frozen=True, slots=True)
class Place:
    """One restorer in one column.

    Attributes
    ----------
    rank
        One more than the restorers that stand above it and can be told apart from it, so those
        that cannot be told apart from the best share the first place.
    letters
        Of its groups, see `bench.stats.significance.Grouping`.
    """

    rank: int
    letters: str


def places_of(groups: Sequence[Grouping]) -> dict[PlaceKey, Mapping[str, Place]]:
    """Return restorer to place for each column; a column without letters has no places."""
    return {(each.dataset, each.recipe, each.metric): _places(each.letters) for each in groups}


def _places(letters: Mapping[str, str]) -> dict[str, Place]:
    """Return the places of restorers that are listed with the best mean first."""
    groups = {name: frozenset(re.findall(r"[a-z]\d*", told)) for name, told in letters.items()}
    found: dict[str, Place] = {}
    above: list[frozenset[str]] = []
    for name, own in groups.items():
        found[name] = Place(1 + sum(not own & other for other in above), letters[name])
        above.append(own)
    return found

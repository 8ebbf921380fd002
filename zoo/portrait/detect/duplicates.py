"""One face, one detection: which of several boxes on the same face to keep."""

from __future__ import annotations

from collections.abc import Iterable

from zoo.portrait.face import Face

__all__ = ["remove_duplicates"]

_LARGEST_OVERLAP = 0.4
"""Intersection over union from which two boxes are one face."""

_LARGEST_CONTAINMENT = 0.7
"""Share of the smaller box inside the larger from which the two are one face: a detector that
takes an eye for a face finds it inside the face."""


def remove_duplicates(faces: Iterable[Face]) -> tuple[Face, ...]:
    """Return the faces without repeats, the most confident first.

    Of boxes that overlap by more than 0.4 of their union, or of which the smaller lies with
    more than 0.7 of its area inside the larger, the one with the higher score stays; among
    equal scores the larger.
    """
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: (-face.score, -face.area, face.box)):
        if not any(_same(face, other) for other in kept):
            kept.append(face)
    return tuple(kept)


def _same(one: Face, other: Face) -> bool:
    left, top = max(one.box[0], other.box[0]), max(one.box[1], other.box[1])
    right, bottom = min(one.box[2], other.box[2]), min(one.box[3], other.box[3])
    shared = max(0.0, right - left) * max(0.0, bottom - top)
    smaller, union = min(one.area, other.area), one.area + other.area - shared
    if smaller == 0:
        return shared > 0
    return shared > _LARGEST_OVERLAP * union or shared > _LARGEST_CONTAINMENT * smaller

"""Faces from frame to frame: which is which, where one was missed, and landmarks that do not shake.

Knows nothing of pixels but where one scene ends and the next begins.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from zoo.portrait.face import Face
from zoo.restorer import Image
from zoo.video.clip_reader import ClipFrame

__all__ = ["OneEuroFilter", "TrackedFrame", "follow", "intersection_over_union"]

_GAP = 4
"""Frames in a row in which a face may be missed by the detector and is still the same face."""
_LEAST_OVERLAP = 0.3
"""Intersection over union of the boxes of one face in two frames."""
_CUT = 25.0
"""Mean absolute difference, in levels, of two frames' thumbnails at which a new scene begins."""
_THUMBNAIL = (48, 27)
_MIN_CUTOFF, _BETA, _SPEED_CUTOFF = 1.0, 6.0, 1.0
"""Of the One Euro filter: hertz, hertz per (face width a second), hertz. A still face is averaged
over about 0.16 s; the crop of a moving one lags by 1 / (2 π 6) = 2.7 % of its width at most."""


@dataclass(slots=True, eq=False)
class TrackedFrame:
    """A frame and the faces in it."""

    frame: ClipFrame
    cut: bool  # whether a new scene begins with it
    faces: list[Face] = field(default_factory=list)
    # The number of each face's track: the same face has the same number in all frames of a scene
    tracks: list[int] = field(default_factory=list)


class OneEuroFilter:
    """The One Euro filter over a vector: smooth where it rests, prompt where it moves.

    G. Casiez, N. Roussel, D. Vogel, "1€ Filter: A Simple Speed-based Low-pass Filter for Noisy
    Input in Interactive Systems", CHI 2012. One speed, the root mean square over the vector,
    sets the cutoff of all its values, so that the shape of a face does not change.

    Parameters
    ----------
    min_cutoff
        Hertz, for what rests.
    beta
        Hertz for each unit of speed, which is in scales a second.
    speed_cutoff
        Hertz, for the speed itself.
    """

    def __init__(
        self,
        min_cutoff: float = _MIN_CUTOFF,
        beta: float = _BETA,
        speed_cutoff: float = _SPEED_CUTOFF,
    ) -> None:
        self._min_cutoff, self._beta, self._speed_cutoff = min_cutoff, beta, speed_cutoff
        self._time = 0.0
        self._values: NDArray[np.float64] | None = None
        self._speed: Any = 0.0

    def __call__(
        self, values: NDArray[np.float64], time: float, scale: float
    ) -> NDArray[np.float64]:
        """Return the filtered values.

        Parameters
        ----------
        values
            float64 (n,).
        time
            Seconds; later than in the call before.
        scale
            What a speed is measured in, such as the width of a face.
        """
        if self._values is None:
            self._values, self._time = values, time
            return values
        step = max(time - self._time, 1e-6)
        self._time = time
        speed = (values - self._values) / step
        self._speed = self._speed + _share(self._speed_cutoff, step) * (speed - self._speed)
        pace = math.sqrt(np.mean(np.square(self._speed))) / scale
        share = _share(self._min_cutoff + self._beta * pace, step)
        self._values = self._values + share * (values - self._values)
        return self._values


def _share(cutoff: float, step: float) -> float:
    """Return what of a new value a low-pass of that cutoff takes."""
    return 1.0 / (1.0 + 1.0 / (2.0 * math.pi * cutoff * step))


def follow(
    frames: Iterable[ClipFrame],
    detect: Callable[[Image], Sequence[Face]],
    time_base: float,
    *,
    smooth: bool = True,
) -> Iterator[TrackedFrame]:
    """Yield every frame with its faces, followed through the clip.

    A face that the detector misses in up to 4 frames, between two in which it is found, is put
    where it must have been; to know that, the frames that are yielded lag behind the frames that
    are read by 4. A new scene ends all tracks.

    Parameters
    ----------
    detect
        A frame to the faces in it.
    time_base
        Seconds in a unit of the frames' times.
    smooth
        Whether landmarks and boxes are smoothed by `OneEuroFilter`; else they are as detected.
    """
    waiting: deque[TrackedFrame] = deque()
    matcher = _Matcher()
    filters: dict[int, OneEuroFilter] = {}
    before: NDArray[np.float32] | None = None
    for frame in frames:
        thumbnail = cv2.resize(frame.pixels, _THUMBNAIL, interpolation=cv2.INTER_AREA)
        levels = np.asarray(thumbnail, np.float32)
        cut = before is not None and float(np.abs(levels - before).mean()) > _CUT
        before = levels
        tracked = TrackedFrame(frame, cut)
        matcher.add(tracked, detect(frame.pixels), waiting)
        waiting.append(tracked)
        if len(waiting) > _GAP:
            yield _smoothed(waiting.popleft(), filters, time_base, smooth)
    for tracked in waiting:
        yield _smoothed(tracked, filters, time_base, smooth)


class _Matcher:
    """Gives faces their tracks."""

    def __init__(self) -> None:
        self._index = -1  # of the frame that was added last
        self._count = 0  # tracks so far
        self._open: dict[int, tuple[int, Face]] = {}  # track to when it was last seen, and how

    def add(
        self, tracked: TrackedFrame, faces: Sequence[Face], waiting: Sequence[TrackedFrame]
    ) -> None:
        """Give the faces of the next frame their tracks, and fill the gaps in the frames before."""
        self._index += 1
        if tracked.cut:
            self._open.clear()
        for track, (seen, _) in [*self._open.items()]:
            if self._index - seen > _GAP + 1:
                del self._open[track]
        tracked.faces = list(faces)
        tracked.tracks = self._matched(faces)
        for track, face in zip(tracked.tracks, faces, strict=True):
            if track in self._open:
                seen, earlier = self._open[track]
                _fill(track, earlier, face, [*waiting][len(waiting) - (self._index - seen - 1) :])
            self._open[track] = self._index, face

    def _matched(self, faces: Sequence[Face]) -> list[int]:
        """Return a track for each face: pairs of the greatest overlap first, then new ones."""
        pairs = [
            (intersection_over_union(face.box, earlier.box), -place, track)
            for place, face in enumerate(faces)
            for track, (_, earlier) in self._open.items()
            if face.scheme == earlier.scheme
        ]
        tracks: dict[int, int] = {}
        for overlap, place, track in sorted(pairs, reverse=True):
            if overlap >= _LEAST_OVERLAP and -place not in tracks and track not in tracks.values():
                tracks[-place] = track
        for place in range(len(faces)):
            if place not in tracks:
                tracks[place] = self._count
                self._count += 1
        return [tracks[place] for place in range(len(faces))]


def _fill(track: int, earlier: Face, later: Face, gap: Sequence[TrackedFrame]) -> None:
    """Put a face into the frames between two in which it was found, on straight lines."""
    for number, tracked in enumerate(gap, 1):
        share = number / (len(gap) + 1)
        values = (1 - share) * _values(earlier) + share * _values(later)
        tracked.faces.append(_with_values(earlier, values))
        tracked.tracks.append(track)


def _smoothed(
    tracked: TrackedFrame, filters: dict[int, OneEuroFilter], time_base: float, smooth: bool
) -> TrackedFrame:
    if not smooth:
        return tracked
    time = tracked.frame.pts * time_base
    for place, (face, track) in enumerate(zip(tracked.faces, tracked.tracks, strict=True)):
        euro = filters.setdefault(track, OneEuroFilter())
        tracked.faces[place] = _with_values(face, euro(_values(face), time, max(face.width, 1.0)))
    return tracked


def _values(face: Face) -> NDArray[np.float64]:
    return np.concatenate((face.box, face.landmarks.ravel()))


def _with_values(face: Face, values: NDArray[np.float64]) -> Face:
    left, top, right, bottom = (float(edge) for edge in values[:4])
    return replace(face, box=(left, top, right, bottom), landmarks=values[4:].reshape(-1, 2).copy())


def intersection_over_union(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the overlap of two boxes ``(left, top, right, bottom)``, 0 to 1."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, across) * max(0.0, down)
    whole = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return shared / (whole - shared) if whole > shared else 0.0

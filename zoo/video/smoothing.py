"""Restored faces averaged over time where nothing moves, and how much they flicker.

A network restores each frame for itself: of two frames that differ by noise it makes two faces.
Here the restored crop is averaged with those before it, pixel by pixel, as far as the crops that
were restored say that nothing moved. Crops are aligned by their landmarks, so they register.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from zoo.portrait.composite.feathering import face_region
from zoo.portrait.restore.batch import Attempt
from zoo.portrait.restore.crop import Prepared
from zoo.restorer import Image

__all__ = ["FaceSmoother", "Flicker"]

_MEMORY = 4.0
"""Frames that an average holds at most besides the newest; noise that is new in each frame then
flickers 1 / 6.7 as much (the differences of an autoregressive mean of weight 0.8)."""
_LIGHT = 1 / 8
"""Sigma, as a share of the crop's side, of the blur that leaves a changing light alone."""
_SCALES = ((1 / 64, 1.0, 6.0), (1 / 128, 2.0, 12.0))
"""At which movement is looked for: sigma of the blur as a share of the crop's side, and the least
and the greatest tolerance in levels. 2 pixels of 128 take 86 % of white noise away, 1 pixel 72 %;
the first leaves a moving lip or eyelid in a noisy clip, the second sliding texture in a clean
one."""
_TOLERANCE = 3.0
"""Times the noise that a blurred crop may change by until the average forgets all but exp(-1)."""
_STILL = 3.0
"""Levels of change at the first of the scales below which a pixel counts for the flicker."""


class Flicker:
    """How much a restored face changes from frame to frame where the clip does not.

    The mean, over pixels of the face that rest, frames and channels, of

        | (restored - restored before) - light(crop - crop before) |

    in 8-bit levels and aligned crop coordinates, where ``light`` is a blur of 1/8 of the crop's
    side. Of the input's own change only that of its light is taken off: its noise is left in,
    since a restorer that takes noise away has removed that change, and one that lets it through
    shows it. A pixel rests where the crop's change, blurred by 1/64 of the side and less that of
    its light, is below 3 levels.
    """

    def __init__(self) -> None:
        self._sum, self._weight = 0.0, 0

    @property
    def levels(self) -> float | None:
        """The mean so far; None before two frames of one face."""
        return self._sum / self._weight if self._weight else None

    def add(self, change: NDArray[np.float32], resting: NDArray[np.bool_]) -> None:
        """Count one step in time of one face.

        Parameters
        ----------
        change
            float32 (size, size, 3): restored minus restored before, less the change of the light.
        resting
            bool (size, size): the pixels that count.
        """
        self._sum += float(np.abs(change[resting]).sum())
        self._weight += 3 * int(resting.sum())


@dataclass(slots=True, eq=False)
class _Memory:
    """What is kept of a face: float32 (size, size, 3) each, but for ``count`` (size, size)."""

    crop: NDArray[np.float32]  # of the frame before
    attempt: NDArray[np.float32]  # as the restorer returned it there
    result: NDArray[np.float32]  # as it was handed on
    mean_crop: NDArray[np.float32]
    mean: NDArray[np.float32]  # of the restored faces, over the same frames as that of the crops
    count: NDArray[np.float32]  # frames in the means, less where something moved

    def resized(self, size: int) -> _Memory:
        if self.crop.shape[0] == size:
            return self
        names = ("crop", "attempt", "result", "mean_crop", "mean", "count")
        layers = (
            cv2.resize(getattr(self, name), (size, size), interpolation=cv2.INTER_CUBIC)
            for name in names
        )
        return _Memory(*(np.asarray(layer, np.float32) for layer in layers))


class FaceSmoother:
    """Averages restored faces over time; one for a clip, told of every frame in order.

    For each pixel the means M of the restored faces and C of their crops go on as

        M <- (count · (M + light) + restored) / (count + 1)
        C <- (count · (C + light) + crop) / (count + 1)

    where ``light`` is crop - C, blurred widely, and ``count`` the frames in the means, 4 at most,
    times exp(-(d / tolerance)²) with d the blurred rest of crop - C. So a light that changes is
    followed at once, and what moves is as the restorer made it. The crops are compared with the
    mean of all crops that count, not with the last: what creeps would else drag a shadow. The
    tolerance is three times the median of d over the flatter half of the crop: noise is there as
    everywhere, and movement is not to be seen.

    Attributes
    ----------
    before, after
        The flicker of the faces as restored, and as returned.
    """

    def __init__(self, *, smooth: bool = True) -> None:
        self.before, self.after = Flicker(), Flicker()
        self.smooth = smooth
        self._tracks: Sequence[int] = ()
        self._memories: dict[int, _Memory] = {}

    def begin(self, tracks: Sequence[int]) -> None:
        """Name the track of each face of the next frame; all that is not in it is forgotten."""
        self._tracks = tracks
        self._memories = {
            track: memory for track, memory in self._memories.items() if track in tracks
        }

    def __call__(self, faces: Sequence[Prepared], attempts: Sequence[Attempt]) -> list[Attempt]:
        """Return the attempts, averaged with those of the frames before."""
        return [self._next(face, attempt) for face, attempt in zip(faces, attempts, strict=True)]

    def _next(self, face: Prepared, attempt: Attempt) -> Attempt:
        track = self._tracks[face.number]
        if attempt.restored is None:
            self._memories.pop(track, None)
            return attempt
        crop = face.crop.astype(np.float32)
        restored = attempt.restored.astype(np.float32)
        memory = self._memories.get(track)
        if memory is None:
            count = np.ones(crop.shape[:2], np.float32)
            self._memories[track] = _Memory(crop, restored, restored, crop, restored, count)
            return attempt
        memory = memory.resized(crop.shape[0])
        result, self._memories[track] = _averaged(memory, crop, restored, self.smooth)
        change = crop - memory.crop
        light = _blurred(change, _LIGHT)
        resting = _motion(change, light, _SCALES[0][0]) < _STILL
        resting &= face_region(face.mask.probabilities) > 0.5
        self.before.add(restored - memory.attempt - light, resting)
        self.after.add(result.astype(np.float32) - memory.result - light, resting)
        return Attempt(result, "")


def _averaged(
    memory: _Memory, crop: NDArray[np.float32], restored: NDArray[np.float32], smooth: bool
) -> tuple[Image, _Memory]:
    """Return the averaged face, rounded, and what is kept of it."""
    change = crop - memory.mean_crop
    light = _blurred(change, _LIGHT)
    kept = np.minimum(memory.count, _MEMORY) * np.exp(-_movement(change, light, memory.mean_crop))
    if not smooth:
        kept = np.zeros_like(kept)
    weight = (kept / (kept + 1))[..., None]
    mean = restored + weight * (memory.mean + light - restored)
    mean_crop = crop + weight * (memory.mean_crop + light - crop)
    result = np.clip(np.rint(mean), 0, 255)
    kept_memory = _Memory(crop, restored, result, mean_crop, mean, kept + 1)
    return result.astype(np.uint8), kept_memory


def _movement(
    change: NDArray[np.float32], light: NDArray[np.float32], crop: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return how far a change is beyond noise, float32 (size, size): (change / tolerance)²."""
    steepness = np.hypot(*np.gradient(_blurred(crop.mean(axis=2), _SCALES[0][0])))
    flat = steepness <= np.median(steepness)
    ratios = []
    for sigma, least, most in _SCALES:
        motion = _motion(change, light, sigma)
        noise = float(np.median(motion[flat]))
        ratios.append(motion / np.float32(min(max(_TOLERANCE * noise, least), most)))
    return np.asarray(np.square(np.maximum(*ratios)), np.float32)


def _motion(
    change: NDArray[np.float32], light: NDArray[np.float32], sigma: float
) -> NDArray[np.float32]:
    """Return the greatest channel of a blurred change, less that of the light, (size, size)."""
    moved: NDArray[np.float32] = np.abs(_blurred(change, sigma) - light).max(axis=2)
    return moved


def _blurred(levels: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Blur by a Gaussian whose sigma is a share of the side."""
    sigma = max(share * levels.shape[0], 0.5)
    return np.asarray(cv2.GaussianBlur(levels, (0, 0), sigma), np.float32)

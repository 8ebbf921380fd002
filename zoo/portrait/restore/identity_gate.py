"""Hold a restorer back where it would make another person of a face.

The gate compares the face before and after by dlib's descriptor and, where they are too far
apart, keeps only a share of the change. It knows nothing of photos and restorers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from zoo.restorer import Image
from zoo.templates import template_points

__all__ = ["THRESHOLD", "GateVerdict", "IdentityGate", "at_sharpness_of", "load_identity_gate"]

THRESHOLD = 0.5
"""The farthest that the face after may be from the face before.

dlib calls two photographs one person within .6. Here one of two is degraded, and sharpness moves
the descriptor as features do; so the faces are compared at equal sharpness. Measured by
studies/measure_identity_gate.py on 40 portraits of members of the US Congress under five recipes
(kuaishou, psfrgan, gfpgan, gpen, codeformer-2; 200 faces, changed within a face mask): within .5
are 82 % of *perfect* restorations, the undegraded faces themselves (95, 88, 88, 85 and 55 % by
recipe), and 4.5 % of other people's faces. On 32 of the portraits, of limits that pass 5 % of the
strangers one at equal sharpness passes 86 % of the perfect ones and one for faces as they are 76 %;
of limits that pass none, 60 % and 66 %: the gain is in soft faces, the price a stranger in twenty.
"""

_EVALUATIONS = 6
"""Outputs that may be measured for one face."""
_WORKING_SIZE = 256
"""Crops that are larger are reduced to this before they are compared."""
_SIGMAS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0)
"""Blurs, in pixels of 256 a crop, that are tried to bring a face to another's sharpness."""

Describe = Callable[[Image, NDArray[np.float64]], NDArray[np.float64]]
"""A crop and five ``dlib5`` landmarks in it to a descriptor."""


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """What the gate let through."""

    share: float  # the share of the change that keeps the identity, 0 to 1
    # Between the descriptors of the face before and after at that share; 0 is the same
    distance: float
    whole_distance: float  # the same with the whole change
    evaluations: int  # outputs that were measured


class IdentityGate:
    """Measures and holds back; deterministic.

    Parameters
    ----------
    describe
        A crop and five landmarks in it to a descriptor, compared by Euclidean distance.
    threshold
        The greatest distance that passes.
    """

    def __init__(self, describe: Describe, threshold: float = THRESHOLD) -> None:
        self.threshold = threshold
        self._describe = describe

    def judge(self, crop: Image, change: NDArray[np.float32], template: str) -> GateVerdict:
        """Return the largest share of a change, among 6 tried by bisection, that passes.

        Parameters
        ----------
        crop
            uint8 (size, size, 3), the aligned face before.
        change
            float32 (size, size, 3), 8-bit levels, weighted and at the strength asked for.
        template
            Of the alignment; it says where the landmarks are.

        Notes
        -----
        Every share that is returned was measured, or is 0, which changes nothing: no order
        between share and distance is taken for granted.
        """
        if not change.any():
            return GateVerdict(1.0, 0.0, 0.0, 0)
        small, small_change = _reduced(crop), _reduced(change)
        landmarks = template_points(template, "dlib5", small.shape[0])
        before = _rounded(small)
        reference = self._describe(before, landmarks)

        def distance(share: float) -> float:
            after = _rounded(small + np.float32(share) * small_change)
            descriptor = self._describe(at_sharpness_of(before, after), landmarks)
            return float(np.linalg.norm(descriptor - reference))

        whole = distance(1.0)
        if whole <= self.threshold:
            return GateVerdict(1.0, whole, whole, 1)
        best, best_distance, beyond = 0.0, 0.0, 1.0
        for _ in range(_EVALUATIONS - 1):
            middle = (best + beyond) / 2
            middle_distance = distance(middle)
            if middle_distance <= self.threshold:
                best, best_distance = middle, middle_distance
            else:
                beyond = middle
        return GateVerdict(best, best_distance, whole, _EVALUATIONS)


def at_sharpness_of(before: Image, after: Image) -> Image:
    """Return ``after``, blurred as far as makes its face most like ``before``.

    Of the blurs in a ladder, and of none, the one of highest correlation in the middle of the
    crop, so that a face is not taken for another's because it is sharp now.

    Parameters
    ----------
    before, after
        uint8 (size, size, 3) aligned crops.
    """
    size = before.shape[0]
    middle = slice(size // 4, size - size // 4)
    standard = _standardised(before[middle, middle])
    best, best_match = after, _match(after[middle, middle], standard)
    for sigma in _SIGMAS:
        pixels = sigma * size / _WORKING_SIZE
        blurred = np.asarray(
            cv2.GaussianBlur(after, (0, 0), pixels, borderType=cv2.BORDER_REFLECT), np.uint8
        )
        match = _match(blurred[middle, middle], standard)
        if match > best_match + 1e-9:
            best, best_match = blurred, match
    return best


def load_identity_gate(threshold: float = THRESHOLD) -> IdentityGate:
    """Return the gate with dlib's descriptor loaded.

    Raises
    ------
    DependencyError, WeightsRefused, WeightsMissing
        As `zoo.networks.faces.dlib_models.load_dlib_models`; ImportError without dlib.
    """
    from zoo.networks.faces.dlib_models import DlibFace, load_dlib_models

    models = load_dlib_models()

    def describe(crop: Image, landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
        side = crop.shape[0]
        return models.describe(crop, DlibFace((0, 0, side, side), np.rint(landmarks), 0.0))

    return IdentityGate(describe, threshold)


def _reduced(crop: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
    small = crop.astype(np.float32)
    if crop.shape[0] <= _WORKING_SIZE:
        return small
    side = (_WORKING_SIZE, _WORKING_SIZE)
    return np.asarray(cv2.resize(small, side, interpolation=cv2.INTER_AREA), np.float32)


def _rounded(levels: NDArray[np.float32]) -> Image:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _standardised(levels: Image) -> NDArray[np.float64]:
    """Return the levels less their mean, over their norm; zeros where there is no contrast."""
    centred: NDArray[np.float64] = levels.astype(np.float64) - levels.mean()
    norm = float(np.linalg.norm(centred))
    return np.asarray(centred / norm) if norm > 0 else centred


def _match(levels: Image, standard: NDArray[np.float64]) -> float:
    """Return the correlation of the levels with ``wanted``."""
    return float(np.sum(_standardised(levels) * standard))

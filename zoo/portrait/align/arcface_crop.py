"""The crop that ArcFace networks look at, cut out of an aligned face without a detector.

Where the five landmarks lie in an aligned crop is known from its template, so the similarity to
ArcFace's own template is one matrix for all faces. Geometry only; pixels are moved by
`zoo.portrait.align.warping`.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from zoo.portrait.align.alignment import Alignment
from zoo.templates import template_points

__all__ = ["arcface_alignment", "arcface_box", "arcface_crop"]

# insightface, python-package/insightface/utils/face_align.py, `arcface_dst`: pixels of a 112 crop.
_ARCFACE_112 = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)


@functools.lru_cache(maxsize=64)
def arcface_alignment(template: str, size: int, side: int = 112) -> Alignment:
    """Return how ArcFace's crop lies in an aligned crop.

    Least squares over scale and shift between the two templates' five points; they are turned
    against each other by less than 0.1°, which is left out, so the crop is an upright box.

    Parameters
    ----------
    template
        How the face is aligned, one of `zoo.templates.TEMPLATES`.
    size
        Side of the aligned crop in pixels.
    side
        Side of ArcFace's crop in pixels; its template scales with it.

    Raises
    ------
    ImageError
        A template of another name.
    """
    own_landmarks = template_points(template, "eyes-nose-mouth", size)
    arcface_landmarks = (np.array(_ARCFACE_112) + 0.5) / 112 * side - 0.5
    offset, target = (
        own_landmarks - own_landmarks.mean(axis=0),
        arcface_landmarks - arcface_landmarks.mean(axis=0),
    )
    scale = float((offset * target).sum() / np.square(offset).sum())
    shift = arcface_landmarks.mean(axis=0) - scale * own_landmarks.mean(axis=0)
    matrix = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    apart = scale * own_landmarks + shift - arcface_landmarks
    residual = float(np.sqrt(np.square(apart).sum(axis=1).mean()))
    matrix.setflags(write=False)
    return Alignment(matrix, side, template, residual)


def arcface_box(template: str) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of ArcFace's crop as shares of the aligned crop's side.

    Of ``ffhq`` it lies inside, (.124, .117, .873, .866); of ``tight`` it reaches beyond the top
    and the sides: (-.101, -.282, 1.097, .916).
    """
    alignment = arcface_alignment(template, 1)
    # A crop of one pixel has its centre at 0, which is 0.5 of its side.
    left, top = ((-0.5 - alignment.matrix[:, 2]) / alignment.scale + 0.5).tolist()
    right, bottom = (
        (alignment.size - 0.5 - alignment.matrix[:, 2]) / alignment.scale + 0.5
    ).tolist()
    return left, top, right, bottom


def arcface_crop(image: NDArray[np.uint8], template: str, side: int = 112) -> NDArray[np.float32]:
    """Return what an ArcFace network is to see of an aligned face.

    Parameters
    ----------
    image
        uint8 (size, size, 3) RGB, aligned.
    template
        How: ``ffhq`` or ``tight``.
    side
        Of the result in pixels.

    Returns
    -------
    NDArray
        float32 (side, side, 3) RGB, 0 to 255, antialiased. Beyond the image's border it
        continues mirrored: with ``tight`` a fifth of the crop's height, forehead and hair, is
        such a guess, the same guess for both images of a pair.
    """
    from zoo.portrait.align.warping import extract

    alignment = arcface_alignment(template, image.shape[0], side)
    return np.clip(extract(image, alignment), 0, 255)

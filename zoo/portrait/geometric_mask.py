"""The mask that 68 landmarks and the colours around them tell.

Brows, eyes, nose, lips and mouth are polygons through the landmarks. Skin, hair, neck, cloth, ears
and background are told apart by colour: where each is expected comes from the landmarks and the
template's shapes, and `zoo.portrait.colour_regions` decides.

What it cannot tell: glasses, hats, earrings and necklaces are never marked (glasses are skin, brow
and eye; a hat is hair or background). Ears are guessed from place and colour. Hair of the
background's colour, neck of the cloth's and a beard (skin, as CelebAMask-HQ has it) rest on the
place alone, and in a grey picture more does.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from zoo.licences import is_accepted
from zoo.portrait.colour_regions import colour_regions
from zoo.portrait.labels import LABELS, place
from zoo.portrait.landmark_regions import landmark_regions
from zoo.portrait.mask_confidence import mask_confidence
from zoo.portrait.parsing import FaceMask, Parser
from zoo.portrait.template_mask import ANCHORS, draw_template
from zoo.portrait.template_parser import TemplateParser
from zoo.restorer import Image

__all__ = ["GeometricParser", "geometric_mask", "load_geometric_parser"]

_WORKED = 256
"""Largest side at which a crop is parsed; larger ones are shrunk and their masks enlarged."""
_AROUND = ("background", "l_ear", "r_ear", "hair", "neck", "cloth")
_KIN = {1 + _AROUND.index(name): 0 for name in ("l_ear", "r_ear", "neck")}
"""They look like skin, which comes before `_AROUND`."""
_FEATURES = [
    place(name)
    for name in ("nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip")
]
_ANYTHING = 0.4
"""How far the places of the mean face are mistrusted: long hair, a hand, a turned head."""
_JAW_BLUR, _FOREHEAD_BLUR = 0.012, 0.06
"""Standard deviations of the skin's contour, shares of the crop's side: landmarks follow the jaw,
the hairline is extrapolated."""
_SURE_SKIN, _SURE_FOREHEAD = 0.98, 0.88
"""The most that is believed of skin before its colour is seen, below and above the brows."""


class GeometricParser:
    """Parses crops by landmarks and colours.

    Parameters
    ----------
    template
        ``ffhq`` or ``tight``: how crops are aligned.

    Raises
    ------
    DependencyError, WeightsRefused
        The 68-point model is not on this machine, or is not the published one.
    """

    name = "geometric"

    def __init__(self, template: str = "ffhq") -> None:
        from zoo.portrait.landmarks68 import CropLandmarkFinder

        self._finder = CropLandmarkFinder(template)

    def parse(self, crop: Image, landmarks68: NDArray[np.float64] | None = None) -> FaceMask:
        """Return the mask of an aligned crop; landmarks that are not given are found."""
        size = crop.shape[0]
        scale = min(size, _WORKED) / size
        small = crop
        if scale < 1:
            small = _at(crop, _WORKED)
        points = None if landmarks68 is None else (landmarks68 + 0.5) * scale - 0.5
        mask = geometric_mask(small, self.landmarks(small) if points is None else points)
        confidence = mask_confidence(small, mask)
        if scale < 1:
            mask = np.stack([cv2.resize(layer, (size, size)) for layer in mask])
        return FaceMask(mask, confidence, self.name)

    def landmarks(self, crop: Image) -> NDArray[np.float64]:
        """Return the 68 landmarks in pixels of the crop, ``(68, 2)``.

        They are looked for at 256 pixels: dlib rounds them to whole ones.
        """
        size = crop.shape[0]
        found = self._finder.find(_at(crop, _WORKED))
        return np.asarray((found + 0.5) * (size / _WORKED) - 0.5, np.float64)


def load_geometric_parser(template: str = "ffhq") -> Parser:
    """Return the geometric parser, or the template's with a note where consent is missing."""
    if not is_accepted("ibug-68"):
        return TemplateParser(
            template,
            note="masked by the template: the geometric mask needs --accept-licence ibug-68",
        )
    return GeometricParser(template)


def geometric_mask(image: Image, landmarks: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the mask of one face, ``(19, size, size)`` float32, summing to 1.

    Parameters
    ----------
    image
        uint8 (size, size, 3), RGB, the face upright.
    landmarks
        ``(68, 2)`` ``(x, y)`` pixels of the image.
    """
    size = image.shape[0]
    drawn = landmark_regions(landmarks, size)
    face, features = drawn.sum(axis=0), drawn[_FEATURES].sum(axis=0)
    skin = _expected_skin(face, landmarks)
    layers = (skin[None], (1.0 - skin) * _expected_around(landmarks, size, face))
    rest = (1.0 - features) * np.concatenate(layers)
    # The features take part so that skin does not learn the colours of eyes and brows.
    belief = colour_regions(image, np.concatenate((rest, features[None])), _KIN)[:-1]
    belief += np.float32(1e-4) * rest  # the guided filter may leave a pixel to nobody
    belief /= np.maximum(belief.sum(axis=0), np.float32(1e-9))
    mask = np.zeros((len(LABELS), size, size), np.float32)
    mask[[place(name) for name in ("skin", *_AROUND)]] = (1.0 - features) * belief
    mask[_FEATURES] = drawn[_FEATURES]
    return mask


def _expected_skin(
    face: NDArray[np.float32], landmarks: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return where skin is expected, the face's outline given; float32 (size, size)."""
    size = face.shape[0]
    jaw = cv2.GaussianBlur(face, (0, 0), _JAW_BLUR * size)
    forehead = cv2.GaussianBlur(face, (0, 0), _FOREHEAD_BLUR * size)
    brows, eyes = landmarks[17:27, 1].mean(), landmarks[36:48, 1].mean()
    below = _ramp(size, brows, eyes)
    skin = _SURE_SKIN * below * jaw + _SURE_FOREHEAD * (1.0 - below) * forehead
    return np.asarray(skin, np.float32)


def _expected_around(
    landmarks: NDArray[np.float64], size: int, face: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return where the regions around the face are expected, (6, size, size), summing to 1."""
    drawn = draw_template(_placed(landmarks), size, _AROUND)
    expected = drawn[[place(name) for name in _AROUND]]
    anything = np.zeros_like(expected)
    low = _ramp(size, landmarks[33, 1], landmarks[8, 1])
    hair, neck, cloth = (_AROUND.index(name) for name in ("hair", "neck", "cloth"))
    anything[_AROUND.index("background")] = anything[hair] = 0.5 - 0.25 * low
    anything[neck] = anything[cloth] = 0.25 * low
    expected = (1.0 - _ANYTHING) * expected + _ANYTHING * anything
    expected[hair] *= 1.0 - low * face
    return np.asarray(expected / expected.sum(axis=0), np.float32)


def _at(crop: Image, side: int) -> Image:
    """Return the crop at another size."""
    way = cv2.INTER_AREA if crop.shape[0] > side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (side, side), interpolation=way), np.uint8)


def _placed(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the affine map from the template's unit coordinates to the image, least squares."""
    eyes = landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)
    found = np.stack(
        (landmarks[0], landmarks[16], landmarks[8], *eyes, landmarks[33], landmarks[48],
         landmarks[54])
    )  # fmt: skip
    known = np.column_stack((ANCHORS, np.ones(len(ANCHORS))))
    solution, *_ = np.linalg.lstsq(known, found, rcond=None)
    return np.asarray(solution.T, np.float64)


def _ramp(size: int, top: float, bottom: float) -> NDArray[np.float32]:
    """Return a column, float32 (size, 1): 0 above ``top``, 1 below ``bottom``."""
    rows = np.arange(size, dtype=np.float32)[:, None]
    return np.asarray(np.clip((rows - top) / max(bottom - top, 1.0), 0.0, 1.0), np.float32)

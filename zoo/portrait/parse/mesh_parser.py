"""The mask that the face mesh and the colours around it tell.

Brows, eyes, nose, lips and mouth are polygons through the mesh's landmarks. Skin, hair, neck,
cloth, ears and background are told apart by colour: where each is expected comes from the mesh and
the template's shapes, and `zoo.portrait.parse.colour_regions` decides.

What it cannot tell: glasses, hats, earrings and necklaces are never marked (glasses are skin, brow
and eye; a hat is hair or background). Dark lines on bridge and cheeks were tried for glasses and
are too weak: of 12 faces that they marked among 120 sharp ones, 5 wore some, and many of the
others were old or dark.
Hair of the background's colour, neck of the cloth's and a beard below the chin rest on the place
alone, and in a grey picture more does.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from zoo.labels import LABELS, label_index
from zoo.mean_mask import draw_template
from zoo.portrait.parse.colour_regions import colour_regions
from zoo.portrait.parse.face_mesh import FaceMeshNetwork, mean_mesh
from zoo.portrait.parse.mask_confidence import mask_confidence
from zoo.portrait.parse.mesh_regions import mesh_regions
from zoo.portrait.parse.parsing import FaceMask, Parser
from zoo.portrait.parse.template_parser import TemplateParser
from zoo.restorer import Image
from zoo.weights.files import is_present, known_weights

__all__ = ["MeshParser", "load_mesh_parser", "mesh_mask"]

_WORKED = 256
"""Largest side at which a crop is parsed; larger ones are shrunk and their masks enlarged."""
_AROUND = ("background", "l_ear", "r_ear", "hair", "neck", "cloth")
_KIN = {1 + _AROUND.index(name): 0 for name in ("l_ear", "r_ear", "neck")}
"""They look like skin, which comes before `_AROUND`."""
_FEATURES = [
    label_index(name)
    for name in ("nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip")
]
_ANYTHING = 0.4
"""How far the places of the mean face are mistrusted: long hair, a hand, a turned head."""
_JAW_BLUR, _FOREHEAD_BLUR = 0.012, 0.06
"""Standard deviations of the skin's contour, shares of the crop's side: landmarks follow the jaw,
the hairline is extrapolated."""
_SURE_SKIN, _SURE_FOREHEAD = 0.98, 0.88
"""The most that is believed of skin before its colour is seen, below and above the brows."""
_BESIDE, _BESIDE_BLUR = 0.5, 0.04
"""Cheek that a turned head shows beyond the mesh: how likely, and how far out."""
_BALD = 0.25
"""How likely skin is where the template has hair."""
_WITHIN = 0.03
"""How far within the outline of the face there is no background, a share of the crop's side."""
_SHOULDERS = 0.35
"""How likely cloth is at the height of the chin and below, beside the neck."""
_LONG_HAIR = 0.35
"""How likely hair is beside face and neck."""
_EAR, _EAR_OUT, _EAR_RADII = 0.5, 0.1, (0.35, 0.75)
"""How likely an ear is in its place, how far out its centre lies and its radii; lengths in heights
of the face's edge from eye to nose."""
_TEMPLES = ((127, 234, 93), (356, 454, 323))
"""The face's edge beside the ears, from eye to nose, on the image's left and right."""
_BROWS = (70, 63, 105, 66, 107, 300, 293, 334, 296, 336)
_EYES = (33, 133, 362, 263)
_NOSE_BASE, _CHIN = 2, 152


class MeshParser:
    """Parses crops by the face mesh and colours; picklable.

    Parameters
    ----------
    network
        The face mesh, for the template that crops are aligned to.
    """

    name = "mesh"

    def __init__(self, network: FaceMeshNetwork) -> None:
        self._network = network

    def parse(self, crop: Image) -> FaceMask:
        """Return the mask of an aligned crop, uint8 (size, size, 3) RGB."""
        size = crop.shape[0]
        small = crop
        if size > _WORKED:
            side = (_WORKED, _WORKED)
            small = np.asarray(cv2.resize(crop, side, interpolation=cv2.INTER_AREA), np.uint8)
        mask = mesh_mask(small, self._network.predict(small).points)
        confidence = mask_confidence(small, mask)
        if size > _WORKED:
            mask = np.stack([cv2.resize(layer, (size, size)) for layer in mask])
        return FaceMask(mask, confidence, self.name)


def load_mesh_parser(template: str = "ffhq") -> Parser:
    """Return the mesh's parser, or the template's with a note where its weights are not here.

    Raises
    ------
    ImageError
        A template of another name.
    WeightsRefused
        The weights are here, but are not the published ones.
    """
    if not is_present(known_weights("face-mesh")):
        return TemplateParser(
            template, note="masked by the template: run `zoo fetch face-mesh` for a mask of its own"
        )
    return MeshParser(FaceMeshNetwork.published(template, offline=True))


def mesh_mask(image: Image, points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the mask of one face, ``(19, size, size)`` float32, summing to 1.

    Parameters
    ----------
    image
        uint8 (size, size, 3), RGB, the face upright.
    points
        ``(468, 2)`` ``(x, y)`` pixels of the image, the face mesh.
    """
    size = image.shape[0]
    regions = mesh_regions(points, size)
    face, features = regions.sum(axis=0), regions[_FEATURES].sum(axis=0)
    around = draw_template(_placed(points), size, _AROUND)
    skin = _expected_skin(face, around[label_index("hair")], points)
    layers = (skin[None], (1.0 - skin) * _expected_around(points, around, face))
    rest = (1.0 - features) * np.concatenate(layers)
    # The features take part so that skin does not learn the colours of eyes and brows.
    belief = colour_regions(image, np.concatenate((rest, features[None])), _KIN)[:-1]
    belief += np.float32(1e-4) * rest  # the guided filter may leave a pixel to nobody
    belief /= np.maximum(belief.sum(axis=0), np.float32(1e-9))
    mask = np.zeros((len(LABELS), size, size), np.float32)
    mask[[label_index(name) for name in ("skin", *_AROUND)]] = (1.0 - features) * belief
    mask[_FEATURES] = regions[_FEATURES]
    return mask


def _expected_skin(
    face: NDArray[np.float32], head: NDArray[np.float32], points: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return where skin is expected, the outlines of face and head given; float32 (size, size)."""
    size = face.shape[0]
    jaw = cv2.GaussianBlur(face, (0, 0), _JAW_BLUR * size)
    forehead = cv2.GaussianBlur(face, (0, 0), _FOREHEAD_BLUR * size)
    beside = cv2.GaussianBlur(face, (0, 0), _BESIDE_BLUR * size)
    below = _ramp(size, points[list(_BROWS), 1].mean(), points[list(_EYES), 1].mean())
    low = np.maximum(_SURE_SKIN * jaw, _BESIDE * beside)
    high = np.maximum(_SURE_FOREHEAD * forehead, _BALD * head)
    return np.asarray(below * low + (1.0 - below) * high, np.float32)


def _expected_around(
    points: NDArray[np.float64], regions: NDArray[np.float32], face: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return where the regions around the face are expected, (6, size, size), summing to 1."""
    size = face.shape[0]
    expected = regions[[label_index(name) for name in _AROUND]]
    anything = np.zeros_like(expected)
    low = _ramp(size, points[_NOSE_BASE, 1], points[_CHIN, 1])
    hair, neck, cloth = (_AROUND.index(name) for name in ("hair", "neck", "cloth"))
    anything[_AROUND.index("background")] = anything[hair] = 0.5 - 0.25 * low
    anything[neck] = anything[cloth] = 0.25 * low
    expected = (1.0 - _ANYTHING) * expected + _ANYTHING * anything
    for side, outline in zip("lr", _TEMPLES, strict=True):
        ear = _AROUND.index(f"{side}_ear")
        likely = _expected_ear(points, outline, size)
        expected = (1.0 - likely) * expected
        expected[ear] += likely
    shoulders = _SHOULDERS * np.square(low) * (1.0 - expected[neck]) * (1.0 - face)
    expected = (1.0 - shoulders) * expected
    expected[cloth] += shoulders
    likely = (
        _LONG_HAIR * _beside_head(points, size) * (1.0 - expected[neck] - 0.7 * expected[cloth])
    )
    expected = (1.0 - likely) * expected
    expected[hair] += likely
    brows, eyes = points[list(_BROWS), 1].mean(), points[list(_EYES), 1].mean()
    expected[hair] *= 1.0 - _ramp(size, 1.5 * brows - 0.5 * eyes, brows) * face
    # A highlight may have the background's colour, but nothing is seen through a face.
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(_WITHIN * size) + 1,) * 2)
    expected[_AROUND.index("background")] *= 1.0 - cv2.erode(face, kernel)
    return np.asarray(expected / np.maximum(expected.sum(axis=0), 1e-9), np.float32)


def _beside_head(points: NDArray[np.float64], size: int) -> NDArray[np.float32]:
    """Return where long hair falls, float32 (size, size): a soft superellipse around the head."""
    matrix = np.linalg.inv(np.vstack((_placed(points), (0.0, 0.0, 1.0))))[:2]
    rows, columns = np.ogrid[:size, :size]
    x, y = (row[0] * columns + row[1] * rows + row[2] for row in matrix.astype(np.float32))
    across, down = np.square((x - 0.5) / 0.40), np.square((y - 0.65) / 0.60)
    return np.asarray(1.0 / (1.0 + np.square(across * across + down * down)), np.float32)


def _expected_ear(
    points: NDArray[np.float64], outline: tuple[int, ...], size: int
) -> NDArray[np.float32]:
    """Return where an ear is expected, float32 (size, size): outwards of the face's edge."""
    edge, middle = points[list(outline)].mean(axis=0), points[list(_EYES)].mean(axis=0)
    height = float(np.linalg.norm(points[outline[0]] - points[outline[-1]]))
    out = edge - middle
    # The face's far side is seen edge on, and its ear is hidden behind it.
    ear_size = float(np.linalg.norm(out)) / max(_both_widths(points), 1e-9)
    out = out / max(float(np.linalg.norm(out)), 1e-9)
    rows, columns = np.ogrid[:size, :size]
    centre = edge + _EAR_OUT * height * out
    across = (columns - centre[0]) / (_EAR_RADII[0] * height)
    down = (rows - centre[1]) / (_EAR_RADII[1] * height)
    likely = np.exp(-np.square(np.square(across) + np.square(down)) / 2)
    return np.asarray(_EAR * min(max(4 * ear_size - 0.8, 0.0), 1.0) * likely, np.float32)


def _both_widths(points: NDArray[np.float64]) -> float:
    sides = [points[list(outline)].mean(axis=0) for outline in _TEMPLES]
    return float(np.linalg.norm(sides[1] - sides[0]))


def _placed(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the affine map from the template's unit coordinates to the image, least squares."""
    known = np.column_stack((mean_mesh(), np.ones(len(points))))
    solution, *_ = np.linalg.lstsq(known, points, rcond=None)
    return np.asarray(solution.T, np.float64)


def _ramp(size: int, top: float, bottom: float) -> NDArray[np.float32]:
    """Return a column, float32 (size, 1): 0 above ``top``, 1 below ``bottom``."""
    rows = np.arange(size, dtype=np.float32)[:, None]
    return np.asarray(np.clip((rows - top) / max(bottom - top, 1.0), 0.0, 1.0), np.float32)

"""Stand-ins for the stages of the portrait pipeline, for tests of the others."""

import numpy as np

from zoo.portrait.align.alignment import Alignment, align
from zoo.portrait.face import Face, Pose
from zoo.portrait.parse.parsing import LABELS, FaceMask
from zoo.restorer import Card
from zoo.templates import template_points

FACE_SHARE = 0.54
"""Width of a face as a share of the FFHQ crop; that of `EllipseParser`'s skin."""


def card(size=None, blind=True, name="stand-in", kind="network"):
    return Card(name, kind, "A test's.", "MIT", "none", "none", size, "nothing", (), "", blind, "")


class Restorer:
    """Applies a function to each crop; remembers what it was given."""

    def __init__(self, function, size=None, *, blind=True, kind="network"):
        self.function, self.calls = function, []
        self.card = card(None if size is None else (size, size), blind, kind=kind)

    def restore(self, faces, masks=None, plans=None):
        self.calls.append((faces, masks, plans))
        return [self.function(face) for face in faces]


class EllipseParser:
    """Skin in an ellipse where the FFHQ template has the face, background elsewhere."""

    name = "ellipse"

    def parse(self, crop):
        size = crop.shape[0]
        y, x = (np.mgrid[:size, :size] + 0.5) / size
        radius = np.hypot((x - 0.5) / (FACE_SHARE / 2), (y - 0.56) / 0.36)
        probabilities = np.zeros((len(LABELS), size, size), np.float32)
        probabilities[LABELS.index("skin")] = np.clip((1.05 - radius) / 0.1, 0, 1)
        probabilities[0] = 1 - probabilities[LABELS.index("skin")]
        return FaceMask(probabilities, 1.0, "ellipse")


class FixedDetector:
    """Finds the faces it was made with, in the order it was given them."""

    name = "fixed"

    def __init__(self, *faces):
        self._faces = faces

    def detect(self, image):
        return self._faces


def face_at(x, y, width, angle=0.0, score=1.0):
    """Return a face whose FFHQ crop is centred at (x, y), turned by ``angle`` radians."""
    side = width / FACE_SHARE
    cos, sin = np.cos(angle), np.sin(angle)
    offsets = (template_points("ffhq", "dlib5", 1000) + 0.5) / 1000 - 0.5
    landmarks = offsets @ np.array([[cos, sin], [-sin, cos]]) * side + (x, y)
    box = (x - width / 2, y - width / 2, x + width / 2, y + width / 2)
    return Face(box, landmarks, "dlib5", score, Pose(0.0, 0.0, np.degrees(angle)), "fixed")


def crop_of(face, size):
    return align(face.landmarks, face.scheme, size)


def similarity(scale, angle, shift, size):
    """Return the alignment that turns by ``angle`` radians, scales, and shifts in crop pixels."""
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]]])
    return Alignment(matrix, size, "ffhq", 0.0)


def smooth_photo(height, width, seed=0):
    """Return a uint8 RGB picture of soft blobs between levels 60 and 190."""
    import cv2

    levels = np.random.default_rng(seed).normal(size=(height, width, 3))
    soft = cv2.GaussianBlur(levels, (0, 0), 3)
    soft = 125 + 60 * soft / np.abs(soft).max()
    return np.rint(soft).astype(np.uint8)

"""A drawn face whose landmarks and regions are known, for tests that need no model."""

import numpy as np

from zoo.portrait.labels import LABELS
from zoo.portrait.landmark_regions import landmark_regions
from zoo.portrait.template_mask import template_mask

PAINTS = {
    "background": (60, 90, 200), "skin": (220, 170, 140), "nose": (205, 150, 120),
    "l_eye": (240, 240, 245), "r_eye": (240, 240, 245), "l_brow": (60, 40, 30),
    "r_brow": (60, 40, 30), "l_ear": (215, 165, 135), "r_ear": (215, 165, 135),
    "mouth": (90, 20, 30), "u_lip": (170, 60, 70), "l_lip": (180, 70, 80), "hair": (70, 45, 25),
    "neck": (200, 150, 120), "cloth": (30, 120, 60),
}  # fmt: skip


def arc(centre, radii, start, stop, count):
    turn = np.radians(np.linspace(start, stop, count))
    return np.column_stack((np.cos(turn), np.sin(turn))) * radii + centre


def eye(centre):
    return arc(centre, (0.046, 0.016), 180, 480, 6)


def landmarks(size):
    """Return 68 landmarks of a frontal face in an FFHQ crop, ``(68, 2)`` pixels."""
    parts = [
        arc((0.5, 0.485), (0.277, 0.443), 180, 0, 17),
        arc((0.363, 0.44), (0.09, 0.045), 190, 340, 5),
        arc((0.637, 0.44), (0.09, 0.045), 200, 350, 5),
        np.column_stack((np.full(4, 0.5), np.linspace(0.47, 0.616, 4))),
        arc((0.5, 0.643), (0.06, 0.02), 180, 0, 5),
        eye((0.3795, 0.475)),
        eye((0.6205, 0.475)),
        arc((0.5, 0.73), (0.116, 0.022), 180, 360, 7),
        arc((0.5, 0.73), (0.116, 0.055), 30, 150, 5),
        arc((0.5, 0.735), (0.1, 0.004), 180, 360, 5),
        arc((0.5, 0.735), (0.1, 0.02), 45, 135, 3),
    ]
    return np.concatenate(parts) * size - 0.5


def regions(size):
    """Return the label of each pixel, (size, size): landmarks inside the face, template around."""
    around = template_mask("ffhq", size)
    around[1] = 0
    labels = around.argmax(axis=0)
    drawn = landmark_regions(landmarks(size), size)
    return np.where(drawn.sum(axis=0) > 0.5, drawn.argmax(axis=0), labels)


def picture(size, noise=0.0, seed=1):
    """Return the face, uint8 (size, size, 3), with white noise of ``noise`` levels."""
    paints = np.array([PAINTS.get(name, (0, 0, 0)) for name in LABELS], float)
    painted = paints[regions(size)]
    grain = np.random.default_rng(seed).normal(0, 1, painted.shape) * noise
    return np.clip(np.rint(painted + grain), 0, 255).astype(np.uint8)

"""A drawn face whose landmarks and regions are known, for tests that need no model."""

import numpy as np

from zoo.labels import LABELS
from zoo.mean_mask import template_mask
from zoo.portrait.parse.face_mesh import mean_mesh
from zoo.portrait.parse.mesh_regions import mesh_regions

PAINTS = {
    "background": (60, 90, 200), "skin": (220, 170, 140), "nose": (205, 150, 120),
    "l_eye": (240, 240, 245), "r_eye": (240, 240, 245), "l_brow": (60, 40, 30),
    "r_brow": (60, 40, 30), "l_ear": (215, 165, 135), "r_ear": (215, 165, 135),
    "mouth": (90, 20, 30), "u_lip": (170, 60, 70), "l_lip": (180, 70, 80), "hair": (70, 45, 25),
    "neck": (200, 150, 120), "cloth": (30, 120, 60),
}  # fmt: skip


def mesh(size):
    """Return the face mesh of a frontal face in an FFHQ crop, ``(468, 2)`` pixels."""
    return mean_mesh() * size - 0.5


def regions(size):
    """Return the label of each pixel, (size, size): the mesh inside the face, template around."""
    around = template_mask("ffhq", size)
    around[1] = 0
    labels = around.argmax(axis=0)
    drawn = mesh_regions(mesh(size), size)
    return np.where(drawn.sum(axis=0) > 0.5, drawn.argmax(axis=0), labels)


def picture(size, noise=0.0, seed=1):
    """Return the face, uint8 (size, size, 3), with white noise of ``noise`` levels."""
    paints = np.array([PAINTS.get(name, (0, 0, 0)) for name in LABELS], float)
    painted = paints[regions(size)]
    grain = np.random.default_rng(seed).normal(0, 1, painted.shape) * noise
    return np.clip(np.rint(painted + grain), 0, 255).astype(np.uint8)

"""The face mesh's real weights and aligned crops of real faces, for tests that need them."""

import numpy as np
import pytest

from degrade.images import decode_image
from zoo.weights.files import is_present, known_weights


def load_network(template="ffhq"):
    if not is_present(known_weights("face-mesh")):
        pytest.skip("the face mesh is not on this machine: run `zoo fetch face-mesh`")
    from zoo.portrait.parse.face_mesh import FaceMeshNetwork

    return FaceMeshNetwork.published(template, offline=True)


def aligned_portraits(folder, step, size, template="ffhq"):
    """Return crops of every ``step``-th portrait of a folder."""
    pytest.importorskip("dlib")
    from zoo.networks.faces.dlib_models import load_dlib_models, principal
    from zoo.portrait.align.alignment import align
    from zoo.portrait.align.warping import extract

    paths = sorted(folder.glob("*.jpg"))[::step]
    models, crops = load_dlib_models(), []
    for path in paths:
        photo = decode_image(path.read_bytes(), path.name)
        found = align(principal(models.detect(photo)).landmarks, "dlib5", size, template)
        crops.append(np.clip(np.rint(extract(photo, found)), 0, 255).astype(np.uint8))
    return crops

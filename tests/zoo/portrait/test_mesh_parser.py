import pickle

import cartoon_face
import cv2
import numpy as np
import pytest
from face_mesh_files import aligned_portraits, load_network

from zoo.labels import LABELS, label_index
from zoo.portrait.parse.mesh_parser import MeshParser, mesh_mask
from zoo.portrait.parse.mesh_regions import mesh_regions

UNTOLD = ("eye_g", "hat", "ear_r", "neck_l")


@pytest.fixture(scope="module")
def parser():
    return MeshParser(load_network())


@pytest.fixture(scope="module")
def crops(shared):
    """Aligned 256-pixel crops of four portraits."""
    return aligned_portraits(shared("faces/congress"), 97, 256)


def overlap(one, two):
    """Soft intersection over union."""
    return float(np.minimum(one, two).sum() / np.maximum(one, two).sum())


@pytest.mark.parametrize("noise", [0, 20])
def test_a_drawn_face_is_parsed_as_it_was_drawn(noise):
    mask = mesh_mask(cartoon_face.picture(256, noise), cartoon_face.mesh(256))
    truth = cartoon_face.regions(256)
    least = {"skin": 0.9, "hair": 0.87, "background": 0.9, "cloth": 0.6, "neck": 0.75,
             "l_eye": 0.75, "nose": 0.85, "l_lip": 0.75}  # fmt: skip
    found = {name: overlap(mask[label_index(name)], truth == label_index(name)) for name in least}
    assert {name: value for name, value in found.items() if value < least[name]} == {}


def test_the_drawn_hair_may_be_anywhere_near_the_head():
    """Half the hair painted away: the mesh is the same, the mask is not."""
    image, truth = cartoon_face.picture(256), cartoon_face.regions(256)
    bald = (truth == label_index("hair")) & (np.arange(256) > 128)
    image[bald] = cartoon_face.PAINTS["background"]
    mask = mesh_mask(image, cartoon_face.mesh(256))
    assert mask[label_index("hair")][bald].mean() < 0.15
    assert mask[label_index("hair")][(truth == label_index("hair")) & ~bald].mean() > 0.85


@pytest.mark.parametrize("size", [64, 128, 256])
def test_probabilities_sum_to_one(size):
    mask = mesh_mask(cartoon_face.picture(size, 10), cartoon_face.mesh(size))
    assert mask.dtype == np.float32
    assert mask.min() >= 0
    np.testing.assert_allclose(mask.sum(axis=0), 1, atol=1e-4)


def test_the_features_are_the_meshs_polygons():
    points = cartoon_face.mesh(128)
    mask = mesh_mask(cartoon_face.picture(128), points)
    drawn = mesh_regions(points, 128)
    for name in ("nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip"):
        assert np.array_equal(mask[label_index(name)], drawn[label_index(name)])


def test_what_it_cannot_tell_it_never_marks():
    mask = mesh_mask(cartoon_face.picture(128, 30), cartoon_face.mesh(128))
    assert not mask[[label_index(name) for name in UNTOLD]].any()


def test_a_grey_and_a_flat_picture_are_parsed_too():
    grey = cartoon_face.picture(128).mean(axis=2).astype(np.uint8)
    for image in (np.dstack([grey] * 3), np.full((128, 128, 3), 90, np.uint8)):
        mask = mesh_mask(image, cartoon_face.mesh(128))
        assert np.isfinite(mask).all()
        assert mask[label_index("skin"), 80, 64 - 20] > 0.9


def test_the_same_crop_gives_the_same_bytes(parser, crops):
    one, two = (parser.parse(crops[0].copy()) for _ in range(2))
    assert one.probabilities.tobytes() == two.probabilities.tobytes()
    assert one.confidence == two.confidence
    copy = pickle.loads(pickle.dumps(parser)).parse(crops[0])  # noqa: S301 - our own
    assert copy.probabilities.tobytes() == one.probabilities.tobytes()


@pytest.mark.parametrize("size", [96, 512])
def test_another_size_gives_much_the_same_mask(parser, crops, size):
    image = cv2.resize(crops[0], (size, size), interpolation=cv2.INTER_AREA)
    mask = parser.parse(image).probabilities
    assert mask.shape == (19, size, size)
    np.testing.assert_allclose(mask.sum(axis=0), 1, atol=1e-4)
    back = np.stack([cv2.resize(one, (256, 256), interpolation=cv2.INTER_AREA) for one in mask])
    assert overlap(back, parser.parse(crops[0]).probabilities) > 0.85


def test_blur_and_noise_move_the_mask_little(parser, crops):
    rng = np.random.default_rng(5)
    for crop in crops:
        worse = cv2.GaussianBlur(crop, (0, 0), 2.5) + rng.normal(0, 10, crop.shape)
        worse = np.clip(worse, 0, 255).astype(np.uint8)
        one, two = (parser.parse(image).probabilities for image in (crop, worse))
        assert overlap(one[label_index("skin")], two[label_index("skin")]) > 0.8


def test_every_label_is_either_told_or_named_as_untold():
    truth = {LABELS[label] for label in np.unique(cartoon_face.regions(256))}
    assert truth | set(UNTOLD) == set(LABELS)

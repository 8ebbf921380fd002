import cartoon_face
import numpy as np
import pytest
from face_mesh_files import aligned_portraits, load_network

from zoo.labels import label_index, one_hot
from zoo.portrait.parse.mask_confidence import mask_confidence
from zoo.portrait.parse.mesh_parser import MeshParser, mesh_mask


def mirrored(mask):
    order = list(range(19))
    for name in ("eye", "brow", "ear"):
        left, right = label_index(f"l_{name}"), label_index(f"r_{name}")
        order[left], order[right] = right, left
    return np.ascontiguousarray(mask[order][:, :, ::-1])


def moved(mask, share):
    return np.roll(mask, round(share * mask.shape[1]), axis=2)


@pytest.fixture(scope="module")
def faces(shared):
    """Crops and their masks by the face mesh, of 20 portraits."""
    parser = MeshParser(load_network())
    crops = aligned_portraits(shared("faces/congress"), 19, 192)
    return crops, [parser.parse(crop).probabilities for crop in crops]


def test_the_mask_a_face_was_drawn_by_is_trusted():
    image = cartoon_face.picture(128, 5)
    assert mask_confidence(image, one_hot(cartoon_face.regions(128))) > 0.9


def test_confidence_falls_the_farther_a_mask_is_moved():
    image, mask = cartoon_face.picture(128, 5), one_hot(cartoon_face.regions(128))
    falling = [mask_confidence(image, moved(mask, share)) for share in (0, 0.03, 0.06, 0.1)]
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] < 0.3


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_picture_supports_no_mask(level):
    image = np.full((96, 96, 3), level, np.uint8)
    assert mask_confidence(image, one_hot(cartoon_face.regions(96))) == 0.0


def test_a_mask_of_one_region_is_not_trusted():
    nothing = np.zeros((19, 96, 96), np.float32)
    nothing[0] = 1
    assert mask_confidence(cartoon_face.picture(96), nothing) == 0.0


def test_less_contrast_is_no_less_confidence():
    image, mask = cartoon_face.picture(128), one_hot(cartoon_face.regions(128))
    pale = (128 + (image.astype(float) - 128) * 0.4).astype(np.uint8)
    assert mask_confidence(pale, mask) == pytest.approx(mask_confidence(image, mask), abs=0.1)


def test_noise_alone_supports_no_mask():
    noise = np.random.default_rng(2).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    mask = mesh_mask(cartoon_face.picture(128), cartoon_face.mesh(128))
    assert mask_confidence(noise, mask) < 0.25


@pytest.mark.parametrize(
    ("kind", "least"),
    [("moved", 0.9), ("another", 0.85), ("mirrored", 0.8)],
)
def test_wrong_masks_on_real_faces_rank_below_right_ones(faces, kind, least):
    """Of pairs of a right and a wrong mask of the same face, the share ordered so."""
    crops, masks = faces
    wrong = {
        "moved": [moved(mask, 0.08) for mask in masks],
        "another": masks[1:] + masks[:1],
        "mirrored": [mirrored(mask) for mask in masks],
    }[kind]
    right = np.array([mask_confidence(*pair) for pair in zip(crops, masks, strict=True)])
    less = np.array([mask_confidence(*pair) for pair in zip(crops, wrong, strict=True)])
    assert np.mean(right > less) >= least
    assert np.median(right) > np.median(less) + 0.1

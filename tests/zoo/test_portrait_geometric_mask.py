from pathlib import Path

import cartoon_face
import cv2
import numpy as np
import pytest

from degrade.images import decode_image
from zoo.licences import accept_licence
from zoo.portrait.geometric_mask import geometric_mask
from zoo.portrait.labels import LABELS, place
from zoo.portrait.landmark_regions import landmark_regions

PORTRAITS = Path(__file__).parents[2] / ".." / "shared" / "faces" / "congress"
UNTOLD = ("eye_g", "hat", "ear_r", "neck_l")


@pytest.fixture(scope="module")
def parser():
    pytest.importorskip("dlib")
    pytest.importorskip("face_recognition_models")
    from zoo.portrait.geometric_mask import GeometricParser

    return GeometricParser("ffhq")


@pytest.fixture(scope="module")
def crops():
    """Aligned 256-pixel crops of four portraits."""
    pytest.importorskip("dlib")
    from zoo.networks.dlib_models import load_dlib_models, principal
    from zoo.portrait.alignment import align
    from zoo.portrait.warping import extract

    paths = sorted(PORTRAITS.glob("*.jpg"))[::97] if PORTRAITS.is_dir() else []
    if not paths:
        pytest.skip("no portraits in ../shared/faces/congress")
    models = load_dlib_models()
    photos = [decode_image(path.read_bytes(), path.name) for path in paths]
    alignments = [align(principal(models.detect(one)).landmarks, "dlib5", 256) for one in photos]
    crops = [extract(one, found) for one, found in zip(photos, alignments, strict=True)]
    return [np.clip(np.rint(crop), 0, 255).astype(np.uint8) for crop in crops]


def overlap(one, two):
    """Soft intersection over union."""
    return float(np.minimum(one, two).sum() / np.maximum(one, two).sum())


@pytest.mark.parametrize("noise", [0, 20])
def test_a_drawn_face_is_parsed_as_it_was_drawn(noise):
    mask = geometric_mask(cartoon_face.picture(256, noise), cartoon_face.landmarks(256))
    truth = cartoon_face.regions(256)
    least = {"skin": 0.9, "hair": 0.87, "background": 0.9, "cloth": 0.65, "neck": 0.75,
             "l_eye": 0.75, "nose": 0.85, "l_lip": 0.75}  # fmt: skip
    found = {name: overlap(mask[place(name)], truth == place(name)) for name in least}
    assert {name: value for name, value in found.items() if value < least[name]} == {}


def test_the_drawn_hair_may_be_anywhere_near_the_head():
    """Half the hair painted away: the landmarks are the same, the mask is not."""
    image, truth = cartoon_face.picture(256), cartoon_face.regions(256)
    bald = (truth == place("hair")) & (np.arange(256) > 128)
    image[bald] = cartoon_face.PAINTS["background"]
    mask = geometric_mask(image, cartoon_face.landmarks(256))
    assert mask[place("hair")][bald].mean() < 0.15
    assert mask[place("hair")][(truth == place("hair")) & ~bald].mean() > 0.85


@pytest.mark.parametrize("size", [64, 128, 256])
def test_probabilities_sum_to_one(size):
    mask = geometric_mask(cartoon_face.picture(size, 10), cartoon_face.landmarks(size))
    assert mask.dtype == np.float32
    assert mask.min() >= 0
    np.testing.assert_allclose(mask.sum(axis=0), 1, atol=1e-4)


def test_the_features_are_the_landmarks_polygons():
    points = cartoon_face.landmarks(128)
    mask = geometric_mask(cartoon_face.picture(128), points)
    drawn = landmark_regions(points, 128)
    for name in ("nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip"):
        assert np.array_equal(mask[place(name)], drawn[place(name)])


def test_what_it_cannot_tell_it_never_marks():
    mask = geometric_mask(cartoon_face.picture(128, 30), cartoon_face.landmarks(128))
    assert not mask[[place(name) for name in UNTOLD]].any()


def test_a_grey_and_a_flat_picture_are_parsed_too():
    grey = cartoon_face.picture(128).mean(axis=2).astype(np.uint8)
    for image in (np.dstack([grey] * 3), np.full((128, 128, 3), 90, np.uint8)):
        mask = geometric_mask(image, cartoon_face.landmarks(128))
        assert np.isfinite(mask).all()
        assert mask[place("skin"), 80, 64 - 20] > 0.9


def test_real_landmarks_are_found_in_an_aligned_crop(parser, crops):
    from zoo.portrait.templates import template_points

    corners = template_points("ffhq", "dlib5", 256)
    for crop in crops:
        found = parser.landmarks(crop)
        assert found.shape == (68, 2)
        assert np.abs(found[[45, 42, 36, 39]] - corners[:4]).max() < 12


def test_the_same_crop_gives_the_same_bytes(parser, crops):
    one, two = (parser.parse(crops[0].copy()) for _ in range(2))
    assert one.probabilities.tobytes() == two.probabilities.tobytes()
    assert one.confidence == two.confidence


@pytest.mark.parametrize("size", [96, 512])
def test_another_size_gives_much_the_same_mask(parser, crops, size):
    image = cv2.resize(crops[0], (size, size), interpolation=cv2.INTER_AREA)
    mask = parser.parse(image).probabilities
    assert mask.shape == (19, size, size)
    np.testing.assert_allclose(mask.sum(axis=0), 1, atol=1e-4)
    back = np.stack([cv2.resize(one, (256, 256), interpolation=cv2.INTER_AREA) for one in mask])
    assert overlap(back, parser.parse(crops[0]).probabilities) > 0.85


def test_landmarks_that_are_given_are_used(parser, crops):
    large = cv2.resize(crops[0], (512, 512))
    own = parser.parse(large)
    given = parser.parse(large, parser.landmarks(large))
    assert overlap(own.probabilities, given.probabilities) > 0.98
    moved = parser.parse(large, parser.landmarks(large) + np.array((40, 0)))
    eye = place("l_eye")
    columns = [float(m.probabilities[eye].sum(axis=0).argmax()) for m in (given, moved)]
    assert columns[1] - columns[0] == pytest.approx(40, abs=6)


def test_blur_and_noise_move_the_mask_little(parser, crops):
    rng = np.random.default_rng(5)
    for crop in crops:
        worse = cv2.GaussianBlur(crop, (0, 0), 2.5) + rng.normal(0, 10, crop.shape)
        worse = np.clip(worse, 0, 255).astype(np.uint8)
        one, two = (parser.parse(image).probabilities for image in (crop, worse))
        assert overlap(one[place("skin")], two[place("skin")]) > 0.8


def test_with_consent_the_geometric_parser_is_loaded(parser, tmp_path, monkeypatch):
    from zoo.portrait.parsing import load_parser

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    accept_licence("ibug-68")
    assert load_parser("geometric").name == "geometric"


def test_a_model_that_is_not_the_published_one_is_refused(tmp_path, monkeypatch):
    pytest.importorskip("dlib")
    from zoo.portrait import landmarks68
    from zoo.weights import WeightsRefused

    other = tmp_path / "other.dat"
    other.write_bytes(b"not a model")
    monkeypatch.setattr(landmarks68, "package_file", lambda package, filename: other)
    with pytest.raises(WeightsRefused, match="not the published file"):
        landmarks68.CropLandmarkFinder("ffhq")


def test_every_label_is_either_told_or_named_as_untold():
    truth = {LABELS[label] for label in np.unique(cartoon_face.regions(256))}
    assert truth | set(UNTOLD) == set(LABELS)

import numpy as np
import pytest

from degrade.images import decode_image
from zoo.labels import label_index, one_hot
from zoo.mean_mask import draw_template, template_mask, template_matrix
from zoo.registry.registry import load
from zoo.restorers.mask_gate import as_mask, fits_face

SIDE = 128


def all_of(name):
    return one_hot(np.full((SIDE, SIDE), label_index(name), np.uint8))


def wrong_masks():
    mask = template_mask("ffhq", SIDE)
    labels = mask.argmax(axis=0).astype(np.uint8)
    rng = np.random.default_rng(3)
    blocks = np.kron(rng.integers(0, 19, (8, 8)), np.ones((SIDE // 8, SIDE // 8)))
    return {
        "all hair": all_of("hair"),
        "all skin": all_of("skin"),
        "all background": all_of("background"),
        "all eyes": all_of("l_eye"),
        "nothing": np.zeros_like(mask),
        "not finite": np.full_like(mask, np.nan),
        "inverted": (1 - mask) / 18,
        "permuted": mask[(np.arange(19) + 7) % 19],
        "labels + 1": one_hot((labels + 1) % 19),
        "upside down": mask[:, ::-1].copy(),
        "moved": np.roll(mask, (SIDE // 8, SIDE // 8), axis=(1, 2)),
        "noise": one_hot(rng.integers(0, 19, (SIDE, SIDE)).astype(np.uint8)),
        "blocks": one_hot(blocks.astype(np.uint8)),
    }


@pytest.mark.parametrize("name", sorted(wrong_masks()))
def test_a_mask_that_is_no_faces_is_refused_and_the_face_restored_without(name):
    mask = wrong_masks()[name]
    assert not fits_face(mask, "ffhq")
    restorer = load("style-128")
    face = np.random.default_rng(1).integers(0, 256, (128, 128, 3)).astype(np.uint8)
    without = restorer.restore([face])[0]
    assert np.array_equal(restorer.restore([face], masks=[mask])[0], without)


@pytest.mark.parametrize("template", ["ffhq", "tight"])
@pytest.mark.parametrize(
    ("turn", "scale", "shift"),
    [(0, 1, 0), (8, 1, 0), (-8, 0.94, 0), (0, 1.06, 0.02), (4, 1, -0.02)],
)
def test_a_face_that_is_aligned_with_some_error_passes(template, turn, scale, shift):
    matrix = template_matrix(template, SIDE)
    angle = np.radians(turn)
    turned = scale * np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    middle = SIDE / 2 - 0.5
    moved = turned @ matrix
    moved[:, 2] += middle - turned @ (middle, middle) + shift * SIDE
    assert fits_face(draw_template(moved, SIDE), template)


def test_glasses_and_a_hidden_brow_do_not_matter():
    mask = template_mask("ffhq", SIDE)
    for eye in ("l_eye", "r_eye", "l_brow"):
        mask[label_index("eye_g")] += mask[label_index(eye)]
        mask[label_index(eye)] = 0
    assert fits_face(mask, "ffhq")


def test_a_label_map_is_as_good_as_the_mask_it_stands_for():
    labels = template_mask("tight", SIDE).argmax(axis=0).astype(np.uint8)
    np.testing.assert_array_equal(as_mask(labels), one_hot(labels))
    labels[0, 0] = 255
    assert as_mask(labels)[:, 0, 0].sum() == 0
    restorer = load("style-128")
    face = np.random.default_rng(1).integers(0, 256, (128, 128, 3)).astype(np.uint8)
    as_map, as_layers, without = (
        restorer.restore([face], masks=[mask])[0] for mask in (labels, as_mask(labels), None)
    )
    assert np.array_equal(as_map, as_layers) and not np.array_equal(as_map, without)


def test_masks_of_real_blurred_faces_pass(shared):
    from zoo.portrait.parse.parsing import load_parser

    parser = load_parser("mesh", "tight")
    if parser.name != "mesh":
        pytest.skip("run `zoo fetch face-mesh`")
    paths = sorted(shared("faces/congress").glob("*.jpg"))[:12]
    from zoo.portrait.align.alignment import align
    from zoo.portrait.align.warping import extract
    from zoo.portrait.detect.detection import load_detector

    detector, passed = load_detector("dlib"), []
    for path in paths:
        photo = decode_image(path.read_bytes(), path.name)
        face = detector.detect(photo)[0]
        crop = extract(photo, align(face.landmarks, face.scheme, 128, "tight"))
        mask = parser.parse(np.clip(np.rint(crop), 0, 255).astype(np.uint8)).probabilities
        passed.append(fits_face(mask, "tight"))
    assert len(passed) == 12 and all(passed)

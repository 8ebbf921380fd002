import numpy as np
import pytest
from portrait_stand_ins import smooth_photo
from scipy import ndimage
from skimage import data

from degrade.errors import DependencyError
from degrade.images import read_image
from zoo.portrait import pipeline
from zoo.portrait.restore.identity_gate import (
    THRESHOLD,
    IdentityGate,
    at_sharpness_of,
    load_identity_gate,
)

CROP = np.full((64, 64, 3), 100, np.uint8)


def brightness_gate(threshold, calls=None):
    """A gate for which the identity is the mean level: 1 for each 100 levels."""

    def describe(crop, landmarks):
        if calls is not None:
            calls.append(crop)
        return np.array([crop.mean() / 100])

    return IdentityGate(describe, threshold)


def flat(levels):
    return np.full((64, 64, 3), levels, np.float32)


def test_a_change_within_the_threshold_passes_whole_and_is_measured_once():
    calls = []
    verdict = brightness_gate(0.5, calls).judge(CROP, flat(40), "ffhq")
    assert (verdict.share, verdict.evaluations) == (1.0, 1)
    assert verdict.distance == verdict.whole_distance == pytest.approx(0.4)
    assert len(calls) == 2  # before and after


def test_no_change_passes_unmeasured():
    calls = []
    verdict = brightness_gate(0.0, calls).judge(CROP, flat(0), "ffhq")
    assert (verdict.share, verdict.distance, verdict.evaluations) == (1.0, 0.0, 0)
    assert not calls


def test_a_change_beyond_it_is_halved_until_the_largest_share_that_passes():
    calls = []
    verdict = brightness_gate(0.5, calls).judge(CROP, flat(120), "ffhq")
    assert 0.5 / 1.2 - 1 / 32 <= verdict.share <= 0.5 / 1.2
    assert verdict.distance <= 0.5 < verdict.whole_distance
    assert verdict.evaluations == 6 and len(calls) == 7


def test_where_no_share_passes_the_face_stays_as_it_was():
    gate = IdentityGate(lambda crop, _: np.array([float((crop != CROP).any())]), 0.5)
    verdict = gate.judge(CROP, flat(120), "ffhq")
    assert (verdict.share, verdict.distance, verdict.whole_distance) == (0.0, 0.0, 1.0)


def test_what_passed_was_measured_even_if_more_change_is_nearer_again():
    def describe(crop, _):  # near at 0 to 10 levels and at 80 to 90, far elsewhere
        moved = crop.mean() - 100
        return np.array([0.0 if moved <= 10 or 80 <= moved <= 90 else 1.0])

    verdict = IdentityGate(describe, 0.5).judge(CROP, flat(128), "ffhq")
    assert verdict.distance <= 0.5
    assert describe(CROP + verdict.share * flat(128), None)[0] == 0.0


def test_a_sharpened_face_is_compared_at_the_sharpness_it_had():
    sharp = data.astronaut()[:256, 96:352]
    for sigma in (1.0, 2.8, 5.6):
        blurred = np.rint(ndimage.gaussian_filter(sharp.astype(float), (sigma, sigma, 0)))
        seen = at_sharpness_of(blurred.astype(np.uint8), sharp)
        assert np.abs(seen[64:192, 64:192] - blurred[64:192, 64:192]).mean() < 0.6
    np.testing.assert_array_equal(at_sharpness_of(sharp, sharp), sharp)


def test_faces_without_contrast_are_no_crash():
    black = np.zeros((64, 64, 3), np.uint8)
    np.testing.assert_array_equal(at_sharpness_of(black, black), black)
    assert at_sharpness_of(black, smooth_photo(64, 64)).shape == black.shape


@pytest.fixture(scope="module")
def portraits(shared):
    """Aligned 256-pixel crops of the astronaut and, where they are, of members of Congress."""
    pytest.importorskip("dlib")
    pytest.importorskip("face_recognition_models")
    from zoo.networks.faces.dlib_models import load_dlib_models, principal
    from zoo.portrait.align.alignment import align
    from zoo.portrait.align.warping import extract

    photos = [data.astronaut()]
    photos += [read_image(path) for path in sorted(shared("faces/congress").iterdir())[:60:12]]
    models = load_dlib_models()
    crops = []
    for photo in photos:
        face = principal(models.detect(photo))
        crop = extract(photo, align(face.landmarks, "dlib5", 256))
        crops.append(np.clip(np.rint(crop), 0, 255).astype(np.uint8))
    return crops


def change_of(before, after):
    return after.astype(np.float32) - before


def test_another_persons_face_is_held_back_and_a_sharper_one_of_the_same_person_is_not(portraits):
    gate = load_identity_gate()
    for number, truth in enumerate(portraits):
        stranger = portraits[(number + 1) % len(portraits)]
        soft = np.rint(ndimage.gaussian_filter(truth.astype(float), (3, 3, 0))).astype(np.uint8)
        restored = gate.judge(soft, change_of(soft, truth), "ffhq")
        assert restored.share == 1.0 and restored.distance < 0.3
        swapped = gate.judge(truth, change_of(truth, stranger), "ffhq")
        assert swapped.share < 1.0 and swapped.distance <= THRESHOLD < swapped.whole_distance


def test_the_verdict_is_the_same_twice(portraits):
    gate = load_identity_gate(threshold=0.9)  # passes at once
    change = change_of(portraits[0], portraits[1])
    first = gate.judge(portraits[0], change, "ffhq")
    assert first == gate.judge(portraits[0], change, "ffhq")
    assert first == load_identity_gate(threshold=0.9).judge(portraits[0], change, "ffhq")


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("no", name="dlib"), DependencyError("run pip install")]
)
def test_where_dlib_is_missing_the_pipeline_says_so_and_goes_on(monkeypatch, error):
    def missing(threshold):
        raise error

    monkeypatch.setattr(pipeline, "load_identity_gate", missing)
    gate, note = pipeline._load_gate(THRESHOLD)
    assert gate is None and note.startswith("identity not checked: ")


def test_a_gate_that_is_off_says_so_and_a_threshold_below_0_is_refused():
    assert pipeline._load_gate(None) == (None, "identity not checked: the gate is off")
    with pytest.raises(pipeline.PortraitError, match="0 or more"):
        pipeline._load_gate(-0.1)

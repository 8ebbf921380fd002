import dataclasses
import itertools
import subprocess
import sys
import threading

import numpy as np
import pytest
from portrait_stand_ins import (
    EllipseParser,
    FixedDetector,
    Restorer,
    face_at,
    smooth_photo,
)
from skimage import data

import zoo
from degrade.errors import ImageError, UserError
from zoo.portrait.detect.face_filter import Limits
from zoo.portrait.pipeline import Pipeline, PortraitError, load_pipeline, restore_photo
from zoo.portrait.restore.face_models import load_face_models
from zoo.portrait.restore.identity_gate import IdentityGate
from zoo.portrait.upscale import lanczos
from zoo.weights.files import is_present, known_weights

FACES = (face_at(90, 100, 80), face_at(200, 110, 60, 0.3), face_at(150, 60, 50, -2.0))
SHAPES = [(180, 260), (180, 260, 1), (180, 260, 2), (180, 260, 3), (180, 260, 4)]


def brighter(crop):
    return np.clip(crop + np.array([20, 12, 4]), 0, 255).astype(np.uint8)


def run(photo, restore, *faces, strength=1.0, size=128, **options):
    restorer = restore if hasattr(restore, "card") else Restorer(restore, size)
    options = {"identity_threshold": None, "parser": EllipseParser()} | options
    return restore_photo(photo, restorer, strength, detector=FixedDetector(*faces), **options)


def noise(shape, dtype):
    return np.random.default_rng(5).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_restorer_that_changes_nothing_returns_the_photo_to_the_bit(shape, dtype):
    photo = noise(shape, dtype)
    faces = (*FACES, face_at(5, 5, 40), face_at(90, 90, 900))
    limits = Limits(least_inside=0.0)
    restored, records = run(photo, lambda crop: crop, *faces, limits=limits)
    assert restored is not photo and restored.dtype == dtype
    np.testing.assert_array_equal(restored, photo)
    assert [record.status for record in records] == ["restored"] * 5


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", SHAPES)
def test_strength_0_returns_the_photo_and_runs_no_model(shape, dtype):
    photo = noise(shape, dtype)
    restorer = Restorer(brighter, 128)
    restored, records = run(
        photo, restorer, *FACES, strength=0.0, background=lambda image, _: image // 2
    )
    np.testing.assert_array_equal(restored, photo)
    assert not restorer.calls
    assert {record.reason for record in records} == {"left as it was: the strength is 0"}


def test_strength_scales_the_change_continuously():
    """GFPGAN's `weight` is passed on and ignored; spandrel's CodeFormer has it fixed at .5."""
    photo = smooth_photo(180, 260).astype(np.uint16) * 257
    whole = run(photo, brighter, *FACES)[0].astype(float) - photo
    before = np.zeros_like(whole)
    for strength in (0.01, 0.25, 0.5, 0.9, 1.0):
        change = run(photo, brighter, *FACES, strength=strength)[0].astype(float) - photo
        np.testing.assert_allclose(change, strength * whole, atol=1)
        assert (change >= before).all() and (change > before).any()
        before = change


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_strength_outside_0_to_1_is_refused(strength):
    with pytest.raises(PortraitError, match="from 0 to 1"):
        run(smooth_photo(180, 260), brighter, *FACES, strength=strength)


def test_the_same_bytes_come_out_twice_and_from_threads_at_once():
    """GFPGAN leaves randomize_noise on: two runs differ."""
    photo = smooth_photo(180, 260)
    pipeline = load_pipeline(
        "bilateral",
        detector=FixedDetector(*FACES),
        parser=EllipseParser(),
        identity_threshold=None,
    )
    first = pipeline.restore(photo).photo
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(pipeline.restore(photo).photo))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    for again in results:
        np.testing.assert_array_equal(again, first)


def test_faces_may_come_in_any_order():
    photo = smooth_photo(180, 260)
    first = run(photo, brighter, *FACES)[0]
    for order in itertools.permutations(FACES):
        np.testing.assert_array_equal(run(photo, brighter, *order)[0], first)


def test_all_faces_are_restored_in_one_batch_with_masks_of_their_size():
    restorer = Restorer(brighter, 96)
    run(smooth_photo(180, 260), restorer, *FACES)
    ((crops, masks, plans),) = restorer.calls
    assert [crop.shape for crop in crops] == [(96, 96, 3)] * 3 and plans is None
    assert [mask.shape for mask in masks] == [(19, 96, 96)] * 3


def test_restorers_of_any_size_get_faces_at_about_the_size_they_have():
    restorer = Restorer(brighter)
    faces = face_at(100, 100, 27), face_at(400, 300, 272), face_at(400, 400, 700)
    run(smooth_photo(800, 800), restorer, *faces)
    (crops, _, _), *_ = restorer.calls
    assert [crop.shape[0] for crop in crops] == [64, 504, 1024]


def test_a_face_whose_restorer_fails_stays_as_it_was_and_the_others_do_not():
    """GFPGAN catches every error and pastes the unrestored face in silence."""
    photo = smooth_photo(180, 260)

    def restore(crop):
        if np.abs(crop.astype(int) - failing).max() == 0:
            raise ValueError("cannot")
        return brighter(crop)

    pipeline_crops = Restorer(brighter, 128)
    run(photo, pipeline_crops, *FACES)
    failing = pipeline_crops.calls[0][0][1].astype(int)
    restored, records = run(photo, restore, *FACES)
    assert [record.status for record in records] == ["restored", "failed", "restored"]
    assert records[1].reason == "left as it was: stand-in raised ValueError: cannot"
    assert records[1].blend == 0.0
    np.testing.assert_array_equal(restored[100:120, 190:210], photo[100:120, 190:210])
    assert (restored[95:105, 85:95] != photo[95:105, 85:95]).any()


def test_a_face_that_is_skipped_ends_nothing():
    """PSFRGAN leaves its loop at the first face that is too large; the rest are dropped."""
    photo = smooth_photo(180, 260)
    restored, records = run(
        photo, brighter, face_at(90, 100, 80), face_at(30, 30, 12), face_at(200, 110, 60)
    )
    assert [record.status for record in records] == ["restored", "skipped", "restored"]
    assert "too small" in records[1].reason
    assert (restored[110, 200] != photo[110, 200]).any()
    _, larger = run(photo, brighter, face_at(90, 100, 80), limits=Limits(smallest_width=90))
    assert [record.status for record in larger] == ["skipped"]


def test_a_face_wider_than_the_model_comes_back_no_softer():
    """Gradient energy within 1 % of the input's, where pasting the crop loses most of it."""
    photo = noise((700, 700, 3), np.uint8) // 2 + 60
    face = face_at(350, 350, 330)

    def smoothing(crop):  # a model at 128 pixels that finds nothing to restore but the tone
        return np.clip(crop.astype(int) + 6, 0, 255).astype(np.uint8)

    restored, (record,) = run(photo, smoothing, face)
    centre = np.s_[250:450, 250:450]
    assert np.abs(restored[centre].astype(int) - photo[centre] - 6).max() <= 1

    def energy(image):
        return sum(
            (slope**2).sum() for slope in np.gradient(image[centre].astype(float), axis=(0, 1))
        )

    assert abs(energy(restored) / energy(photo) - 1) < 0.01
    assert "4.8 times finer than the crop" in record.reason and "kept" in record.reason


def test_a_face_narrower_than_the_model_takes_no_aliases_of_its_detail():
    photo = np.full((100, 100, 3), 128, np.uint8)
    stripes = np.where(np.arange(512) % 2, 40, -40)[:, None, None]

    def restore(crop):
        return (crop + stripes).astype(np.uint8)

    restored, _ = run(photo, restore, face_at(50, 50, 40), size=512)
    assert np.abs(restored.astype(int) - 128).max() <= 1


def test_the_gate_blends_back_and_the_record_says_so_with_numbers():
    gate = IdentityGate(lambda crop, _: np.array([crop[54:74, 54:74].mean() / 10]), 0.5)
    pipeline = Pipeline(
        models=load_face_models(
            Restorer(lambda crop: crop + np.uint8(20), 128), parser=EllipseParser(), template="ffhq"
        ),
        detector=FixedDetector(FACES[0]),
        gate=gate,
        gate_note="",
        background=None,
        hair=False,
        limits=Limits(),
    )
    photo = smooth_photo(180, 260)
    result = pipeline.restore(photo)
    (record,) = result.faces
    assert record.status == "blended" and record.blend == 0.25
    assert record.identity == pytest.approx(0.5, abs=0.05)
    assert "blended back to 25% of the change" in record.reason
    assert "would be 2.00" in record.reason and "at most 0.5 passes" in record.reason
    assert (result.photo[100, 90].astype(int) - photo[100, 90] == 5).all()


def test_a_background_is_laid_around_the_faces_at_the_strength_asked():
    photo = smooth_photo(180, 260)
    asked = []

    def background(image, strength):
        asked.append(strength)
        return image + np.uint8(9)

    restored, _ = run(photo, brighter, FACES[0], strength=0.5, background=background)
    assert asked == [0.5]
    np.testing.assert_array_equal(restored[100, 90].astype(int) - photo[100, 90], (10, 6, 2))
    np.testing.assert_array_equal(restored[:, 250:], photo[:, 250:] + 9)
    nobody, records = run(photo, brighter, background=background)
    np.testing.assert_array_equal(nobody, photo + np.uint8(9))
    assert records == ()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", SHAPES)
def test_an_enlarged_photo_is_lanczos_where_nothing_is_restored(shape, dtype):
    photo = noise(shape, dtype)
    restored, records = run(photo, lambda crop: crop, *FACES, upscale=2)
    assert restored.dtype == dtype
    np.testing.assert_array_equal(restored, lanczos(photo, (360, 520)))
    assert [record.size for record in records] == [2 * face.width for face in FACES]
    expected = 2 * (FACES[0].landmarks + 0.5) - 0.5
    np.testing.assert_allclose(records[0].landmarks, expected)
    _, as_they_are = run(photo, lambda crop: crop, *FACES)
    assert [record.reason for record in records] == [record.reason for record in as_they_are]


def test_the_longest_side_sets_the_size_and_the_upscaler_gets_all_but_the_faces():
    photo = smooth_photo(180, 260)
    calls = []

    def flat(image, size, *, on_progress=None):
        calls.append((image.shape, size))
        return np.full((*size, 3), 77, np.uint8)

    restorer = Restorer(brighter, 128)
    restored, _ = run(photo, restorer, FACES[0], longest_side=390, upscaler=flat)
    assert calls == [((180, 260, 3), (270, 390))] and restored.shape == (270, 390, 3)
    assert np.all(restored[:8] == 77)
    large = lanczos(photo, (270, 390)).astype(float)
    centre = np.s_[145:156, 130:141]
    change = restored[centre] - large[centre]
    np.testing.assert_allclose(change, np.broadcast_to([20, 12, 4], change.shape), atol=2)


@pytest.mark.parametrize(
    ("options", "cure"),
    [
        ({"upscale": 3}, "1, 2 or 4"),
        ({"upscale": 2, "longest_side": 400}, "not both"),
        ({"upscaler": "realesrgan-x4plus"}, "2 or 4"),
    ],
)
def test_enlargements_that_cannot_be_are_refused_before_anything_is_loaded(options, cure):
    with pytest.raises(PortraitError, match=cure):
        run(smooth_photo(180, 260), brighter, **options)


def test_a_classical_restorer_works_on_the_cleaned_photo_and_its_change_comes_on_top():
    photo, classical = smooth_photo(180, 260), Restorer(brighter, kind="classical")
    restored, _ = run(photo, classical, FACES[0], background=lambda image, _: image + np.uint8(9))
    np.testing.assert_array_equal(restored[100, 90].astype(int) - photo[100, 90], (29, 21, 13))
    still = Restorer(lambda face: face, kind="reference")
    restored, _ = run(photo, still, FACES[0], background=lambda image, _: image + np.uint8(9))
    np.testing.assert_array_equal(restored, photo + np.uint8(9))


def trained(**changes):
    """A restorer that was trained on tight crops and masks of skin and nose."""
    restorer = Restorer(brighter, 128)
    changes = {"template": "tight", "regions": ("skin", "nose")} | changes
    restorer.card = dataclasses.replace(restorer.card, **changes)
    return restorer


def prepared(restorer, **options):
    options = {"identity_threshold": None, "detector": FixedDetector(FACES[0])} | options
    pipeline = load_pipeline(restorer, **options)
    (face,) = pipeline.restore(smooth_photo(180, 260)).finished
    return face.prepared


def test_crops_are_aligned_as_the_model_was_trained_unless_it_is_told_otherwise():
    assert prepared(trained()).alignment.template == "tight"
    assert prepared(trained(), template="ffhq").alignment.template == "ffhq"
    assert prepared(Restorer(brighter, 128)).alignment.template == "ffhq"
    assert (
        prepared(trained()).alignment.scale > 1.5 * prepared(trained(template="")).alignment.scale
    )


def test_a_model_is_given_the_regions_that_it_was_trained_with():
    restorer = trained()
    face = prepared(restorer, parser=EllipseParser())
    ((_, (given,), _),) = restorer.calls
    np.testing.assert_array_equal(given[1], face.mask.probabilities[1])
    assert given[1].max() == 1 and not given[[0, *range(2, 19)]].any()
    assert face.mask.probabilities[0].max() == 1  # what is composited knows the background still
    whole = trained(regions=())
    face = prepared(whole, parser=EllipseParser())
    ((_, (given,), _),) = whole.calls
    np.testing.assert_array_equal(given, face.mask.probabilities)


def test_a_mask_that_says_nothing_of_the_face_is_not_given_to_a_model_that_does_without():
    restorer = trained()
    face = prepared(restorer, parser="template")
    ((_, masks, _),) = restorer.calls
    assert masks == [None] and face.mask.parser == "template"
    other = Restorer(brighter, 128)
    prepared(other, parser="template")
    assert other.calls[0][1][0].shape == (19, 128, 128)


def test_the_parser_is_the_mesh_where_the_model_takes_masks_and_the_weights_are_here(
    tmp_path, monkeypatch
):
    def chosen(restorer):
        return load_pipeline(restorer, identity_threshold=None).models[0].parser.name

    meshed = trained(regions=("skin", "hair"))
    if is_present(known_weights("face-mesh")):
        assert chosen(meshed) == "mesh"
    # One that learned from masks without hair does better with none.
    assert chosen(trained()) == "template"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RELUME_WEIGHTS", raising=False)
    assert chosen(meshed) == "template"
    assert chosen(trained(regions=())) == chosen(Restorer(brighter)) == "template"


def test_an_oracle_is_refused_in_one_line():
    with pytest.raises(PortraitError, match="choose a blind restorer"):
        run(smooth_photo(60, 60), Restorer(brighter, blind=False))
    with pytest.raises(PortraitError, match="wiener"):
        restore_photo(smooth_photo(60, 60), "wiener")


@pytest.mark.parametrize(
    "photo",
    [
        np.zeros((8, 8, 5), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros(8, np.uint8),
        np.zeros((8, 8, 3), bool),
    ],
)
def test_what_is_no_photo_is_refused_in_one_line(photo):
    with pytest.raises(ImageError, match="a photo"):
        run(photo, brighter)


def test_unknown_names_are_refused():
    for options in ({"background": "blurred"}, {"parser": "none"}):
        with pytest.raises(UserError):
            run(smooth_photo(60, 60), brighter, **options)
    with pytest.raises(UserError):
        restore_photo(smooth_photo(60, 60), "no-such-model")


def test_every_stage_is_timed_and_every_face_told():
    pipeline = load_pipeline(
        Restorer(brighter, 128),
        detector=FixedDetector(*FACES, face_at(30, 30, 12)),
        parser=EllipseParser(),
        identity_threshold=None,
    )
    told = []
    result = pipeline.restore(smooth_photo(180, 260), name="a.png", on_face=told.append)
    seconds = result.seconds.as_record()
    assert list(seconds) == [
        "detect", "align", "parse", "restore", "gate", "background", "upscale",
        "composite", "total",
    ]  # fmt: skip
    assert result.seconds.align > 0 and result.seconds.gate == 0
    assert sorted(told, key=lambda record: record.face) == list(result.faces)
    assert {record.photo for record in result.faces} == {"a.png"}
    assert [face.record.face for face in result.finished] == [0, 1, 2]


def test_a_photograph_goes_through_the_real_detector_and_the_zoos_restorers():
    pytest.importorskip("dlib")
    pytest.importorskip("face_recognition_models")
    photo = data.astronaut()
    noisy = photo + np.random.default_rng(0).normal(0, 12, photo.shape)
    noisy = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    restored, records = zoo.restore_photo(noisy, model="bilateral", parser=EllipseParser())
    record = next(record for record in records if record.status == "restored")
    left, top, right, bottom = (round(edge) for edge in record.box)
    face = np.s_[top + 20 : bottom - 20, left + 20 : right - 20]

    def error(image):
        return np.mean((image[face].astype(float) - photo[face]) ** 2)

    assert error(restored) < 0.6 * error(noisy)
    assert record.identity is not None and record.identity < 0.5
    assert 0.2 < np.mean((restored == noisy).all(axis=2)[:, :100]) <= 1


def test_importing_the_zoo_loads_none_of_the_pipeline():
    code = (
        "import sys, zoo; assert 'restore_photo' in dir(zoo);"
        "assert not {'numba', 'cv2', 'torch', 'dlib', 'zoo.portrait'} & set(sys.modules);"
        "zoo.restore_photo; assert not {'torch', 'dlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

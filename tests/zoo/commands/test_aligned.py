import dataclasses

import numpy as np
import pytest

import zoo
from degrade.errors import DatasetError
from degrade.images import read_image, write_png
from zoo.portrait.files.aligned_crops import blend, plan_jobs, restore_crop, restore_jobs, tag
from zoo.portrait.restore.face_models import FaceModel


def models(restorer):
    return [FaceModel(restorer, parser=None, template="ffhq")]


@pytest.fixture
def crops(tmp_path):
    """Three crops in two folders, of which one is a text file named like a picture."""
    folder = tmp_path / "crops"
    image = np.random.default_rng(1).integers(0, 256, (16, 24, 3)).astype(np.uint8)
    write_png(folder / "a.png", image)
    write_png(folder / "deep" / "er" / "b.png", image[:8])
    (folder / "broken.png").write_text("not a picture")
    return folder


def test_relative_names_are_kept_and_become_png(crops, tmp_path):
    (crops / "c.jpeg").write_bytes(b"")
    jobs = plan_jobs(crops, tmp_path / "out")
    names = [job.target.relative_to(tmp_path / "out").as_posix() for job in jobs]
    assert names == ["a.png", "broken.png", "c.png", "deep/er/b.png"]
    assert not (tmp_path / "out").exists()


def test_a_file_goes_to_a_file_or_into_a_folder(crops, tmp_path):
    assert plan_jobs(crops / "a.png", tmp_path / "x.png")[0].target == tmp_path / "x.png"
    assert plan_jobs(crops / "a.png", tmp_path)[0].target == tmp_path / "a.png"


def test_names_that_would_collide_are_named_before_anything_is_written(crops, tmp_path):
    (crops / "a.jpg").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"a\.jpg and a\.png would both become a\.png"):
        plan_jobs(crops, tmp_path / "out")


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("missing", "out", "does not exist"),
        ("crops", "crops/out", "lies inside"),
        ("crops", "crops", "lies inside"),
        ("crops", "crops/a.png", "is a file"),
        ("crops/a.png", "crops/a.png", "the input itself"),
        ("crops/a.png", "crops", "the input itself"),
        ("crops/a.png", "a.jpg", "does not end in .png"),
        ("empty", "out", "holds no images"),
    ],
)
def test_what_cannot_be_meant_is_one_line(crops, tmp_path, source, target, message):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=message):
        plan_jobs(tmp_path / source, tmp_path / target)


def test_a_bad_file_is_reported_and_the_others_are_restored(crops, tmp_path):
    jobs = plan_jobs(crops, tmp_path / "out")
    outcomes = {done.job.name: done.error for done in restore_jobs(jobs, models(zoo.load("input")))}
    assert outcomes["a.png"] == outcomes["deep/er/b.png"] == ""
    assert "broken.png" in outcomes["broken.png"]
    written = sorted(p.name for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert written == ["a.png", "b.png"]
    assert np.array_equal(read_image(tmp_path / "out" / "a.png"), read_image(crops / "a.png"))


def test_a_file_that_may_not_be_opened_is_reported_too(crops, tmp_path):
    jobs = plan_jobs(crops, tmp_path / "out")
    (crops / "a.png").unlink()
    (crops / "a.png").mkdir()
    outcomes = {done.job.name: done.error for done in restore_jobs(jobs, models(zoo.load("input")))}
    assert "cannot be opened" in outcomes["a.png"]
    assert outcomes["deep/er/b.png"] == ""


def test_a_crop_of_another_shape_than_the_models_is_reported(crops, tmp_path):
    restorer = zoo.load("input")
    fixed = dataclasses.replace(
        restorer, card=dataclasses.replace(restorer.card, input_size=(16, 24))
    )
    jobs = plan_jobs(crops, tmp_path / "out")
    outcomes = {done.job.name: done.error for done in restore_jobs(jobs, models(fixed))}
    assert outcomes["a.png"] == ""
    assert outcomes["deep/er/b.png"].startswith("deep/er/b.png: ")
    assert "16 × 24" in outcomes["deep/er/b.png"] and "8 × 24" in outcomes["deep/er/b.png"]


def test_strength_blends_and_is_exact_at_both_ends():
    rng = np.random.default_rng(2)
    lq, restored = rng.integers(0, 256, (2, 9, 9, 3)).astype(np.uint8)
    assert np.array_equal(blend(lq, restored, 0.0), lq)
    assert np.array_equal(blend(lq, restored, 1.0), restored)
    assert np.array_equal(blend(lq, lq, 0.37), lq)
    half = blend(lq, restored, 0.5).astype(float)
    assert np.abs(half - (lq.astype(float) + restored) / 2).max() <= 0.5


def test_strength_zero_returns_the_input_without_asking_the_model(crops, tmp_path):
    jobs = plan_jobs(crops / "a.png", tmp_path / "x.png")
    assert [
        done.error for done in restore_jobs(jobs, models(zoo.load("wiener")), strength=0.0)
    ] == [""]
    assert np.array_equal(read_image(tmp_path / "x.png"), read_image(crops / "a.png"))


def test_the_tag_names_model_and_version():
    import degrade

    assert tag(zoo.card("nlmeans")) == {"relume": f"nlmeans {degrade.__version__}"}


class Brighter:
    """Adds 10 levels to crops of 64 pixels."""

    def __init__(self):
        card = zoo.card("input")
        self.card = dataclasses.replace(card, input_size=(64, 64))
        self.seen = []

    def restore(self, images, **_):
        self.seen += [image.shape for image in images]
        return [image + np.uint8(10) for image in images]


@pytest.mark.parametrize("side", [40, 64, 300])
def test_crops_of_any_side_are_restored_at_the_models_and_keep_their_own_detail(side):
    crop = np.random.default_rng(3).integers(0, 200, (side, side, 3)).astype(np.uint8)
    restorer = Brighter()
    restored = restore_crop(restorer, crop)
    assert restorer.seen == [(64, 64, 3)]
    assert np.abs(restored.astype(int) - crop - 10).max() <= 1
    half = restore_crop(restorer, crop, 0.5)
    assert np.abs(half.astype(int) - crop - 5).max() <= 1


def test_a_crop_that_the_model_does_not_change_stays_as_it_is_to_the_bit():
    restorer = Brighter()
    restorer.restore = lambda images: [image.copy() for image in images]
    crop = np.random.default_rng(3).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    assert np.array_equal(restore_crop(restorer, crop), crop)

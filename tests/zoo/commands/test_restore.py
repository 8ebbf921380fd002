"""`zoo restore` on photographs: from files to files, whatever happens on the way."""

import functools
import json
import os
import shutil

import imagecodecs
import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner
from portrait_stand_ins import Restorer
from skimage import data

from degrade.images import write_png
from zoo.cli import main
from zoo.model_card import NOTICE
from zoo.portrait import pipeline
from zoo.portrait.detect import detection
from zoo.portrait.restore import face_models, stages

pytest.importorskip("dlib")


MODEL = ("--model", "bilateral")
load_detector = functools.cache(detection.load_detector)
load_gate = functools.cache(pipeline._load_gate)


def darker(crop):
    """A restorer's work that is sure to be seen."""
    return crop - crop // 4


@pytest.fixture
def use(monkeypatch):
    """Put a function of a crop in the model's place, and keep what takes seconds to load."""

    def put(function):
        restorer = Restorer(function)
        monkeypatch.setattr(face_models, "load", lambda name: restorer)

    put(darker)
    monkeypatch.setattr(detection, "load_detector", load_detector)
    monkeypatch.setattr(pipeline, "_load_gate", load_gate)
    return put


@pytest.fixture(scope="module")
def astronaut():
    """Her face, and enough around it to be found."""
    return data.astronaut()[40:220, 130:310].copy()


@pytest.fixture
def album(tmp_path, astronaut):
    folder = tmp_path / "album"
    write_png(folder / "b" / "face.png", astronaut)
    PIL.Image.fromarray(astronaut).save(folder / "a.jpg", quality=90)
    PIL.Image.fromarray(np.full((60, 80, 3), 90, np.uint8)).save(folder / "empty.jpg", quality=50)
    (folder / "broken.jpg").write_text("no picture")
    PIL.Image.fromarray(astronaut).save(folder / "old.bmp")
    return folder


@pytest.fixture
def run():
    def invoke(*words):
        result = CliRunner().invoke(main, [str(word) for word in ("restore", *words)])
        assert result.exception is None or isinstance(result.exception, SystemExit), result
        return result

    return invoke


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}


def levels(path):
    with PIL.Image.open(path) as picture:
        return np.asarray(picture)


def test_a_photo_is_restored_told_of_and_tagged(run, album, tmp_path, astronaut, add_noise):
    out = tmp_path / "out.png"
    write_png(album / "b" / "face.png", add_noise(astronaut, 12))
    result = run(album / "b" / "face.png", out, *MODEL)
    assert result.exit_code == 0
    assert f"wrote {out}: 1 face restored with bilateral" in result.stdout
    assert NOTICE in result.stdout
    (row,) = rows(tmp_path / "out.png.faces.jsonl")
    assert (row["photo"], row["status"], row["model"]) == ("face.png", "restored", "bilateral")
    assert f"identity {row['identity']:.2f} (limit 0.5)" in result.stdout
    changed = (levels(out) != levels(album / "b" / "face.png")).any(axis=2)
    assert changed[70:100, 60:110].any() and not changed[:, -10:].any()
    with PIL.Image.open(out) as picture:
        assert picture.text["relume"].startswith("bilateral 0.")


def test_small_faces_are_seen_after_an_upscale_which_is_suggested(run, tmp_path, astronaut, use):
    small = tmp_path / "small.png"
    write_png(small, np.ascontiguousarray(astronaut[::3, ::3]))
    result = run(small, tmp_path / "out.png")
    assert "1 face is less than 64 pixels wide: --upscale 4" in result.stdout
    result = run(small, tmp_path / "large.png", "--upscale", "4", "--compare")
    assert result.exit_code == 0 and "--upscale" not in result.stdout
    assert levels(tmp_path / "large.png").shape == (240, 240, 3)
    (small_row,), (row,) = (rows(tmp_path / f"{n}.png.faces.jsonl") for n in ("out", "large"))
    assert row["size"] == pytest.approx(4 * small_row["size"], abs=0.05)
    assert (tmp_path / "large.compare.png").is_file()
    assert f"before and after: {tmp_path / 'large.compare.png'}" in result.stdout


def test_without_a_tag_the_file_says_nothing_of_us(run, album, tmp_path, use):
    run(album / "a.jpg", tmp_path / "a.jpg", *MODEL)
    run(album / "a.jpg", tmp_path / "b.jpg", *MODEL, "--no-tag")
    assert b'relume:restored="stand-in 0.' in (tmp_path / "a.jpg").read_bytes()
    assert b"relume" not in (tmp_path / "b.jpg").read_bytes()
    np.testing.assert_array_equal(levels(tmp_path / "a.jpg"), levels(tmp_path / "b.jpg"))


def test_a_folder_goes_on_after_bad_files_and_ends_with_exit_code_1(run, album, tmp_path, use):
    out = tmp_path / "out"
    result = run(album, out, *MODEL)
    assert result.exit_code == 1
    assert "wrote 3 of 5 photos" in result.stdout and "without a face: 1" in result.stdout
    assert "of 2 faces 2 restored, 0 skipped" in result.stdout
    assert "b/face.png  1 face restored with stand-in" in result.stdout
    assert "2 of 5 photos could not be restored" in result.stderr.splitlines()[-1]
    found = {row["photo"]: row for row in rows(out / "faces.jsonl")}
    assert list(found) == ["a.jpg", "b/face.png", "broken.jpg", "empty.jpg", "old.bmp"]
    assert [row["status"] for row in found.values()] == [
        "restored",
        "restored",
        "failed",
        "skipped",
        "failed",
    ]
    assert "ends in .bmp" in found["old.bmp"]["reason"]
    assert sorted(files(out)) == ["a.jpg", "b/face.png", "empty.jpg", "faces.jsonl"]
    assert run(album, out, *MODEL, "--allow-failed").exit_code == 0


def test_the_result_can_be_read_by_a_program(run, album, tmp_path, use):
    result = run(album, tmp_path / "out", *MODEL, "--json", "--allow-failed")
    record = json.loads(result.stdout)
    assert (record["photos"], record["written"]) == (5, 3)
    assert record["faces"] == {"restored": 2, "blended": 0, "skipped": 0, "failed": 0}
    assert [entry["name"] for entry in record["failed"]] == ["broken.jpg", "old.bmp"]
    assert record["without_face"] == record["unchanged"] == ["empty.jpg"]
    assert record["seconds"]["detect"] > 0
    assert record["notice"] == NOTICE


def test_a_photo_without_a_face_is_copied_byte_for_byte(run, album, tmp_path, use):
    result = run(album / "empty.jpg", tmp_path / "x.jpg", *MODEL)
    assert result.exit_code == 0
    assert "no face found: copied as it was" in result.stdout and NOTICE not in result.stdout
    assert "no pixel changed" in result.stdout
    assert (tmp_path / "x.jpg").read_bytes() == (album / "empty.jpg").read_bytes()


def test_without_a_face_the_background_is_cleaned_all_the_same_and_told(
    run, tmp_path, photographs, add_noise, use
):
    write_png(tmp_path / "rocket.png", add_noise(photographs["rocket"][:128, :128], 20))
    words = (tmp_path / "rocket.png", tmp_path / "x.png", *MODEL)
    result = run(*words, "--background", "clean")
    assert result.exit_code == 0
    assert "no face found: the background was cleaned" in result.stdout
    assert not np.array_equal(levels(tmp_path / "rocket.png"), levels(tmp_path / "x.png"))
    with PIL.Image.open(tmp_path / "x.png") as picture:
        assert picture.text["relume"].startswith("background clean 0.")


def test_strength_0_copies_byte_for_byte(run, album, tmp_path, use):
    run(album / "a.jpg", tmp_path / "x.jpg", *MODEL, "--strength", 0)
    assert (tmp_path / "x.jpg").read_bytes() == (album / "a.jpg").read_bytes()


def test_the_ending_of_out_names_the_format(run, album, tmp_path, use):
    for ending, kind in ((".png", "PNG"), (".tif", "TIFF"), (".webp", "WEBP"), (".JPG", "JPEG")):
        assert run(album / "a.jpg", tmp_path / f"x{ending}", *MODEL).exit_code == 0
        with PIL.Image.open(tmp_path / f"x{ending}") as picture:
            assert picture.format == kind


def test_sixteen_bits_grey_and_transparency_stay_away_from_the_face(run, tmp_path, astronaut, use):
    deep = astronaut.astype(np.uint16) * 257 + 3
    alpha = np.dstack([astronaut, np.full(astronaut.shape[:2], 99, np.uint8)])
    for name, pixels in (("deep", deep), ("alpha", alpha), ("grey", astronaut[..., 1])):
        source, out = tmp_path / f"{name}.png", tmp_path / f"{name}-out.png"
        source.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels)))
        result = run(source, out, *MODEL)
        assert "1 face restored" in result.stdout
        restored = imagecodecs.png_decode(out.read_bytes())
        assert restored.dtype == pixels.dtype and restored.shape == pixels.shape
        assert not np.array_equal(restored, pixels)
        np.testing.assert_array_equal(restored[:, -10:], pixels[:, -10:])
    np.testing.assert_array_equal(
        imagecodecs.png_decode((tmp_path / "alpha-out.png").read_bytes())[..., 3], 99
    )


def test_a_phone_photo_on_its_side_comes_back_upright(run, tmp_path, astronaut, use):
    exif = PIL.Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Nokia"
    lying = np.ascontiguousarray(np.rot90(astronaut))  # to be turned by a quarter, clockwise
    PIL.Image.fromarray(lying).save(tmp_path / "phone.jpg", exif=exif, quality=95)
    result = run(tmp_path / "phone.jpg", tmp_path / "x.jpg", *MODEL)
    assert "1 face restored" in result.stdout
    with PIL.Image.open(tmp_path / "x.jpg") as picture:
        assert picture.getexif()[0x0112] == 1 and picture.getexif()[0x010F] == "Nokia"
        change = np.asarray(picture).astype(int) - astronaut
    assert np.abs(change[:, -10:]).mean() < 3 and change[80:100, 80:100].mean() < -20


def test_compare_and_masks_are_written_beside_never_among_the_results(run, album, tmp_path, use):
    out = tmp_path / "out"
    words = (*MODEL, "--compare", "--show-masks", "--allow-failed")
    run(album, out, *words)
    assert sorted(files(tmp_path / "out-beside")) == [
        "a.jpg.compare.png",
        "a.jpg.mask-0.png",
        "b/face.png.compare.png",
        "b/face.png.mask-0.png",
        "empty.jpg.compare.png",
    ]
    assert sorted(files(out)) == ["a.jpg", "b/face.png", "empty.jpg", "faces.jsonl"]
    run(album / "a.jpg", tmp_path / "x.jpg", *words)
    assert (tmp_path / "x.compare.png").exists() and (tmp_path / "x.mask-0.png").exists()


def test_resume_passes_over_what_is_finished_and_only_that(run, album, tmp_path, monkeypatch, use):
    out, words = tmp_path / "out", (*MODEL, "--allow-failed")
    run(album, out, *words)
    before = files(out)
    done = []
    restore = stages.Pipeline.restore
    monkeypatch.setattr(
        stages.Pipeline,
        "restore",
        lambda self, *a, name, **k: done.append(name) or restore(self, *a, name=name, **k),
    )
    assert "3 of them were finished before" in run(album, out, *words, "--resume").stdout
    assert done == [] and files(out) == before
    (out / "a.jpg").unlink()
    run(album, out, *words, "--resume")
    assert done == ["a.jpg"] and files(out) == before
    run(album, out, *words, "--resume", "--strength", "0.5")
    assert done == ["a.jpg", "a.jpg", "b/face.png", "empty.jpg"]
    run(album, out, *words)
    assert done[4:] == ["a.jpg", "b/face.png", "empty.jpg"] and files(out) == before


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(run, album, tmp_path, monkeypatch, use):
    out, words = tmp_path / "out", (*MODEL, "--allow-failed")
    restore = stages.Pipeline.restore

    def interrupted(self, *arguments, name, **named):
        if name == "b/face.png":
            raise KeyboardInterrupt
        return restore(self, *arguments, name=name, **named)

    with monkeypatch.context() as patched:
        patched.setattr(stages.Pipeline, "restore", interrupted)
        result = run(album, out, *words)
    assert result.exit_code == 130 and "--resume" in result.stderr
    assert sorted(files(out)) == ["a.jpg", "faces.jsonl.part"]
    assert "1 of them were finished" in run(album, out, *words, "--resume").stdout
    assert len(rows(out / "faces.jsonl")) == 5


def test_a_face_whose_restorer_fails_is_told_and_the_answer_is_no(run, album, tmp_path, use):
    """GFPGAN pastes the degraded face and says nothing."""

    def broken(crop):
        raise ValueError("out of order")

    use(broken)
    result = run(album / "a.jpg", tmp_path / "x.jpg", *MODEL)
    assert result.exit_code == 1
    assert "out of order" in result.stdout and "1 face could not be restored" in result.stderr
    assert (tmp_path / "x.jpg").read_bytes() == (album / "a.jpg").read_bytes()


@pytest.mark.parametrize(
    ("source", "target", "told"),
    [
        ("a.jpg", "a.jpg", "is a photo that is read"),
        ("a.jpg", "x.gif", "ends in .gif"),
        ("a.jpg", "noending", "has no ending"),
        ("missing.jpg", "x.jpg", "does not exist"),
        ("", "inside", "lies inside"),
        ("", "a.jpg", "is a file and"),
    ],
)
def test_wrong_use_is_one_line_and_writes_nothing(run, album, source, target, told, use):
    before = files(album)
    result = run(album / source, album / target, *MODEL)
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert told in line
    assert files(album) == before


@pytest.mark.parametrize("link", ["target", "folder"])
def test_no_source_is_overwritten_through_a_link(run, album, tmp_path, link, use):
    before = (album / "a.jpg").read_bytes()
    if link == "target":
        (tmp_path / "link.jpg").symlink_to(album / "a.jpg")
        result = run(album / "a.jpg", tmp_path / "link.jpg", *MODEL)
    else:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "b").symlink_to(album / "b")
        result = run(album, tmp_path / "out", *MODEL)
    assert result.exit_code == 2 and "is a photo that is read" in result.stderr
    assert (album / "a.jpg").read_bytes() == before


def test_the_records_and_the_comparison_overwrite_no_source_either(run, album, tmp_path, use):
    shutil.copy(album / "b" / "face.png", tmp_path / "x.compare.png")
    result = run(tmp_path / "x.compare.png", tmp_path / "x.png", *MODEL)
    assert "is a photo that is read" in result.stderr
    result = run(album / "a.jpg", tmp_path / "y.jpg", *MODEL, "--jsonl", album / "a.jpg")
    assert "is a photo that is read" in result.stderr


def test_a_single_bad_photo_is_one_line_with_exit_code_1(run, album, tmp_path, use):
    result = run(album / "broken.jpg", tmp_path / "x.jpg", *MODEL)
    assert result.exit_code == 1
    assert "Error: broken.jpg is no PNG, JPEG, WebP, TIFF or HEIC" in result.stderr
    assert not (tmp_path / "x.jpg").exists()


def test_a_format_that_cannot_hold_the_photo_is_one_line(run, tmp_path, astronaut, use):
    deep = astronaut.astype(np.uint16) * 257
    (tmp_path / "deep.png").write_bytes(imagecodecs.png_encode(deep))
    result = run(tmp_path / "deep.png", tmp_path / "x.jpg", *MODEL)
    assert result.exit_code == 1
    assert "deep.png: the photo has 16 bits" in result.stderr


def test_small_faces_are_left_alone_where_asked(run, album, tmp_path, use):
    result = run(album / "a.jpg", tmp_path / "x.jpg", *MODEL, "--smallest-face", 120)
    assert "too small" in result.stdout and "1 face skipped" in result.stdout
    assert (tmp_path / "x.jpg").read_bytes() == (album / "a.jpg").read_bytes()


def test_the_gate_blends_back_and_can_be_loosened_or_left_out(run, album, tmp_path, use):
    strange = data.camera()[:100, 200:300]
    import cv2

    def other(crop):
        other = cv2.resize(np.dstack([strange] * 3), crop.shape[1::-1])
        return np.ascontiguousarray(other)

    use(other)
    outcomes = {}
    for name, words in {
        "tight": ("--identity-threshold", 0.1),
        "loose": ("--identity-threshold", 5),
        "none": ("--no-identity-gate",),
    }.items():
        run(album / "a.jpg", tmp_path / f"{name}.png", *MODEL, *words)
        (outcomes[name],) = rows(tmp_path / f"{name}.png.faces.jsonl")
    assert outcomes["tight"]["status"] == "blended" and outcomes["tight"]["blend"] < 1
    assert outcomes["loose"]["status"] == "restored" and outcomes["loose"]["identity"] > 0.1
    assert outcomes["none"]["identity"] is None and outcomes["none"]["blend"] == 1


def test_a_full_disk_is_one_line_and_leaves_no_half_photo(run, album, tmp_path, monkeypatch, use):
    real = os.fsync

    def no_space(file):
        if not os.readlink(f"/proc/self/fd/{file}").endswith("faces.jsonl.part"):
            raise OSError(28, os.strerror(28))
        real(file)

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    monkeypatch.setattr(os, "fsync", no_space)
    result = run(album, tmp_path / "out", *MODEL)
    assert result.exit_code == 2 and "the disk is full" in result.stderr
    assert sorted(files(tmp_path / "out")) == ["faces.jsonl.part"]


def test_licences_are_agreed_to_by_name_only(run, album, tmp_path, monkeypatch, use):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    words = (album / "empty.jpg", tmp_path / "x.jpg", *MODEL, "--accept-licence")
    assert "no licence is called 'gpl'" in run(*words, "gpl").stderr
    assert run(*words, "ibug-68").exit_code == 0
    kept = tmp_path / "config" / "relume" / "accepted-licences.txt"
    assert kept.read_text(encoding="utf-8").split() == ["ibug-68"]


@pytest.mark.parametrize("option", ["--parser bisenet", "--detector yunet"])
def test_offline_weights_that_are_not_here_are_one_line(
    run, album, tmp_path, monkeypatch, option, use
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RELUME_WEIGHTS", raising=False)
    words = (album / "a.jpg", tmp_path / "x.jpg", *MODEL, *option.split())
    result = run(*words, "--offline")
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert "run `zoo fetch" in line


def test_a_scan_as_of_1927_stays_grey_and_gets_calmer(run, tmp_path, use):
    import degrade

    recipe = degrade.load_recipe(os.path.join(os.path.dirname(__file__), "scan-1927.yaml"))
    photo = data.astronaut()[:260, 80:340].copy()
    plan = degrade.plan(recipe, seed=1, image_id="a.png", size=photo.shape[:2], variant=0)
    _, lq = degrade.apply_pair(plan, photo)
    source, out = tmp_path / "scan.png", tmp_path / "restored.png"
    source.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(lq[..., 0])))
    result = run(source, out, *MODEL, "--background", "clean")
    assert "1 face restored" in result.stdout
    restored = levels(out)
    assert restored.ndim == 2
    walls = [plane[5:60, 200:255].astype(float) for plane in (lq[..., 0], restored)]
    grain = [np.abs(np.diff(wall, axis=1)).mean() for wall in walls]
    assert grain[1] < 0.85 * grain[0]

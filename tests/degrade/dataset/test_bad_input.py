"""What people get wrong: one clear line, exit code 1 or 2, nothing half-written left."""

import os
import subprocess
from contextlib import contextmanager

import imagecodecs
import numpy as np
import PIL.Image
import pytest

from degrade.dataset.manifest import read_manifest, summarise
from degrade.images import read_image, write_png

RECIPE = ("--recipe", "kuaishou-128")


def noise(*shape, dtype=np.uint8):
    high = np.iinfo(dtype).max
    return np.random.default_rng(3).integers(0, high, shape, dtype, endpoint=True)


def complaints(result):
    return [line for line in result.stderr.splitlines() if line.startswith(("Error:", "failed:"))]


def assert_refused(result, code, *words):
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    assert "Warning" not in result.stderr
    (line,) = complaints(result)
    for word in words:
        assert word in line


def assert_all_whole(folder):
    """No file under a final name is cut off, no temporary one is left."""
    for path in folder.rglob("*"):
        assert not path.name.endswith(".part"), path
        if path.suffix == ".png":
            read_image(path)


BAD_FILES = {
    "cut.jpg": "damaged",
    "text.png": "not an image in a format that can be read",
    "empty.png": "is empty (0 bytes)",
}


@pytest.fixture
def bad(tmp_path):
    folder = tmp_path / "bad"
    folder.mkdir()
    PIL.Image.fromarray(noise(64, 64, 3)).save(tmp_path / "whole.jpg")
    data = (tmp_path / "whole.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(data[: len(data) // 2])
    (folder / "text.png").write_text("hello")
    (folder / "empty.png").write_bytes(b"")
    return folder


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_no_picture_is_one_line(bad, tmp_path, command, name):
    out = tmp_path / "out"
    result = command("apply", bad / name, out / "lq.png", *RECIPE)
    assert_refused(result, 1, f"failed: {name}", BAD_FILES[name])
    assert not (out / "lq.png").exists()
    assert result.stdout == ""
    result = command("build", bad / name, out / "set", *RECIPE)
    assert_refused(result, 1, f"failed: {name}", BAD_FILES[name])
    assert read_manifest(out / "set").failed[0].source == name
    assert_all_whole(out)


def test_failed_inputs_are_counted_and_may_be_allowed(bad, tmp_path, command):
    write_png(bad / "good.png", noise(32, 32, 3))
    result = command("build", bad, tmp_path / "out", *RECIPE)
    assert result.returncode == 1
    assert len(complaints(result)) == 3
    assert result.stdout.startswith("1 pairs, 3 failed inputs")
    assert (tmp_path / "out" / "lq" / "good.png").is_file()
    again = command("build", bad, tmp_path / "out", *RECIPE, "--allow-failed")
    assert again.returncode == 0
    assert command("verify", tmp_path / "out").returncode == 0
    for allowed, code in (((), 1), (("--allow-failed",), 0)):
        result = command("apply", bad, tmp_path / "lq", *RECIPE, *allowed)
        assert result.returncode == code
        assert len(complaints(result)) == 3
    assert os.listdir(tmp_path / "lq") == ["good.png"]


def test_unusual_pictures_are_all_degraded(tmp_path, command):
    folder = tmp_path / "in"
    write_png(folder / "dot.png", noise(1, 1, 3))
    write_png(folder / "tall.png", noise(20000, 3, 3))
    write_png(folder / "wide.png", noise(3, 20000, 3))
    PIL.Image.fromarray(noise(20, 20)).save(folder / "grey.png")
    PIL.Image.fromarray(noise(20, 20, 4)).save(folder / "alpha.png")
    PIL.Image.fromarray(noise(32, 32, 4), "CMYK").save(folder / "cmyk.jpg")
    deep = noise(20, 20, 3, dtype=np.uint16)
    (folder / "deep.png").write_bytes(imagecodecs.png_encode(deep))
    (folder / "deep.tiff").write_bytes(imagecodecs.tiff_encode(deep))
    (folder / "deep.tiff").rename(folder / "deeper.tiff")
    result = command("build", folder, tmp_path / "out", *RECIPE, "--variants", "2")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("16 pairs, 0 failed inputs")
    assert command("verify", tmp_path / "out").returncode == 0


def test_an_empty_folder_and_a_missing_one(tmp_path, command):
    (tmp_path / "empty").mkdir()
    for verb, out in (("build", "set"), ("apply", "lq"), ("preview", "sheet.png")):
        result = command(verb, tmp_path / "empty", tmp_path / out, *RECIPE)
        assert_refused(result, 2, "Error:", "holds no images: expected files ending in")
        assert not (tmp_path / out).exists()
    result = command("build", tmp_path / "nowhere", tmp_path / "set", *RECIPE)
    assert_refused(result, 2, "neither a folder, a file nor a dataset's name")


def test_unknown_names_offer_the_nearest(photos, tmp_path, command):
    result = command("build", photos, tmp_path / "out", "--recipe", "kuaishuo")
    assert_refused(result, 2, "unknown recipe 'kuaishuo'", "Did you mean 'kuaishou'?")
    result = command("build", "sample-photo", tmp_path / "out", *RECIPE)
    assert_refused(result, 2, "Did you mean 'sample-photos'?")
    assert not (tmp_path / "out").exists()


def test_a_typo_in_a_recipe_names_the_line_and_the_nearest_key(photos, tmp_path, command):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("version: 1\nsteps:\n  - operation: jpeg\n    qualty: 50\n")
    result = command("build", photos, tmp_path / "out", "--recipe", recipe)
    assert_refused(result, 2, "mine.yaml line 4: unknown key 'qualty'", "Did you mean 'quality'?")
    recipe.write_text("version: 1\nsteps:\n  - operation jpeg\n    quality: 50\n")
    result = command("apply", photos, tmp_path / "out", "--recipe", recipe)
    assert_refused(result, 2, "mine.yaml line 4: this is not valid YAML")
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_or_in_use(photos, tmp_path, command):
    (tmp_path / "file").write_text("mine")
    assert_refused(command("build", photos, tmp_path / "file", *RECIPE), 2, "is a file")
    assert_refused(command("apply", photos, tmp_path / "file", *RECIPE), 2, "in the way")
    inner = tmp_path / "file" / "deeper"
    assert_refused(command("build", photos, inner, *RECIPE), 2, "a folder was expected")
    assert_refused(command("build", photos, tmp_path, *RECIPE), 2, "holds other files")
    assert (tmp_path / "file").read_text() == "mine"


def test_of_two_sources_of_one_name_the_second_fails(photos, tmp_path, command):
    (photos / "a.jpg").write_bytes((photos / "a.png").read_bytes())
    reported = "a.png would be stored under 'a', as 'a.jpg' is: rename one"
    result = command("build", photos, tmp_path / "out", *RECIPE)
    assert_refused(result, 1, f"failed: {reported}")
    assert result.stdout.startswith("5 pairs, 1 failed inputs")
    result = command("apply", photos, tmp_path / "lq", *RECIPE)
    assert_refused(result, 1, f"failed: {reported}")
    assert len(list((tmp_path / "lq").rglob("*.png"))) == 5


def test_another_recipe_seed_or_source_in_the_same_folder(photos, tmp_path, command):
    out = tmp_path / "out"
    assert command("build", photos, out, *RECIPE).returncode == 0
    before = sorted(path.read_bytes() for path in out.rglob("*") if path.is_file())
    result = command("build", photos, out, *RECIPE, "--seed", "2")
    assert_refused(result, 2, "was built from something else; changed: seed (0 → 2)")
    result = command("build", photos, out, "--recipe", "gfpgan")
    assert_refused(result, 2, "changed: recipe (kuaishou-128 → gfpgan)")
    write_png(photos / "more.png", noise(9, 9, 3))
    assert_refused(command("build", photos, out, *RECIPE), 2, "changed: inputs (5 → 6)")
    assert before == sorted(path.read_bytes() for path in out.rglob("*") if path.is_file())


def test_folders_that_no_build_made(photos, tmp_path, command):
    assert_refused(command("verify", photos), 2, "holds no metadata.parquet: give a folder from")
    assert_refused(command("verify", tmp_path / "nowhere"), 2, "holds no metadata.parquet")
    assert_refused(command("replay", photos, "a"), 2, "holds no metadata.parquet")


@contextmanager
def mounted(folder, *options):
    """Mount a small file system in memory on ``folder``, or skip where that is not allowed."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", *options, "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_one_line_and_the_build_goes_on_once_there_is_room(tmp_path, command):
    photos = tmp_path / "photos"
    for number in range(40):
        write_png(photos / f"{number:02d}.png", noise(48, 48, 3))
    with mounted(tmp_path / "disk", "-o", "size=256k") as disk:
        for workers in ("1", "2"):
            result = command("build", photos, disk / "set", *RECIPE, "--workers", workers)
            assert_refused(result, 2, "the disk is full: free some space and run the same command")
            assert not (disk / "set" / "metadata.parquet").exists()
            if workers == "1":
                assert_all_whole(disk)
        for path in disk.rglob("*.png"):
            read_image(path)
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        result = command("build", photos, disk / "set", *RECIPE)
        assert result.returncode == 0, result.stderr
        assert_all_whole(disk)
        assert command("verify", disk / "set").returncode == 0


def test_a_full_disk_while_applying_is_one_line(tmp_path, command):
    photos = tmp_path / "photos"
    for number in range(40):
        write_png(photos / f"{number:02d}.png", noise(48, 48, 3))
    with mounted(tmp_path / "disk", "-o", "size=128k") as disk:
        result = command("apply", photos, disk / "lq", *RECIPE)
        assert_refused(result, 2, "the disk is full")
        assert_all_whole(disk)


def test_no_permission_to_write_is_one_line(photos, tmp_path, command):
    with read_only(tmp_path / "locked") as locked:
        for verb, out in (("build", "set"), ("apply", "lq"), ("preview", "sheet.png")):
            result = command(verb, photos, locked / out, *RECIPE)
            assert result.returncode == 2
            assert_refused(result, 2, "choose a")
        assert not any(locked.iterdir())


@contextmanager
def read_only(folder):
    if os.geteuid():
        folder.mkdir(mode=0o500)
        yield folder
        return
    with mounted(folder, "-o", "size=64k"):
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield folder


def test_a_source_that_may_not_be_read_has_a_row(photos, tmp_path, command):
    if not os.geteuid():
        pytest.skip("root reads everything")
    (photos / "a.png").chmod(0)
    result = command("build", photos, tmp_path / "out", *RECIPE)
    assert_refused(result, 1, "a.png cannot be opened: Permission denied")


def test_files_of_one_name_that_all_fail_have_a_row_each_and_the_build_ends(tmp_path, command):
    """Their keys and statuses are alike, across shards too."""
    for ending in ("jpg", "png", "webp", "bmp"):
        (tmp_path / "in" / f"x.{ending}").parent.mkdir(exist_ok=True)
        (tmp_path / "in" / f"x.{ending}").write_bytes(b"no picture")
    write_png(tmp_path / "in" / "y.png", np.zeros((32, 32, 3), np.uint8))
    out = tmp_path / "out"
    result = command(
        "build", tmp_path / "in", out, "--recipe", "kuaishou", "--seed", "1", "--allow-failed"
    )
    assert result.returncode == 0, result.stderr
    manifest = read_manifest(out)
    assert (len(manifest.rows), len(manifest.failed)) == (1, 4)
    assert summarise(out).digest == manifest.digest()


@pytest.mark.parametrize("place", [".", "pairs", "deep/er"])
def test_a_build_into_its_own_source_is_refused_and_writes_nothing(photos, command, place):
    before = sorted(photos.rglob("*"))
    result = command("build", photos, photos / place, *RECIPE)
    assert_refused(result, 2, "lies inside", "build elsewhere")
    assert sorted(photos.rglob("*")) == before

"""Whatever lies in a folder, each input has a row, and the others are what they are without it."""

import os
import shutil
import subprocess

import imagecodecs
import numpy as np
import PIL.Image
import pytest

from degrade.dataset.build import build
from degrade.dataset.manifest import read_manifest
from degrade.dataset.paired_dataset import PairedDataset
from degrade.dataset.sources import open_source
from degrade.images import encode_png, write_png


def image(seed):
    return np.random.default_rng(seed).integers(0, 256, (24, 20, 3)).astype(np.uint8)


def good(folder):
    """Fill a folder with images that can be used; returns their keys."""
    for name, seed in (("a.png", 1), ("sub/b.c.png", 2), ("copy of a.png", 1), ("Ünï.png", 3)):
        write_png(folder / name, image(seed))
    (folder / "fast.qoi").write_bytes(imagecodecs.qoi_encode(image(4)))
    (folder / "small.jxl").write_bytes(imagecodecs.jpegxl_encode(image(5), lossless=True))
    PIL.Image.fromarray(image(6)).convert("P").save(folder / "moving.gif")
    (folder / "link.png").symlink_to("a.png")
    write_png(folder / ("n" * 236 + ".png"), image(7))
    return {"a", "sub/b_c", "copy of a", "Ünï", "fast", "small", "moving", "link", "n" * 236}


def bad(folder):
    """Add inputs that cannot be used; returns a word of the reason by the name in the manifest."""
    whole = encode_png(image(9))
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.jpg").write_text("hello")
    (folder / "flipped.png").write_bytes(whole[:300] + b"\0\0\0\0" + whole[304:])
    (folder / "bomb.qoi").write_bytes(b"qoif" + b"\0\0\xff\xff" * 2 + b"\3\0" + bytes(99))
    (folder / "phone.heic").write_bytes(b"ftypheic")
    (folder / "gone.png").symlink_to("nowhere.png")
    (folder / "self.png").symlink_to("self.png")
    os.mkfifo(folder / "pipe.png")
    write_png(folder / "a.jpg", image(10))
    write_png(folder / "U\u0308n\u0131\u0308.png", image(11))
    write_png(folder / "Ün\u0131\u0308.png", image(12))
    write_png(folder / ("m" * 244 + ".png"), image(13))
    with open(os.fsencode(folder) + b"/caf\xe9.png", "wb") as file:
        file.write(whole)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    return {
        "cut.png": "is damaged", "empty.png": "is empty (0 bytes)", "text.jpg": "is not an image",
        "flipped.png": "is damaged", "bomb.qoi": "pixels, more than the limit",
        "phone.heic": "in a format that cannot be read (.heic)",
        "gone.png": "cannot be opened: No such file", "self.png": "Too many levels",
        "pipe.png": "is not a regular file", "a.png": "would be stored under 'a', as 'a.jpg' is",
        "Ün\u0131\u0308.png": "counts as the same image", "m" * 244 + ".png": "248 bytes",
        "caf\\xe9.png": "is not UTF-8",
    }  # fmt: skip


@pytest.mark.timeout(120)
def test_every_input_has_a_row_and_the_good_ones_are_untouched(tmp_path):
    good(tmp_path / "clean")
    shutil.copytree(tmp_path / "clean", tmp_path / "mixed", symlinks=True)
    reasons = bad(tmp_path / "mixed")
    results = {}
    for name in ("clean", "mixed"):
        dataset = PairedDataset(open_source(tmp_path / name), "kuaishou-128", seed=3)
        results[name] = build(dataset, tmp_path / f"{name}-set")
    clean, mixed = (read_manifest(tmp_path / f"{name}-set") for name in ("clean", "mixed"))
    assert not clean.failed
    assert {row.source: row.error for row in mixed.failed}.keys() == reasons.keys()
    for row in mixed.failed:
        assert row.error.startswith(f"{row.source} "), row
        assert reasons[row.source] in row.error, row
    # a.jpg came before a.png and took its key; the decomposed name is an image of its own.
    others = {row.key: row for row in mixed.rows}
    assert others.pop("a").source == "a.jpg"
    assert others.pop("U\u0308n\u0131\u0308").source == "U\u0308n\u0131\u0308.png"
    assert others == {row.key: row for row in clean.rows if row.key != "a"}
    assert results["mixed"].counts == {"ok": 10, "failed": 13}
    assert len({row.key for row in (*mixed.rows, *mixed.failed)}) == 23 - 1  # a.png failed as a


def test_equal_bytes_under_two_names_are_both_kept_and_counted(tmp_path):
    keys = good(tmp_path / "in")
    result = build(PairedDataset(open_source(tmp_path / "in"), "kuaishou-128"), tmp_path / "set")
    rows = {row.key: row for row in read_manifest(tmp_path / "set").rows}
    assert rows.keys() == keys
    same = {rows[key].source_sha256 for key in ("a", "copy of a", "link")}
    assert len(same) == 1
    assert len({rows[key].lq_sha256 for key in ("a", "copy of a", "link")}) == 3
    assert result.copies == 2


def test_the_command_builds_the_rest_and_says_what_failed(tmp_path, command):
    good(tmp_path / "in")
    reasons = bad(tmp_path / "in")
    result = command("build", tmp_path / "in", tmp_path / "out", "--recipe", "kuaishou-128",
                     "--workers", "2")  # fmt: skip
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stdout.startswith("10 pairs, 13 failed inputs")
    assert "2 inputs are byte-equal copies of others" not in result.stdout  # a.png failed
    assert "1 input is a byte-equal copy of others" in result.stdout
    failures = [line for line in result.stderr.splitlines() if line.startswith("failed: ")]
    assert len(failures) == 10
    assert "and 3 more, in" in result.stderr
    assert command("verify", tmp_path / "out").returncode == 0
    assert len(reasons) == 13


def test_a_folder_of_nothing_but_failures_is_built_and_told(tmp_path, command):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.heic").write_bytes(b"x")
    (tmp_path / "in" / "b.png").write_bytes(b"")
    result = command("build", tmp_path / "in", tmp_path / "out", "--recipe", "kuaishou-128")
    assert result.returncode == 1, result.stderr
    assert result.stdout.startswith("0 pairs, 2 failed inputs")


@pytest.mark.parametrize("verb", ["apply", "preview"])
def test_commands_that_store_no_rows_still_tell_and_do_not_hang(tmp_path, command, verb):
    (tmp_path / "in").mkdir()
    write_png(tmp_path / "in" / "good.png", image(1))
    os.mkfifo(tmp_path / "in" / "pipe.png")
    out = tmp_path / ("sheet.png" if verb == "preview" else "lq")
    result = command(verb, tmp_path / "in", out, "--recipe", "kuaishou-128")
    assert isinstance(result, subprocess.CompletedProcess)
    if verb == "apply":
        assert result.returncode == 1
        assert "failed: pipe.png is not a regular file" in result.stderr
        assert os.listdir(out) == ["good.png"]
    else:
        assert result.returncode == 0, result.stderr

"""The options of reading, through the commands that have them."""

import json

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner

from degrade.cli import main
from degrade.dataset.lock import read_lock
from degrade.images import read_image, write_png

RECIPE = ("--recipe", "kuaishou-128")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run ``degrade`` in this process, as a person without sets; returns click's result."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.delenv("RELUME_DATA", raising=False)

    def invoke(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def transparent(tmp_path):
    """A folder with one half-transparent image."""
    image = np.random.default_rng(6).integers(0, 256, (24, 24, 4)).astype(np.uint8)
    (tmp_path / "in").mkdir()
    PIL.Image.fromarray(image).save(tmp_path / "in" / "a.png")
    return tmp_path / "in", image


def reported(result):
    return [line for line in result.stderr.splitlines() if not line.startswith("building ")]


def test_a_policy_reaches_the_pixels_and_the_lock(run, transparent, tmp_path):
    folder, image = transparent
    result = run("build", folder, tmp_path / "out", *RECIPE, "--alpha", "drop")
    assert result.exit_code == 0, result.output
    assert np.array_equal(read_image(tmp_path / "out" / "hq" / "a.png"), image[..., :3])
    recorded = read_lock(tmp_path / "out")["built_from"]["reading"]
    assert recorded == {
        "exif": "apply", "icc": "srgb", "alpha": "drop", "grey": "repeat",
        "sixteen_bit": "round", "cmyk": "convert", "pixel_limit": 178_956_970,
    }  # fmt: skip


def test_another_policy_in_the_same_folder_is_refused(run, transparent, tmp_path):
    assert run("build", transparent[0], tmp_path / "out", *RECIPE).exit_code == 0
    result = run("build", transparent[0], tmp_path / "out", *RECIPE, "--alpha", "black")
    assert result.exit_code == 2
    assert "changed: reading.alpha (white → black)" in result.stderr
    result = run("build", transparent[0], tmp_path / "out", *RECIPE, "--pixel-limit", "1000")
    assert "changed: reading.pixel_limit (178956970 → 1000)" in result.stderr


def test_what_a_policy_refuses_is_a_failed_input(run, transparent, tmp_path):
    for options, words in (
        (("--alpha", "refuse"), "a.png is transparent, which was to be refused (--alpha refuse)"),
        (("--pixel-limit", "575"), "a.png has 24 × 24 pixels, more than the limit of 575"),
    ):
        result = run("apply", transparent[0], tmp_path / "lq", *RECIPE, *options)
        assert result.exit_code == 1
        assert f"failed: {words}" in reported(result)


def test_apply_and_preview_read_as_build_does(run, transparent, tmp_path):
    folder, image = transparent
    write_png(tmp_path / "plain" / "a.png", image[..., :3])
    for verb, outs in (("apply", ("one.png", "two.png")), ("preview", ("one.png", "two.png"))):
        one, two = (tmp_path / f"{verb}-{out}" for out in outs)
        assert run(verb, folder / "a.png", one, *RECIPE, "--alpha", "drop").exit_code == 0
        assert run(verb, tmp_path / "plain" / "a.png", two, *RECIPE).exit_code == 0
        assert np.array_equal(read_image(one), read_image(two))


def celeba_hq(folder, test_pictures):
    """CelebAMask-HQ's layout with a few images, the first ones of CelebA's test partition."""
    random = np.random.default_rng(9)
    lines = ["idx orig_idx orig_file"]
    for index in range(test_pictures + 2):
        number = 182_638 + index if index < test_pictures else index
        image = random.integers(0, 256, (40, 40, 3)).astype(np.uint8)
        (folder / "CelebA-HQ-img").mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(image).save(folder / "CelebA-HQ-img" / f"{index}.jpg")
        lines.append(f"{index} {number - 1} {number:06d}.jpg")
    (folder / "CelebA-HQ-to-CelebA-mapping.txt").write_text("\n".join(lines))
    return folder


def test_a_test_set_is_built_by_its_name(run, tmp_path):
    """A test set of one's own, so that images can be small; the shipped ones are like it."""
    root = celeba_hq(tmp_path / "CelebAMask-HQ", 3)
    mine = tmp_path / "celeba-test-small.yaml"
    mine.write_text(
        "summary: small\ndataset: celeba-hq:test\nrecipe: kuaishou-128\nlongest_side: 32\n"
    )
    result = run("build", mine, tmp_path / "set", "--seed", "5", "--root", root)
    assert result.exit_code == 0, result.output
    note = "note: celeba-hq:test has 3 images at"
    assert [line.startswith(note) for line in reported(result)] == [True]
    assert "2,824 are known" in reported(result)[0]
    by_hand = run("build", "celeba-hq:test", tmp_path / "hand", *RECIPE, "--longest-side", "32",
                  "--seed", "5", "--root", root)  # fmt: skip
    digests = [
        next(line for line in reported.stdout.splitlines() if line.startswith("digest "))
        for reported in (result, by_hand)
    ]
    assert digests[0] == digests[1]
    assert sorted(path.name for path in (tmp_path / "set" / "lq").iterdir()) == [
        "0.png", "1.png", "2.png",
    ]  # fmt: skip
    assert read_image(tmp_path / "set" / "hq" / "0.png").shape == (32, 32, 3)
    other = run("build", mine, tmp_path / "other", "--seed", "6", "--root", root)
    assert digests[0] not in other.stdout


def test_a_shipped_test_set_needs_its_pictures_and_says_where_they_are(run, tmp_path):
    result = run("build", "celeba-test-gfpgan", tmp_path / "set", "--seed", "1")
    assert result.exit_code == 2
    assert "celeba-hq is not on this machine: download CelebAMask-HQ" in result.stderr
    assert not (tmp_path / "set").exists()


def test_what_a_test_set_fixes_cannot_be_given(run, tmp_path):
    for option in (RECIPE, ("--longest-side", "64")):
        result = run("build", "celeba-test-gfpgan", tmp_path / "set", *option)
        assert result.exit_code == 2
        assert f"{option[0]} is what the test set celeba-test-gfpgan fixes" in result.stderr
    result = run("build", tmp_path, tmp_path / "set")
    assert result.exit_code == 2
    assert "Missing option '--recipe'" in result.stderr


def test_another_count_is_told_and_refused_when_strict(run, tmp_path):
    root = celeba_hq(tmp_path / "CelebAMask-HQ", 1)
    strict = ("build", "celeba-hq", tmp_path / "set", *RECIPE, "--root", root, "--strict")
    result = run(*strict)
    assert result.exit_code == 1
    assert "celeba-hq has 3 images at" in result.stderr
    assert "30,000 are known: complete it, or leave out --strict" in result.stderr
    assert not (tmp_path / "set").exists()
    result = run("build", "sample-photos", tmp_path / "samples", *RECIPE, "--strict",
                 "--longest-side", "32")  # fmt: skip
    assert result.exit_code == 0
    assert reported(result) == []


def test_the_lists_show_what_there_is_and_where(run, tmp_path, monkeypatch):
    celeba_hq(tmp_path / "data" / "celeba-hq", 1)
    monkeypatch.setenv("RELUME_DATA", str(tmp_path / "data"))
    table = run("list", "--datasets").stdout.splitlines()
    assert table[0].split() == ["name", "count", "splits", "role", "licence", "where", "summary"]
    (row,) = [line for line in table if line.startswith("celeba-hq ")]
    assert "30000" in row
    assert f" {tmp_path / 'data' / 'celeba-hq'} " in row
    assert "not here: https://github.com/NVlabs/ffhq-dataset" in "\n".join(table)
    records = json.loads(run("list", "--datasets", "--json").stdout)
    assert [record["name"] for record in records][:2] == ["ffhq", "ffhq-128"]
    one = json.loads(run("list", "--dataset", "celeba-hq", "--json").stdout)
    assert (one["found"], one["count"], one["hashes"]) == (3, 30_000, "none published")
    assert one["splits"]["test"]["count"] == 2824
    text = run("list", "--dataset", "celeba-hq").stdout
    assert "test: 2824 images, numbers 182638 to 202599" in text
    result = run("list", "--dataset", "celebahq")
    assert result.exit_code == 2
    assert "Did you mean 'celeba-hq'?" in result.stderr
    assert "celeba-test-gfpgan" in run("list", "--testsets").stdout

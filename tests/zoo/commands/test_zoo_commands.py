import json
import os
import sys

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner

import zoo
from degrade.images import read_image, write_png
from zoo.cli import main
from zoo.weights.builtin import RESTORER, shipped_card, shipped_names
from zoo.weights.files import KNOWN_WEIGHTS


@pytest.fixture
def run():
    """Run ``zoo`` with words; standard output and standard error apart."""

    def invoke(*words):
        result = CliRunner().invoke(main, [str(word) for word in words])
        assert result.exception is None or isinstance(result.exception, SystemExit), result
        return result

    return invoke


@pytest.fixture
def crops(tmp_path, photographs, add_noise):
    folder = tmp_path / "crops"
    write_png(folder / "astronaut.png", add_noise(photographs["astronaut"], 20))
    write_png(folder / "others" / "coffee.png", add_noise(photographs["coffee"][:40, :30], 20))
    return folder


def one_line(result):
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


def others():
    """Cards of networks that restore nothing, below the restorers."""
    cards = [shipped_card(name).card for name in shipped_names(None)]
    found = [card for card in cards if card.kind != RESTORER]
    assert {card.kind for card in found} == {"generator", "descriptor", "encoder"}
    return found


def test_list_is_an_aligned_table(run):
    result = run("list")
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    cards = (*zoo.cards(), *others())
    assert [line.split()[0] for line in lines[1:]] == [card.name for card in cards]
    column = lines[0].index("SUMMARY")
    for line, card in zip(lines[1:], cards, strict=True):
        assert line[column:] == card.summary
        assert ("oracle" in line) != card.blind


def test_list_and_card_as_json_hold_the_whole_cards(run):
    records = json.loads(run("list", "--json").stdout)
    assert [record["name"] for record in records] == [
        *zoo.names(),
        *(card.name for card in others()),
    ]
    whole = json.loads(run("card", "dejpeg", "--json").stdout)
    assert whole.pop("more") == {}
    assert whole.items() <= records[zoo.names().index("dejpeg")].items()
    assert set(whole) == set(zoo.card("input").as_record())


def test_card_shows_limits_licences_and_the_notice(run):
    shown = run("card", "nlmeans").stdout
    assert zoo.card("nlmeans").limits in shown
    assert "licence of weights" in shown
    assert "no evidence of who someone is" in shown


def test_an_unknown_name_is_one_line_with_the_nearest(run):
    result = run("card", "nlmaens")
    assert result.exit_code == 2
    assert "did you mean nlmeans?" in one_line(result)


@pytest.mark.parametrize("command", ["", "list", "card", "restore", "fetch", "export"])
def test_every_help_has_an_example(run, command):
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert "\n  Examples:\n    zoo " in result.stdout


def test_the_help_of_restore_says_that_detail_is_invented(run):
    told = " ".join(run("restore", "--help").stdout.split())
    assert "Restored detail is invented; it is no evidence of who someone is." in told


def test_a_folder_is_restored_with_its_names(run, crops, tmp_path):
    result = run("restore", crops, tmp_path / "out", "--model", "nlmeans", "--aligned")
    assert result.exit_code == 0
    assert result.stdout.strip() == f"restored 2 of 2 images into {tmp_path / 'out'}"
    expected = zoo.load("nlmeans").restore([read_image(crops / "others" / "coffee.png")])[0]
    assert np.array_equal(read_image(tmp_path / "out" / "others" / "coffee.png"), expected)


def test_a_jpeg_file_becomes_a_png_file(run, crops, tmp_path, photographs):
    PIL.Image.fromarray(photographs["chelsea"]).save(tmp_path / "cat.jpg", quality=15)
    words = (
        "restore",
        tmp_path / "cat.jpg",
        tmp_path / "cat.png",
        "--model",
        "dejpeg",
        "--aligned",
    )
    assert run(*words).exit_code == 0
    assert (tmp_path / "cat.png").read_bytes()[:4] == b"\x89PNG"


def test_the_tag_is_in_the_png_unless_left_out(run, crops, tmp_path):
    source = crops / "astronaut.png"
    run("restore", source, tmp_path / "a.png", "--model", "bilateral", "--aligned")
    run("restore", source, tmp_path / "b.png", "--model", "bilateral", "--aligned", "--no-tag")
    with PIL.Image.open(tmp_path / "a.png") as tagged, PIL.Image.open(tmp_path / "b.png") as plain:
        assert tagged.text["relume"].startswith("bilateral ")
        assert plain.text == {}
        assert np.array_equal(np.array(tagged), np.array(plain))


def test_strength_zero_returns_the_input_exactly(run, crops, tmp_path):
    words = ("restore", crops, tmp_path / "out", "--model", "nlmeans", "--aligned", "--strength", 0)
    assert run(*words).exit_code == 0
    for name in ("astronaut.png", "others/coffee.png"):
        assert np.array_equal(read_image(tmp_path / "out" / name), read_image(crops / name))


def test_a_bad_file_is_listed_at_the_end_with_exit_code_one(run, crops, tmp_path):
    (crops / "broken.jpg").write_text("not a picture")
    (crops / "empty.png").write_bytes(b"")
    words = ("restore", crops, tmp_path / "out", "--model", "input", "--aligned")
    result = run(*words)
    assert result.exit_code == 1
    assert "restored 2 of 4 images" in result.stdout
    failed = [line for line in result.stderr.splitlines() if line.startswith("failed: ")]
    assert [line.split()[1] for line in failed] == ["broken.jpg", "empty.png"]
    assert "2 of 4 images could not be restored" in result.stderr.splitlines()[-1]
    assert run(*words, "--allow-failed").exit_code == 0


def test_a_single_bad_file_is_one_line_with_exit_code_one(run, tmp_path):
    (tmp_path / "broken.jpg").write_text("not a picture")
    words = (
        "restore",
        tmp_path / "broken.jpg",
        tmp_path / "x.png",
        "--model",
        "input",
        "--aligned",
    )
    result = run(*words)
    assert result.exit_code == 1
    assert one_line(result).startswith("Error: broken.jpg is not an image")
    assert not (tmp_path / "x.png").exists()


def test_the_result_can_be_read_by_a_program(run, crops, tmp_path):
    (crops / "empty.png").write_bytes(b"")
    words = ("restore", crops, tmp_path / "out", "--model", "input", "--aligned", "--json")
    record = json.loads(run(*words).stdout)
    assert record["restored"] == 2
    assert [failure["name"] for failure in record["failed"]] == ["empty.png"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--model", "nlmeans", "--aligned", "--compare"], "whole photographs"),
        (["--model", "wiener"], "oracle"),
        (["--model", "wiener", "--aligned"], "oracle"),
        (["--model", "bilatral", "--aligned"], "did you mean bilateral"),
    ],
)
def test_wrong_use_is_one_line_and_writes_nothing(run, crops, tmp_path, words, told):
    result = run("restore", crops, tmp_path / "out", *words)
    assert result.exit_code == 2
    assert told in one_line(result)
    assert not (tmp_path / "out").exists()


def test_a_strength_beyond_one_is_refused(run, crops, tmp_path):
    words = ("restore", crops, tmp_path / "out", "--model", "input", "--aligned", "--strength", 2)
    result = run(*words)
    assert result.exit_code == 2
    assert "0.0<=x<=1.0" in result.stderr


@pytest.mark.skipif(
    sys.platform == "win32" or not os.path.exists("/dev/full"), reason="needs /dev/full"
)
def test_a_full_disk_is_one_line_and_leaves_nothing(run, crops, tmp_path, monkeypatch):
    def no_space(file, *_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", no_space)
    result = run("restore", crops, tmp_path / "out", "--model", "input", "--aligned")
    assert result.exit_code == 2
    assert "the disk is full" in one_line(result)
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_fetch_without_a_name_lists_what_there_is(run, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("RELUME_WEIGHTS", raising=False)
    lines = run("fetch").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(KNOWN_WEIGHTS)
    records = json.loads(run("fetch", "--json").stdout)
    assert [record["present"] for record in records] == [False] * len(KNOWN_WEIGHTS)


def test_fetch_offline_and_an_unknown_name_are_one_line(run, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = run("fetch", "alexnet", "--offline")
    assert result.exit_code == 2
    assert "run `zoo fetch alexnet`" in one_line(result)
    result = run("fetch", "alexnt")
    assert result.exit_code == 2
    assert "alexnet" in one_line(result)

import json

import numpy as np
import pytest
from click.testing import CliRunner

import degrade
from degrade.cli import main
from degrade.dataset.manifest import read_manifest
from degrade.dataset.rows import pixel_digest
from degrade.images import read_image, write_png
from degrade.planner.plan import Plan


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def finished(*arguments):
    result = call(*arguments)
    assert result.exit_code == 0, result.stderr
    return result


def test_list_shows_recipes_operations_and_datasets():
    lines = finished("list").stdout.splitlines()
    assert lines[0].split() == ["name", "size", "scale", "psnr", "switches", "summary"]
    assert [line.split()[0] for line in lines[1:]] == list(degrade.list_recipes())
    assert "defocus_blur" in finished("list", "--operations").stdout
    assert "sample-photos" in finished("list", "--datasets").stdout


def test_list_tells_the_default_reading_and_json_the_others():
    (line,) = (line for line in finished("list").stdout.splitlines() if line.startswith("gfpgan "))
    assert line.split()[:5] == ["gfpgan", "512", "1", "20.8", "exact"]
    records = {record["name"]: record for record in json.loads(finished("list", "--json").stdout)}
    assert records["gfpgan"]["switches"] == {
        "reading": {"default": "exact", "values": ["exact", "correct"]}
    }
    assert records["gfpgan-128"]["switches"] == {}


@pytest.mark.parametrize("what", ["--recipes", "--operations", "--datasets"])
def test_list_speaks_json(what):
    records = json.loads(finished("list", what, "--json").stdout)
    assert all(record["name"] and record["summary"] for record in records)


def test_the_version_is_told():
    assert finished("--version").stdout == f"relume {degrade.__version__}\n"


def test_build_verify_and_replay_agree(photos, tmp_path):
    out = tmp_path / "out"
    options = ["--recipe", "kuaishou-128", "--seed", "7", "--variants", "2"]
    built = finished("build", photos, out, *options)
    assert built.stdout.startswith("10 pairs, 0 failed inputs")
    digest = built.stdout.splitlines()[1].removeprefix("digest ")
    checked = finished("verify", out)
    assert checked.stdout == f"10 of 10 pairs are as the manifest says\ndigest {digest}\n"
    for row in read_manifest(out).rows:
        again = finished("replay", out, row.key, "--out", tmp_path / "again.png")
        assert f"{row.key}: identical, lq {row.lq_sha256}" in again.stdout
        assert pixel_digest(read_image(tmp_path / "again.png")) == row.lq_sha256
    again = json.loads(finished("build", photos, out, *options, "--json").stdout)
    assert again == {"folder": str(out), "counts": {"ok": 10}, "digest": digest}


def test_build_and_verify_speak_json_and_nothing_else_on_standard_output(photos, tmp_path):
    built = finished("build", photos, tmp_path / "out", "--recipe", "gfpgan-128", "--json")
    record = json.loads(built.stdout)
    checked = json.loads(finished("verify", tmp_path / "out", "--quick", "--json").stdout)
    assert checked == {
        "digest": record["digest"],
        "pairs": 5,
        "failed_inputs": 0,
        "versions": [],
        "mismatches": [],
    }
    assert f"building {tmp_path / 'out'}: 5/5 pairs" in built.stderr


def test_workers_and_jsonl_of_the_command(photos, tmp_path):
    for workers, out in ((1, "one"), (2, "two")):
        arguments = ["--recipe", "kuaishou-128", "--jsonl", "--workers", workers, "--json"]
        finished("build", photos, tmp_path / out, *arguments)
    one, two = (tmp_path / out / "pairs.jsonl" for out in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert finished("verify", tmp_path / "two", "--workers", 2).exit_code == 0


def test_verify_names_what_is_wrong_and_ends_with_1(photos, tmp_path):
    out = tmp_path / "out"
    finished("build", photos, out, "--recipe", "gfpgan-128")
    image = read_image(out / "lq" / "a.png")
    image[0, 0, 0] ^= 1
    write_png(out / "lq" / "a.png", image)
    (out / "hq" / "z.png").unlink()
    result = call("verify", out)
    assert result.exit_code == 1
    assert "a: lq/a.png has other pixels than the manifest says\n" in result.stderr
    assert "z: hq/z.png: No such file or directory\n" in result.stderr
    assert result.stdout.startswith("3 of 5 pairs are as the manifest says\n")
    assert len(json.loads(call("verify", out, "--json").stdout)["mismatches"]) == 2


def test_replay_of_a_changed_source_is_different_and_ends_with_1(photos, tmp_path):
    finished("build", photos, tmp_path / "out", "--recipe", "gfpgan-128")
    write_png(photos / "a.png", 255 - read_image(photos / "a.png"))
    result = call("replay", tmp_path / "out", "a")
    assert result.exit_code == 1
    assert "a: DIFFERENT, lq " in result.stdout


def test_apply_gives_the_low_quality_half_of_the_build(photos, tmp_path):
    options = ["--recipe", "kuaishou-128", "--seed", "7"]
    finished("build", photos, tmp_path / "out", *options, "--variants", "2")
    for variant in (0, 1):
        folder = tmp_path / f"lq{variant}"
        finished("apply", photos, folder, *options, "--variant", variant)
        for row in read_manifest(tmp_path / "out").rows:
            if row.variant == variant:
                assert pixel_digest(read_image(folder / row.source)) == row.lq_sha256


def test_apply_takes_one_picture_and_shows_its_plan(photos, tmp_path):
    target = tmp_path / "deep" / "bad.png"
    result = finished("apply", photos / "z.png", target, "--recipe", "gfpgan-128", "--show-plan")
    plan = Plan.from_json(result.stdout)
    assert plan.image_id == "z.png"
    assert np.array_equal(read_image(target), degrade.apply(plan, read_image(photos / "z.png")))


def test_apply_never_overwrites_a_source_or_a_result(photos, tmp_path):
    before = {path: path.read_bytes() for path in photos.rglob("*.png")}
    for target in (photos, photos / "sub" / ".."):
        result = call("apply", photos, target, "--recipe", "gfpgan-128")
        assert result.exit_code == 2
        assert "OUT would overwrite" in result.stderr
    result = call("apply", photos / "a.png", photos / "a.png", "--recipe", "gfpgan-128")
    assert "OUT would overwrite" in result.stderr
    assert before == {path: path.read_bytes() for path in photos.rglob("*.png")}
    (photos / "a.jpg").write_bytes((photos / "a.png").read_bytes())
    result = call("apply", photos, tmp_path / "out", "--recipe", "gfpgan-128")
    assert result.exit_code == 1
    assert "failed: a.png would be stored under 'a', as 'a.jpg' is: rename one" in result.stderr
    assert len(list((tmp_path / "out").rglob("*.png"))) == len(before)


def test_apply_says_which_names_it_can_write(photos, tmp_path):
    result = call("apply", photos / "a.png", tmp_path / "bad.jpg", "--recipe", "gfpgan-128")
    assert result.exit_code == 2
    assert "give a name ending in .png" in result.stderr
    result = call("apply", photos, tmp_path / "bad.png", "--recipe", "gfpgan-128")
    assert result.exit_code == 2
    assert "is one file, IN holds 5 images" in result.stderr


def test_preview_shows_what_build_makes(photos, tmp_path):
    sheet = tmp_path / "sheet.png"
    options = ["--recipe", "kuaishou-128", "--recipe", "gfpgan-128", "--seed", "7"]
    reported = finished(
        "preview", photos / "z.png", sheet, *options, "--variants", "3", "--side", "80"
    )
    assert reported.stdout == f"wrote {sheet}\n"
    image = read_image(sheet)
    assert image.shape[1] == 2 * 16 + 4 * 80 + 3 * 12


@pytest.mark.parametrize("command", ["", "list", "apply", "build", "verify", "replay", "preview"])
def test_every_command_has_help_with_an_example(command):
    reported = finished(*command.split(), "--help").stdout
    assert f"degrade {command}".strip() in reported


def test_seeds_are_64_bits_and_one_more_is_wrong_use(photos, tmp_path):
    out = tmp_path / "out"
    finished("build", photos, out, "--recipe", "gfpgan-128", "--seed", 2**64 - 1)
    assert read_manifest(out).rows[0].plan.count(str(2**64 - 1)) == 1
    result = call("build", photos, tmp_path / "b", "--recipe", "gfpgan-128", "--seed", 2**64)
    assert result.exit_code == 2
    assert not (tmp_path / "b").exists()

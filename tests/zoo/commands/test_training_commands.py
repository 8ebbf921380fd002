import json
import re

import pytest
from click.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("dlib")

from training_stand_ins import write_faces

from degrade.images import read_image
from zoo.cli import main
from zoo.portrait.align.alignment import template_of
from zoo.training.base.config import list_configs


@pytest.fixture(scope="module")
def aligned(tmp_path_factory):
    out = tmp_path_factory.mktemp("faces") / "out"
    told = CliRunner().invoke(main, ["align", "sample-photos", str(out), "--size", "64"])
    assert told.exit_code == 0, told.output
    return out, told.output


def test_the_face_of_a_photo_is_cut_and_photos_without_one_are_named(aligned):
    out, told = aligned
    assert [path.name for path in out.glob("*.png")] == ["astronaut.png"]
    assert read_image(out / "astronaut.png").shape == (64, 64, 3)
    assert "1 faces, 6 photos left out" in told
    assert "left out: coffee.png: no face was found" in told


def test_the_folder_says_how_its_faces_are_aligned(aligned):
    out, _ = aligned
    assert json.loads((out / "alignment.json").read_text()) == {"template": "tight", "size": 64}
    assert template_of(out) == "tight"
    assert sorted(path.name for path in out.iterdir()) == ["alignment.json", "astronaut.png"]


def test_faces_of_another_size_and_unknown_names_are_one_line(aligned, tmp_path):
    run = CliRunner().invoke
    told = run(main, ["train", "style-128", "--faces", str(aligned[0]), "--out", str(tmp_path)])
    assert told.exit_code == 2
    assert "run `zoo align` with --size 128" in told.output
    told = run(main, ["train", "unet-129", "--faces", "x", "--out", str(tmp_path)])
    assert told.exit_code == 2
    assert "Did you mean 'unet-128'?" in told.output


def test_without_arguments_the_command_says_what_it_needs_and_lists_what_there_is():
    run = CliRunner().invoke
    told = run(main, ["train"])
    assert told.exit_code == 2
    assert "CONFIG --faces FOLDER --out FOLDER" in told.output
    told = run(main, ["train", "--list"])
    assert told.exit_code == 0
    listed = {line.split()[0]: line for line in told.output.splitlines()}
    assert set(listed) == set(list_configs())
    told = r"restorer +64 px +1\.\d\d M +1500 steps of 16  gfpgan-64, kuaishou-64"
    assert re.search(told, listed["style-64-cpu"])


def test_a_run_is_shown_stops_where_it_is_told_and_goes_on(tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text(
        "name: mine\nnetwork: {size: 64, channels: {16: 8, 32: 8}, style: 8}\n"
        "families: {gfpgan-64: 1}\nsteps: 3\nbatch_size: 2\nperceptual: 0\n"
    )
    faces, out = write_faces(tmp_path / "faces"), tmp_path / "run"
    wanted = ["train", str(config), "--faces", str(faces), "--out", str(out)]
    told = CliRunner().invoke(main, [*wanted, "--steps", "2"])
    assert told.exit_code == 0, told.output
    assert f"{out / 'mine.safetensors'} after " in told.stdout
    assert "training mine: 2/2 steps" in told.stderr
    assert "images/s, l1 0." in told.stderr
    told = CliRunner().invoke(main, wanted)
    assert told.exit_code == 0, told.output
    assert "going on after step 2" in told.stderr
    assert "training mine: 3/3 steps" in told.stderr
    config.write_text(config.read_text() + "seed: 4\n")
    told = CliRunner().invoke(main, wanted)
    assert told.exit_code == 2
    assert "begun with another configuration (seed 0, now 4)" in told.output


def test_a_device_that_is_not_here_is_one_line(tmp_path):
    told = CliRunner().invoke(
        main, ["train", "style-128", "--faces", "x", "--out", str(tmp_path), "--device", "tpu"]
    )
    assert told.exit_code == 2
    assert "there is no device 'tpu' here: use --device cpu" in told.output

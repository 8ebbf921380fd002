import pytest
from click.testing import CliRunner

pytest.importorskip("torch")

from training_stand_ins import write_faces

from zoo.cli import main
from zoo.training.data.face_pack import FacePack


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("here")
    return [str(write_faces(base / name)) for name in ("sharp", "aged")]


def run(*arguments):
    return CliRunner().invoke(main, ["pack", *map(str, arguments)])


def test_folders_become_one_file_and_the_command_says_what_is_in_it(folders, tmp_path):
    out = tmp_path / "a.pack"
    told = run(*folders, out, "--weight", f"{folders[0]}=2", "--codec", "jpeg", "--parser", "none")
    assert told.exit_code == 0, told.output
    # Both folders hold the same sixteen pictures.
    assert "32 faces of 64 px (" in told.stdout
    assert "32 have near copies" in told.stdout
    assert f"MB, in {out}" in told.stdout
    index = FacePack(out).index
    weights = dict(zip(index.keys, index.weights, strict=True))
    assert (weights["sharp/00.png"], weights["aged/00.png"]) == (2, 1)
    splits = dict(zip(index.keys, index.splits, strict=True))
    assert all(splits[f"sharp/{i:02d}.png"] == splits[f"aged/{i:02d}.png"] for i in range(16))


def test_one_number_is_for_all_folders_and_several_are_for_each(folders, tmp_path):
    for options, weights in (
        (["--weight", "3"], {"sharp": 3, "aged": 3}),
        (["--weight", "1", "--weight", "4"], {"sharp": 1, "aged": 4}),
    ):
        told = run(*folders, tmp_path / "a.pack", *options, "--parser", "none")
        assert told.exit_code == 0, told.output
        index = FacePack(tmp_path / "a.pack").index
        found = {key.partition("/")[0]: w for key, w in zip(index.keys, index.weights, strict=True)}
        assert found == weights


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--weight", "0"], "--weight 0: give a whole number from 1 on"),
        (["--weight", "none=2"], "none is none of the folders"),
        (["--weight", "1", "--weight", "2", "--weight", "3"], "there are 3 weights for 2 folders"),
        (["--weight", "1", "--weight", "a=2"], "do not mix them"),
        (["--parser", "guess"], "'guess'"),
        (["--splits", "none.csv"], "none.csv is not a CSV"),
        (["--size", "128"], "run `zoo align` with --size 128"),
    ],
)
def test_mistakes_are_one_line(folders, tmp_path, options, told):
    found = run(*folders, tmp_path / "a.pack", *options)
    assert found.exit_code == 2
    assert told in " ".join(found.output.split())
    assert not (tmp_path / "a.pack").exists()

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("dlib")

from degrade.images import read_image
from zoo.cli import main
from zoo.portrait.landmark_regions import landmark_regions
from zoo.training.batches import LANDMARKS_FILE


@pytest.fixture(scope="module")
def aligned(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        out = tmp_path_factory.mktemp("faces") / "out"
        told = CliRunner().invoke(
            main,
            ["align", "sample-photos", str(out), "--size", "64", "--accept-licence", "ibug-68"],
        )
    assert told.exit_code == 0, told.output
    return out, told.output


def test_the_face_of_a_photo_is_cut_and_photos_without_one_are_named(aligned):
    out, told = aligned
    assert [path.name for path in out.glob("*.png")] == ["astronaut.png"]
    assert read_image(out / "astronaut.png").shape == (64, 64, 3)
    assert "1 faces, 6 photos left out" in told
    assert "left out: coffee.png: no face was found" in told


def test_the_landmarks_draw_a_mask_over_the_face(aligned):
    with np.load(aligned[0] / LANDMARKS_FILE, allow_pickle=False) as stored:
        assert stored["keys"].tolist() == ["astronaut.png"]
        mask = landmark_regions(stored["landmarks"][0], 64)
    eyes = mask[4:6].sum(axis=0)
    rows, columns = np.nonzero(eyes > 0.5)
    # The tight template has the eyes 0.28 of the crop from its top and 0.39 of it apart.
    assert abs(rows.mean() - 0.28 * 64) < 4
    assert 20 < columns.max() - columns.min() < 48


def test_faces_of_another_size_and_unknown_names_are_one_line(aligned, tmp_path):
    run = CliRunner().invoke
    told = run(main, ["train", "style-128", "--faces", str(aligned[0]), "--out", str(tmp_path)])
    assert told.exit_code == 2
    assert "run `zoo align` with --size 128" in told.output
    told = run(main, ["train", "style-129", "--faces", "x", "--out", str(tmp_path)])
    assert told.exit_code == 2
    assert "Did you mean 'style-128'?" in told.output

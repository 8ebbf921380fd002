import json

import numpy as np
import pytest

from zoo.training.alignment import ALIGNMENT_FILE, LANDMARKS_FILE, template_of
from zoo.training.config import TrainingError


def landmarks(folder, **more):
    np.savez(folder / LANDMARKS_FILE, keys=["a.png"], landmarks=np.zeros((1, 68, 2)), **more)


def test_the_template_is_that_of_the_alignment_file_then_of_the_landmarks_else_tight(tmp_path):
    assert template_of(tmp_path) == "tight"
    landmarks(tmp_path)
    assert template_of(tmp_path) == "tight"
    landmarks(tmp_path, template=np.array("ffhq"))
    assert template_of(tmp_path) == "ffhq"
    (tmp_path / ALIGNMENT_FILE).write_text(json.dumps({"template": "tight", "size": 64}))
    assert template_of(tmp_path) == "tight"


@pytest.mark.parametrize(
    "data", [b"", b"no archive", b'{"template": "loose"}', b"[1]", b'{"size": 64}', b"\xff{}"]
)
@pytest.mark.parametrize("name", [ALIGNMENT_FILE, LANDMARKS_FILE])
def test_a_damaged_file_is_one_line(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(TrainingError, match=rf"{name} does not say how .* run `zoo align` again"):
        template_of(tmp_path)


def test_one_array_alone_or_an_unknown_template_is_one_line(tmp_path):
    landmarks(tmp_path, template=np.array("loose"))
    with pytest.raises(TrainingError, match="does not say how"):
        template_of(tmp_path)
    with (tmp_path / LANDMARKS_FILE).open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(TrainingError, match="does not say how"):
        template_of(tmp_path)

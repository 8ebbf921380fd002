import json

import numpy as np
import pytest

from degrade.errors import UserError
from zoo.portrait.align.alignment import ALIGNMENT_FILE, template_of, write_alignment


@pytest.mark.parametrize("template", ["ffhq", "tight"])
def test_the_template_that_was_written_is_read(tmp_path, template):
    write_alignment(tmp_path, template, 256)
    assert [path.name for path in tmp_path.iterdir()] == [ALIGNMENT_FILE]
    assert json.loads((tmp_path / ALIGNMENT_FILE).read_text()) == {
        "template": template,
        "size": 256,
    }
    assert template_of(tmp_path) == template


def test_folders_of_earlier_versions_are_read_too(tmp_path):
    assert template_of(tmp_path) == "tight"
    old = tmp_path / "landmarks68.npz"
    np.savez(old, landmarks=np.zeros((1, 68, 2)))
    assert template_of(tmp_path) == "tight"
    np.savez(old, landmarks=np.zeros((1, 68, 2)), template=np.array("ffhq"))
    assert template_of(tmp_path) == "ffhq"
    write_alignment(tmp_path, "tight", 64)
    assert template_of(tmp_path) == "tight"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"size": 64}', b'{"template": "wide"}', b"\xff\xfe", b"3"]
)
@pytest.mark.parametrize("name", [ALIGNMENT_FILE, "landmarks68.npz"])
def test_a_damaged_file_is_one_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=r"does not say how.*run `zoo align` again"):
        template_of(tmp_path)

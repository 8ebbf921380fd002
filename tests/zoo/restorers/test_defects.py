"""docs/defects.md, and the tests in it that belong to no module."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from portrait_stand_ins import EllipseParser, FixedDetector, Restorer, face_at, smooth_photo

from zoo.portrait.pipeline import restore_photo
from zoo.portrait.restore.identity_gate import load_identity_gate
from zoo.weights.files import KNOWN_WEIGHTS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "defects.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(test_\w+)`", PAGE)))


def known_tests():
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield node.name


def test_every_test_that_the_page_names_is_there():
    assert len(NAMED) > 40
    assert sorted(set(NAMED) - set(known_tests())) == []


def test_every_row_of_the_page_names_a_test():
    rows = [line for line in PAGE.splitlines() if line.startswith("|")][2:]
    assert len(rows) > 30
    assert [row for row in rows if not re.search(r"`test_\w+`", row)] == []


def test_a_network_that_is_not_asked_for_is_not_loaded():
    """facexlib loads its parsing network with use_parse=False too."""
    code = (
        "import sys; from zoo.portrait.pipeline import load_pipeline;"
        "load_pipeline('bilateral', identity_threshold=None);"
        "assert not {'torch', 'timm', 'spandrel'} & set(sys.modules), 'loaded'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_no_device_is_hard_wired():
    """facexlib's recognition moves itself to a GPU that need not be there."""
    found = []
    for package in ("zoo", "bench"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    words = [word.value for word in node.args if isinstance(word, ast.Constant)]
                    moved = node.func.attr == "to" and any("cuda" in str(word) for word in words)
                    if moved or (node.func.attr == "cuda" and not node.args):
                        found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


@pytest.mark.parametrize("name", sorted(KNOWN_WEIGHTS))
def test_all_published_weights_have_a_checksum(name):
    """facexlib downloads with hash_prefix=None."""
    assert re.fullmatch("[0-9a-f]{8,64}", KNOWN_WEIGHTS[name].sha256)
    assert KNOWN_WEIGHTS[name].size > 0


@pytest.mark.parametrize("shape", [(30, 44, 3), (48, 31, 3)])
def test_a_small_photo_keeps_its_size(shape):
    """CodeFormer enlarges photos under 512 pixels and returns them enlarged."""
    photo = smooth_photo(*shape[:2])
    restored, (record,) = restore_photo(
        photo,
        Restorer(lambda crop: crop // 2, 512),
        detector=FixedDetector(face_at(16, 16, 22)),
        parser=EllipseParser(),
        identity_threshold=None,
    )
    assert record.status == "restored"
    assert restored.shape == shape and not np.array_equal(restored, photo)


@pytest.mark.parametrize("side", [32, 64, 200])
def test_the_gate_measures_small_crops(side):
    """GPEN's identity loss cuts the middle of 256 pixels, which is empty in less."""
    pytest.importorskip("dlib")
    import cv2
    from skimage import data

    crop = cv2.resize(data.astronaut()[20:230, 115:325], (side, side), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(0).normal(0, 40, crop.shape).astype(np.float32)
    verdict = load_identity_gate().judge(crop, noise, "ffhq")
    assert verdict.whole_distance > 0.01

import subprocess
import sys

import numpy as np
import pytest

from degrade.errors import ImageError, UserError
from zoo.portrait.parse.parsing import LABELS, PARSERS, load_parser
from zoo.weights.files import KNOWN_WEIGHTS, WeightsMissing

GREY = np.full((96, 96, 3), 128, np.uint8)


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """A person who has no weights."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RELUME_WEIGHTS", raising=False)


def test_an_unknown_parser_is_one_line_that_names_the_known_ones():
    with pytest.raises(UserError, match="unknown parser 'parsenet': choose template, mesh"):
        load_parser("parsenet")


@pytest.mark.parametrize("name", ["template", "mesh"])
def test_an_unknown_template_is_refused_when_loading(name):
    with pytest.raises(ImageError, match="no template is called 'wide'"):
        load_parser(name, "wide")


@pytest.mark.parametrize("template", ["ffhq", "tight"])
def test_without_its_weights_the_meshs_parser_is_the_template_and_says_so(template):
    parser = load_parser("mesh", template)
    mask = parser.parse(GREY)
    assert mask.parser == parser.name == "template"
    assert "`zoo fetch face-mesh`" in mask.note
    plain = load_parser("template", template).parse(GREY)
    assert plain.note == ""
    assert np.array_equal(mask.probabilities, plain.probabilities)


def test_bisenet_without_its_weights_says_which_command_mends_it():
    with pytest.raises(WeightsMissing, match="zoo fetch bisenet"):
        load_parser("bisenet", offline=True)


def test_facexlib_defect_unchecked_download_the_parsers_weights_have_a_whole_digest():
    weights = KNOWN_WEIGHTS["bisenet"]
    assert len(weights.sha256) == 64
    assert "non-commercial" in weights.licence


def test_facexlib_defect_network_always_loaded_the_template_loads_no_network():
    code = (
        "import sys, numpy; from zoo.portrait.parse.parsing import load_parser;"
        "load_parser('template').parse(numpy.zeros((64, 64, 3), numpy.uint8));"
        "raise SystemExit(any(name in sys.modules for name in ('torch', 'dlib', 'timm')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_psfrgan_defect_black_is_outside_a_black_crop_has_the_whole_mask():
    mask = load_parser("template").parse(np.zeros_like(GREY))
    assert mask.probabilities[LABELS.index("skin"), 70, 30] > 0.95
    assert mask.confidence == 0.0


def test_the_names_of_the_parsers_are_those_that_load():
    assert PARSERS == ("template", "mesh", "bisenet")

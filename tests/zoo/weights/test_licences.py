import subprocess
import sys

import pytest

from degrade.errors import UserError
from zoo.weights.licences import LICENCES, accept_licence, agreements, is_accepted


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def test_nothing_is_agreed_to_at_first():
    assert not is_accepted("ibug-68")
    assert not agreements().exists()


def test_an_agreement_is_asked_for_once_and_outlives_the_process():
    accept_licence("ibug-68")
    accept_licence("ibug-68")
    assert agreements().read_text() == "ibug-68\n"
    code = (
        "from zoo.weights.licences import is_accepted; raise SystemExit(not is_accepted('ibug-68'))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_deleting_the_line_takes_the_agreement_back():
    accept_licence("ibug-68")
    agreements().write_text("")
    assert not is_accepted("ibug-68")


def test_other_agreements_in_the_file_are_kept():
    agreements().parent.mkdir(parents=True)
    agreements().write_text("another\n")
    accept_licence("ibug-68")
    assert agreements().read_text().split() == ["another", "ibug-68"]


def test_an_unknown_licence_is_one_line_that_names_the_known_ones():
    with pytest.raises(UserError, match="no licence is called 'ibug': choose from ibug-68"):
        accept_licence("ibug")


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path):
    (tmp_path / "configuration").write_text("a file where the folder should be")
    with pytest.raises(UserError, match="cannot be written"):
        accept_licence("ibug-68")


def test_the_licence_says_what_it_forbids():
    assert "commercial" in LICENCES["ibug-68"]

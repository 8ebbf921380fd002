"""Restorers that other packages offer through the entry-point group ``relume.restorers``."""

import sys

import numpy as np
import pytest

import zoo
from zoo.registry import registry
from zoo.registry.plugins import PackageError

_CARD = """
from zoo import Card

card = Card(
    name="{name}", kind="network", summary="Theirs.", licence_code="MIT", licence_weights="MIT",
    source="theirs", input_size=None, trained_on="theirs", loss_networks=(), sha256="",
    blind=True, limits="Theirs.",
)
"""
_LOAD = """
class Theirs:
    def __init__(self, card):
        self.card = card

    def restore(self, faces, masks=None, plans=None):
        return [255 - face for face in faces]


def load():
    return Theirs(card)
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a package on the path whose metadata offers a restorer made of ``code``."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(name, code, module=None):
        module = module or f"their_{name.replace('-', '_')}"
        (tmp_path / f"{module}.py").write_text(code)
        metadata = tmp_path / f"{module}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[relume.restorers]\n{name} = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)
        return module

    return put


def test_a_package_registers_itself(install):
    install("theirs", _CARD.format(name="theirs") + _LOAD)
    assert zoo.names()[-1] == "theirs"
    assert zoo.cards()[-1].summary == "Theirs."
    face = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert np.array_equal(zoo.load("theirs").restore([face])[0], 255 - face)


@pytest.mark.parametrize("name", ["all", "theirs.pth", "Theirs.SAFETENSORS"])
def test_a_name_that_means_something_else_is_left_out(install, name):
    install(name, _CARD.format(name=name) + _LOAD, module="their_module")
    assert name not in zoo.names()
    assert name not in {card.name for card in zoo.cards()}


def test_names_import_no_package(install):
    module = install("theirs", "raise SystemExit('imported')")
    assert "theirs" in zoo.names()
    assert module not in sys.modules


def test_our_own_names_and_those_added_come_first(install, tmp_path, monkeypatch):
    import dataclasses

    from zoo.model_card import ModelCard
    from zoo.registry.user import AddedCommand, AddedRestorer, write_entry

    install("nlmeans", _CARD.format(name="nlmeans") + _LOAD, "impostor")
    install("theirs", _CARD.format(name="theirs") + _LOAD)
    assert zoo.card("nlmeans").kind == "classical"
    assert zoo.names().count("nlmeans") == 1
    monkeypatch.setenv("RELUME_RESTORERS", str(tmp_path / "restorers"))
    added = dataclasses.replace(zoo.card("input"), name="theirs", summary="Mine.")
    write_entry(AddedRestorer(ModelCard(added, {}), AddedCommand(("t", "{in}"), "/", 1.0)))
    assert zoo.card("theirs").summary == "Mine."
    assert zoo.names().count("theirs") == 1


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import no_such_package", r"could not import its restorer bad \(ModuleNotFoundError"),
        ("1 / 0", r"could not import .*ZeroDivisionError: division by zero"),
        ("raise SystemExit('no')", r"could not import .*SystemExit: no"),
        ("card = 3", "without a card of that name"),
        (_CARD.format(name="good"), "without a card of that name"),
    ],
)
def test_a_package_that_is_broken_is_left_out_and_told_in_one_line(install, code, told):
    install("bad", code)
    install("good", _CARD.format(name="good") + _LOAD)
    assert [card.name for card in zoo.cards()][-1] == "good"
    assert "bad" not in [card.name for card in zoo.cards()]
    with pytest.raises(PackageError, match=told) as broken:
        zoo.load("bad")
    assert registry.problems() == {"bad": str(broken.value)}
    assert "\n" not in str(broken.value)
    assert "the package their" in str(broken.value)


@pytest.mark.parametrize(
    ("load", "told"),
    [
        ("", r"without load\(\)"),
        ("def load(): raise OSError('no weights')", r"could not load .*OSError: no weights"),
        ("def load(): raise SystemExit(3)", r"could not load .*SystemExit: 3"),
        ("def load(): return 3", "returned int for bad, which is no restorer"),
    ],
)
def test_a_package_whose_restorer_does_not_load_is_told_in_one_line(install, load, told):
    install("bad", _CARD.format(name="bad") + load)
    with pytest.raises(PackageError, match=told) as broken:
        zoo.load("bad")
    assert "\n" not in str(broken.value)

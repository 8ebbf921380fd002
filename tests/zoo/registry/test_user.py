"""The files of added restorers: whole or absent, read with care, one line when broken."""

import os

import pytest

import zoo
from zoo.model_card import ModelCard
from zoo.registry.user import (
    AddedCommand,
    AddedNetwork,
    AddedRestorer,
    EntryError,
    added_network,
    entries_folder,
    entry_names,
    read_entry,
    remove_entry,
    verified_weights,
    write_entry,
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RELUME_RESTORERS", str(tmp_path / "restorers"))
    return tmp_path / "restorers"


def entry(name="mine", source=None, **card):
    import dataclasses

    given = dataclasses.replace(zoo.card("input"), name=name, kind="network", **card)
    source = source or AddedNetwork("/weights/model.pth", "GFPGAN", 512, 1, 0.25)
    return AddedRestorer(ModelCard(given, {}), source, 1.5, 512)


@pytest.mark.parametrize(
    "source",
    [
        AddedNetwork("/weights/ü model.pth", "GFPGAN", 512, 1, 0.25),
        AddedNetwork("/weights/model.pth", "SCUNet", None, 4, None),
        AddedCommand(("/bin/tool", "--in={in}", "yes", "1.0", "{out}"), "/here", 60.0, "r"),
    ],
)
def test_what_is_written_is_read_back(source):
    written = entry(source=source, input_size=(512, 512), loss_networks=("vgg16",))
    write_entry(written)
    read = read_entry("mine")
    assert read.card.card == written.card.card
    assert (read.source, read.seconds, read.measured_side) == (source, 1.5, 512)


def test_the_folder_is_named_by_a_variable_or_is_among_relumes_settings(tmp_path, monkeypatch):
    assert entries_folder() == tmp_path / "restorers"
    monkeypatch.delenv("RELUME_RESTORERS")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    if os.name == "posix" and os.uname().sysname == "Linux":
        assert entries_folder() == tmp_path / "configuration" / "relume" / "restorers"


def test_names_are_listed_and_removed_and_a_folder_that_is_not_there_has_none(folder):
    assert entry_names() == ()
    write_entry(entry("zebra"))
    write_entry(entry("ant"))
    (folder / "Not A Name.yaml").write_text("")
    assert entry_names() == ("ant", "zebra")
    assert remove_entry("ant") == folder / "ant.yaml"
    assert entry_names() == ("zebra",)
    with pytest.raises(EntryError, match="no restorer called 'ant' was added: those added are zeb"):
        remove_entry("ant")


@pytest.mark.parametrize("name", ["x.safetensors", "x.pth", "x.ckpt", "all", "none", "clean"])
def test_names_that_mean_something_else_are_refused_but_an_older_entry_can_be_removed(folder, name):
    path = write_entry(entry())
    with pytest.raises(EntryError, match="is reserved"):
        write_entry(entry(name))
    older = path.rename(folder / f"{name}.yaml")
    assert entry_names() == ()
    assert remove_entry(name) == older


@pytest.mark.parametrize("name", ["", "../up", "a/b", "Big", "with space", ".hidden", "x" * 65])
def test_names_that_are_no_file_names_are_refused_and_read_as_absent(folder, name):
    with pytest.raises(EntryError, match="cannot name a restorer"):
        write_entry(entry(name))
    assert read_entry(name) is None
    assert not folder.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: "[1, 2]",
        lambda text: text.replace("name: mine", "name: other"),
        lambda text: text.replace("network:", "net:"),
        lambda text: text.replace("kind: network", ""),
        lambda text: text.replace("side: 512", "side: many"),
        lambda text: text.replace("shrink: 1", "shrink: 0"),
        lambda text: text.replace("architecture: GFPGAN", ""),
        lambda text: text.replace("more:", "more: 3\nless:"),
        lambda text: text[: len(text) // 2],
        lambda text: text + "\n\t- :",
        lambda text: "!!python/object/apply:os.system ['touch ran']",
    ],
)
def test_a_file_that_was_spoiled_is_one_line_that_mends_it(folder, change, tmp_path):
    path = write_entry(entry())
    path.write_text(change(path.read_text()))
    with pytest.raises(
        EntryError, match=r"describes no restorer .*: run `zoo remove mine`"
    ) as told:
        read_entry("mine")
    assert "\n" not in str(told.value)
    assert remove_entry("mine") == path


@pytest.mark.parametrize(
    ("before", "after"),
    [("timeout: 60.0", "timeout: .nan"), ("timeout: 60.0", "timeout: -1"), ("- tool", "- [3]")],
)
def test_a_command_that_was_spoiled_is_one_line(before, after):
    path = write_entry(entry(source=AddedCommand(("tool", "{in}"), "/here", 60.0)))
    text = path.read_text().replace("words: [tool, '{in}']", "words:\n    - tool\n    - '{in}'")
    assert before in text
    path.write_text(text.replace(before, after))
    with pytest.raises(EntryError, match="describes no restorer"):
        read_entry("mine")


def test_weights_are_used_only_where_they_are_and_as_they_were(tmp_path):
    import hashlib

    path = tmp_path / "model.pth"
    path.write_bytes(b"weights")
    source = AddedNetwork(str(path), "GFPGAN")
    mine = entry(source=source, sha256=hashlib.sha256(b"weights").hexdigest())
    assert verified_weights(mine) == path
    path.write_bytes(b"other weights")
    with pytest.raises(EntryError, match=r"has sha256 .*…, mine was added with .*…: put the old"):
        verified_weights(mine)
    path.unlink()
    with pytest.raises(
        EntryError, match=r"no longer at .*: put them back, or run `zoo remove mine"
    ):
        verified_weights(mine)


def test_only_networks_are_found_as_networks():
    write_entry(entry("net"))
    write_entry(entry("tool", AddedCommand(("tool", "{in}"), "/here", 60.0)))
    assert added_network("net").source.architecture == "GFPGAN"
    assert added_network("tool") is None
    assert added_network("nothing") is None


def test_a_folder_that_cannot_be_written_is_one_line(folder):
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the folder should be")
    with pytest.raises(EntryError, match=r"cannot be written .*set RELUME_RESTORERS"):
        write_entry(entry())

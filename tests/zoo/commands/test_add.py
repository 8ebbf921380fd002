"""``zoo add``, ``zoo remove`` and what ``zoo list`` and the rest make of what was added."""

import json
import pickle
import re
import shlex
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import zoo
from degrade.images import read_image, write_png
from zoo.cli import main
from zoo.registry.user import entry_names
from zoo.restorers.spandrel.architectures import Architecture
from zoo.weights.licences import agreements, is_accepted

torch = pytest.importorskip("torch")
pytest.importorskip("spandrel")
layouts = pytest.importorskip("published_layouts")


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("RELUME_RESTORERS", str(tmp_path / "restorers"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def run():
    def invoke(*words):
        result = CliRunner().invoke(main, [str(word) for word in words])
        assert result.exception is None or isinstance(result.exception, SystemExit), result
        return result

    return invoke


@pytest.fixture
def save(tmp_path):
    return lambda content, name="model.pth": layouts.save(content, tmp_path / name)


@pytest.fixture
def brighter(save):
    """Weights of a super-resolver that adds twenty levels."""
    return save({"params_ema": layouts.compact(4, shade=20 / 255)}, "brighter.pth")


@pytest.fixture
def crop(tmp_path):
    face = np.random.default_rng(0).integers(0, 200, (64, 64, 3), dtype=np.uint8)
    write_png(tmp_path / "crop.png", face)
    return tmp_path / "crop.png"


def one_line(result, code=2):
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert result.exit_code == code
    assert lines[0].startswith("Error: ")
    return lines[0]


def test_a_network_is_added_listed_shown_used_and_removed(run, brighter, crop, tmp_path):
    added = run("add", "brighter", brighter, "--licence", "CC0", "--loss-network", "vgg16")
    assert added.exit_code == 0, added.stderr
    assert "added brighter: Compact, for any image, enlarges 4 times." in added.stdout
    assert "at 128 pixels, one face, on this machine" in added.stdout
    assert "no evidence of who someone is" in added.stdout

    (line,) = [line for line in run("list").stdout.splitlines() if line.startswith("brighter")]
    assert line.split()[:4] == ["brighter", "network", "yes", "any"]
    assert "permissive" in line and "CC0" in line and " at 128 " in line and " yes " in line
    (record,) = [r for r in json.loads(run("list", "--json").stdout) if r["name"] == "brighter"]
    assert record["offline"] is True
    assert record["seconds"] > 0 and record["measured_side"] == 128
    card = run("card", "brighter").stdout
    assert str(brighter) in card and "vgg16" in card and zoo.card("brighter").sha256 in card

    out = tmp_path / "out.png"
    words = ("restore", crop, out, "--model", "brighter", "--aligned")
    assert run(*words).exit_code == 0
    assert np.array_equal(read_image(out), read_image(crop) + 20)

    assert "removed" in run("remove", "brighter").stdout
    assert "brighter" not in run("list").stdout
    assert brighter.exists()
    assert "added are none so far" in one_line(run("remove", "brighter"))


def test_a_face_network_takes_512_pixels_or_what_was_asked_for(run, save, crop, tmp_path):
    path = save({"params": layouts.restoreformer().state_dict()}, "RestoreFormer.pth")
    assert run("add", "rf", path, "--size", 64, "--architecture", "RestoreFormer").exit_code == 0
    card = zoo.card("rf")
    assert (card.input_size, card.template, card.blind) == ((64, 64), "ffhq", True)
    assert card.licence_code == "Apache-2.0"
    assert card.loss_networks == ("vgg16", "arcface-resnet18")
    words = ("restore", crop, tmp_path / "out.png", "--model", "rf", "--aligned")
    assert run(*words).exit_code == 0
    assert read_image(tmp_path / "out.png").shape == (64, 64, 3)
    run("add", "rf512", path, "--no-trial")
    assert zoo.card("rf512").input_size == (512, 512)


def test_a_command_is_added_and_used(run, crop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "copy.py").write_text(
        "import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2], dirs_exist_ok=True)"
    )
    command = f"{shlex.quote(sys.executable)} copy.py {{in}} {{out}}"
    added = run("add", "copier", "--command", command, "--licence", "MIT", "--json")
    assert added.exit_code == 0, added.stderr
    assert json.loads(added.stdout)["kind"] == "command"
    monkeypatch.chdir(tmp_path.parent)
    words = ("restore", crop, tmp_path / "out.png", "--model", "copier", "--aligned")
    assert run(*words).exit_code == 0
    assert np.array_equal(read_image(tmp_path / "out.png"), read_image(crop))
    assert "copy.py {in} {out}" in zoo.card("copier").source.replace("'", "")


def test_adding_again_replaces_and_says_so(run, brighter):
    run("add", "mine", brighter)
    assert "replaced mine" in run("add", "mine", brighter, "--scale", 4).stdout
    assert "shrink        4" in run("card", "mine").stdout


class _Hostile:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (open, (str(self.trace), "w"))


def _cut(tmp_path):
    path = layouts.save(layouts.compact(1), tmp_path / "cut.pth")
    path.write_bytes(path.read_bytes()[:-300])
    return path


def _hostile(tmp_path):
    path = tmp_path / "hostile.pth"
    path.write_bytes(pickle.dumps(_Hostile(tmp_path / "ran")))
    return path


def _photograph(tmp_path):
    path = tmp_path / "photo.pth"
    write_png(path, np.zeros((8, 8, 3), np.uint8))
    return path


@pytest.mark.parametrize(
    ("make", "words", "told"),
    [
        (_cut, (), "damaged"),
        (_hostile, (), "could run code"),
        (_photograph, (), "cut.pth|damaged|could run code"),
        (lambda place: layouts.save({"w": torch.zeros(2)}, place / "w.pth"), (), "no architecture"),
        (lambda place: layouts.save(layouts.compact(1), place / "m.pth"),
         ("--architecture", "GFPGAN"), "holds a Compact network, not GFPGAN"),
        (lambda place: layouts.save(layouts.compact(1), place / "m.pth"),
         ("--scale", "2"), "enlarges by 1: reduced by 2"),
        (lambda place: layouts.save(layouts.compact(1), place / "m.pth"),
         ("--fidelity", "0.5"), "--fidelity is CodeFormer's"),
        (lambda place: layouts.save(layouts.compact(1), place / "m.pth"),
         ("--accept-licence", "s-lab"), "unknown licence 's-lab'"),
        (lambda place: layouts.save(layouts.compact(1, float("nan")), place / "m.pth"),
         (), "not finite"),
        (lambda place: layouts.save({"params": layouts.restoreformer().state_dict()},
                                    place / "m.pth"),
         ("--scale", "2"), "takes faces of 512 pixels"),
        (lambda place: place / "nothing.pth", (), "there is no file"),
    ],
)  # fmt: skip
def test_bad_weights_are_one_line_and_nothing_is_added(run, tmp_path, make, words, told):
    line = one_line(run("add", "bad", make(tmp_path), *words))
    assert re.search(told, line), line
    assert entry_names() == ()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--command", "tool {in}"), "names {in} and {out}"),
        (("--command", "tool {in} {out_file}"), "names {in} and {out}"),
        (("--command", ""), "names {in} and {out}"),
        (("--command", "tool '{in} {out}"), "cannot be split into words"),
        (("--command", "no-such-tool-anywhere {in} {out}"), "is no program on this machine"),
        (
            ("--command", f"{sys.executable} {{in}} {{out}}", "--results", "../up"),
            "no folder below",
        ),
        (("--command", f"{sys.executable} -c 'raise SystemExit(4)' {{in}} {{out}}"), "exit code 4"),
        (("--command", f"{sys.executable} -c 0 {{in}} {{out}}"), "wrote 0 pictures"),
        (("--command", "tool {in} {out}", "--scale", "2"), "go with WEIGHTS"),
        ((), "either a file of WEIGHTS or a --command"),
        (("model.pth", "--command", "tool {in} {out}"), "either a file of WEIGHTS or a --command"),
        (("model.pth", "--results", "r"), "--results goes with --command"),
    ],
)
def test_bad_commands_are_one_line_and_nothing_is_added(run, words, told):
    assert told in one_line(run("add", "bad", *words))
    assert entry_names() == ()


@pytest.mark.parametrize("seconds", ["inf", "nan"])
def test_a_time_that_never_ends_is_refused(run, seconds):
    told = run("add", "bad", "--command", "tool {in} {out}", "--no-trial", "--timeout", seconds)
    assert told.exit_code == 2 and "not a number of seconds" in told.stderr
    assert entry_names() == ()


@pytest.mark.parametrize("name", ["x.safetensors", "all"])
def test_a_name_that_means_something_else_is_refused_and_the_list_stays_whole(run, brighter, name):
    assert "is reserved" in one_line(run("add", name, brighter))
    assert entry_names() == ()
    assert run("list").exit_code == 0


@pytest.mark.parametrize("name", ["nlmeans", "input"])
def test_our_own_names_are_not_given_away(run, brighter, name):
    assert "another restorer's name" in one_line(run("add", name, brighter))


def test_a_name_that_is_no_file_name_is_refused(run, brighter):
    assert "cannot name a restorer" in one_line(run("add", "../up", brighter))


def test_a_licence_to_agree_to_is_shown_and_asked_for_once(run, save, crop, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "zoo.restorers.spandrel.architectures._KNOWN",
        {"Compact": Architecture("NC", consent="s-lab-1.0")},
    )
    path = save(layouts.compact(1))
    refused = one_line(run("add", "theirs", path))
    assert "S-Lab License 1.0" in refused and "--accept-licence s-lab-1.0" in refused
    assert entry_names() == () and not is_accepted("s-lab-1.0")
    assert run("add", "theirs", path, "--accept-licence", "s-lab-1.0").exit_code == 0
    assert is_accepted("s-lab-1.0")
    assert run("add", "again", path).exit_code == 0
    agreements().write_text("")
    words = ("restore", crop, tmp_path / "out.png", "--model", "theirs", "--aligned")
    assert "--accept-licence s-lab-1.0" in one_line(run(*words))


def test_weights_that_changed_since_are_refused_and_those_that_are_gone_are_told(
    run, brighter, crop, tmp_path
):
    run("add", "brighter", brighter)
    words = ("restore", crop, tmp_path / "out.png", "--model", "brighter", "--aligned")
    brighter.write_bytes(brighter.read_bytes() + b"!")
    assert "was added with" in one_line(run(*words))
    brighter.unlink()
    assert "run `zoo remove brighter`" in one_line(run(*words))
    (line,) = [line for line in run("list").stdout.splitlines() if line.startswith("brighter")]
    assert "not here" in line
    assert not (tmp_path / "out.png").exists()


def test_a_broken_entry_does_not_end_the_list(run, brighter, tmp_path):
    run("add", "brighter", brighter)
    (tmp_path / "restorers" / "broken.yaml").write_text("name: broken")
    result = run("list")
    assert result.exit_code == 0
    assert "brighter" in result.stdout
    assert "left out: " in result.stderr and "zoo remove broken" in result.stderr
    assert "zoo remove broken" in one_line(run("card", "broken"))


def test_list_measures_on_demand(run, brighter):
    run("add", "brighter", brighter, "--no-trial")
    before = {record["name"]: record for record in json.loads(run("list", "--json").stdout)}
    assert before["brighter"]["seconds"] is None
    result = run("list", "--json", "--time")
    after = {record["name"]: record for record in json.loads(result.stdout)}
    assert after["brighter"]["seconds"] > 0 and after["nlmeans"]["measured_side"] == 128
    assert after["wiener"]["seconds"] is None
    brighter.unlink()
    result = run("list", "--time")
    assert result.exit_code == 0
    assert "not timed: the weights of brighter are no longer" in result.stderr


@pytest.mark.parametrize("command", ["add", "remove"])
def test_every_help_has_an_example(run, command):
    assert "\n    zoo " in run(command, "--help").stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gfpgan", "codeformer"])
def test_the_published_architectures_are_added_loaded_and_run(run, save, crop, tmp_path, name):
    if name == "codeformer":
        pytest.importorskip("spandrel_extra_arches")
    path = save({"params_ema": getattr(layouts, name)().state_dict()})
    words = ("--size", 64, "--accept-licence", "s-lab-1.0")
    assert run("add", name, path, *words).exit_code == 0
    out = tmp_path / "out.png"
    assert run("restore", crop, out, "--model", name, "--aligned").exit_code == 0
    assert read_image(out).shape == (64, 64, 3)

"""An operation of another package: registered by a call, or offered by an entry point."""

import sys
import types
from importlib import metadata

import numpy as np
import pytest
from click.testing import CliRunner

import degrade
from degrade.cli import main
from degrade.dataset.build import build
from degrade.dataset.manifest import read_manifest
from degrade.dataset.verify import verify
from degrade.errors import UserError
from degrade.images import write_png
from degrade.ops import OPERATIONS, Ladder, Number, Operation
from degrade.ops.registry import ENTRY_POINTS, OperationTable
from degrade.planner.severity import severity_plans


def darken(planes, stream, *, levels):
    return np.maximum(planes - np.float32(levels), np.float32(0))


DARKEN = Operation(
    "darken",
    1,
    "takes light away",
    f"{__name__}:darken",
    {"levels": Number(0, 255, "levels")},
    family="colour",
    ladder=Ladder("levels", 5, 80),
    caption="darker by {levels:.0f}",
)


@pytest.fixture
def registered():
    OPERATIONS.register(DARKEN)
    yield
    OPERATIONS._entries.pop("darken")


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "dark.yaml"
    path.write_text("version: 1\nsteps:\n- operation: darken\n  levels: {uniform: [10, 20]}\n")
    return path


@pytest.fixture
def photos(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (24, 20, 3)).astype(np.uint8)
    write_png(tmp_path / "photos" / "a.png", image)
    return tmp_path / "photos"


def invoke(*arguments):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.usefixtures("registered")
def test_it_is_listed_planned_built_verified_and_previewed(recipe, photos, tmp_path):
    assert "darken" in invoke("list", "--operations")
    pairs = degrade.PairedDataset(photos, recipe, seed=3)
    (step,) = pairs[0].plan.steps
    assert step.operation == "darken"
    assert step.describe() == f"darker by {step.parameters['levels']:.0f}"
    expected = np.clip(np.rint(pairs[0].hq - step.parameters["levels"]), 0, 255)
    assert np.array_equal(pairs[0].lq, expected)
    build(pairs, tmp_path / "pairs")
    assert '"operation":"darken"' in read_manifest(tmp_path / "pairs").rows[0].plan
    assert verify(tmp_path / "pairs").mismatches == ()
    sheet = tmp_path / "sheet.png"
    invoke("preview", photos, sheet, "--recipe", recipe, "--operation", "darken")
    assert sheet.is_file()


@pytest.mark.usefixtures("registered")
def test_it_has_a_severity_and_a_family():
    plans = severity_plans("darken", image_id="a.png", size=(24, 20), count=3)
    strengths = [DARKEN.strength(each.plan.steps[0].parameters, (24, 20)) for each in plans]
    assert strengths == sorted(strengths)
    assert (strengths[0], strengths[-1]) == (0.0, 1.0)
    assert DARKEN.family_of(plans[0].plan.steps[0].parameters) == "colour"


@pytest.mark.usefixtures("registered")
def test_a_name_that_is_taken_is_refused():
    with pytest.raises(ValueError, match="'darken' is taken"):
        OPERATIONS.register(DARKEN)


def points(monkeypatch, **targets):
    offered = [metadata.EntryPoint(name, value, ENTRY_POINTS) for name, value in targets.items()]
    monkeypatch.setattr(
        "degrade.ops.registry.entry_points", lambda group: offered if group == ENTRY_POINTS else []
    )
    return OperationTable(tuple(OPERATIONS[name] for name in ("jpeg", "round")))


def test_an_installed_package_offers_one_by_an_entry_point(monkeypatch):
    module = types.ModuleType("outside_package")
    module.DARKEN = DARKEN
    monkeypatch.setitem(sys.modules, "outside_package", module)
    table = points(monkeypatch, darken="outside_package:DARKEN")
    assert list(table) == ["jpeg", "round", "darken"]
    assert table["darken"] is DARKEN
    assert len(table) == 3


@pytest.mark.parametrize(
    ("target", "reason"),
    [("no_such_package:X", "cannot be imported"), ("math:pi", "not an Operation of that name")],
)
def test_a_broken_package_is_named_in_one_line(monkeypatch, target, reason):
    table = points(monkeypatch, dim=target)
    assert table["jpeg"].name == "jpeg"
    with pytest.raises(UserError, match=rf"dim.*{reason}"):
        table["dim"]


def test_an_unknown_name_is_a_key_error(monkeypatch):
    with pytest.raises(KeyError):
        points(monkeypatch)["sharpen_twice"]

"""A restorer compared with its successor of another name, in memory and by the commands."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.runner.run import execute
from bench.stats.compare import compare_runs
from bench.stats.paired_values import Side
from bench.stats.successors import renamed, renaming_notes, with_successors
from bench.store.features import read_vectors
from bench.store.record import load_run
from degrade.errors import UserError

KEYS = tuple("abcdefghijkl")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, fakes):
    """A run with ``v1`` and one with ``v2``, which adds two levels where ``v1`` adds one."""
    found = []
    for name, gain in (("v1", 1), ("v2", 2)):
        out = tmp_path_factory.mktemp("runs") / name
        act = lambda face, gain=gain: face + np.uint8(gain)  # noqa: E731
        restorers = [fakes.restorers()[0], fakes.Restorer(fakes.card(name), act)]
        condition = fakes.condition(keys=KEYS)
        found.append(execute(fakes.suite(), [[condition]], restorers, fakes.metrics(), out))
    return found


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_restorer_and_its_successor_are_compared_as_one(runs):
    before, after = runs
    with pytest.raises(UserError, match="share no restorer"):
        compare_runs(before, after, metrics=["error"])
    table = compare_runs(with_successors(before, after, {"v1": "v2"}), after, metrics=["error"])
    (found,) = table.rows
    wanted = {
        restorer: {row.key: row.value for row in run.rows
                   if (row.metric, row.restorer) == ("error", restorer) and row.key}
        for run, restorer in ((before, "v1"), (after, "v2"))
    }  # fmt: skip
    gaps = [wanted["v2"][key] - wanted["v1"][key] for key in KEYS]
    assert found.restorer == "v2"
    assert found.difference.mean == pytest.approx(np.mean(gaps))


def test_its_vectors_are_still_found_by_the_name_that_files_have(runs):
    before, _ = runs
    twice = renamed(renamed(before, {"v1": "v2"}), {"v2": "v3"})
    place = ("ramps", "dark", "v3", "mean-level")
    vectors = Side(twice).vectors(place, "set_distance").vectors
    (file,) = (before.folder / "features" / "ramps" / "dark" / "v1").iterdir()
    own = read_vectors(file)
    assert vectors.keys() == own.keys()
    assert all(np.array_equal(vectors[key], own[key]) for key in own)


def test_a_restorer_that_had_the_new_name_before_makes_room(runs):
    before, after = runs
    own = [replace(row, restorer="v2", value=9.0) for row in before.rows if row.restorer == "v1"]
    record = dict(before.record, restorers=before.record["restorers"] | {"v2": {"name": "v2"}})
    both = replace(before, record=record, rows=(*before.rows, *own))
    view = with_successors(both, after, {"v1": "v2"})
    assert view == with_successors(before, after, {"v1": "v2"})
    (note,) = renaming_notes(both, {"v1": "v2"})
    assert note == "v2: compared with v1 of the run before, whose own v2 is left out"
    assert renaming_notes(before, {"v1": "v2"}) == ("v2: compared with v1 of the run before",)


def test_the_run_itself_stays_as_it_is(runs):
    before, after = runs
    view = with_successors(before, after, {"v1": "v2"})
    assert list(view.record["restorers"]) == ["input", "v2"]
    assert view.record["restorers"]["v2"]["name"] == "v2"
    assert {row.restorer for row in view.rows} == {"input", "v2"}
    assert list(before.record["restorers"]) == ["input", "v1"]
    assert load_run(before.folder) == before


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"v3": "v2"}, "v1 has no restorer 'v3'.* It has: input, v1"),
        ({"v1": "v22"}, "v2 has no restorer 'v22'. Did you mean 'v2'"),
        ({"v1": "input"}, "'input' keeps its name"),
        ({"input": "v2"}, "'input' keeps its name"),
    ],
)
def test_a_name_that_cannot_be_is_one_line(runs, names, told):
    with pytest.raises(UserError, match=told):
        with_successors(*runs, names)


def test_two_restorers_cannot_get_one_name(runs):
    before, _ = runs
    record = dict(before.record, restorers=before.record["restorers"] | {"other": {"name": "o"}})
    both = type(before)(before.folder, record, before.rows)
    with pytest.raises(UserError, match="would have two restorers called 'other'"):
        renamed(both, {"v1": "other"})
    assert set(renamed(both, {"v1": "other", "other": "v1"}).record["restorers"]) == {
        "input", "other", "v1",
    }  # fmt: skip


def test_the_commands_say_with_whom_a_restorer_was_compared(runs, tmp_path):
    before, after = runs
    rules = tmp_path / "rules.yaml"
    rules.write_text("metrics:\n  error: {worse_by: 0.1}\n")
    folders = before.folder, after.folder
    told = call("compare", *folders, "--as", "v1=v2", "--metrics", "error")
    assert told.exit_code == 0, told.output
    assert "v2: compared with v1 of the run before" in told.stdout
    passed = call("gate", *folders, "--as", "v1=v2", "--rules", rules, "--json", tmp_path / "x")
    assert passed.exit_code == 0, passed.output
    record = json.loads((tmp_path / "x").read_text())
    assert [check["restorer"] for check in record["checks"]] == ["v2"]
    assert record["notes"][0] == "v2: compared with v1 of the run before"
    worse = call("gate", *reversed(folders), "--as", "v2=v1", "--rules", rules)
    assert worse.exit_code == 1, worse.output


def test_who_asks_for_a_restorer_by_its_former_name_is_told_the_new_one(runs):
    folders = [run.folder for run in runs]
    for command in ("gate", "compare"):
        found = call(command, *folders, "--as", "v1=v2", "--restorers", "v1")
        assert found.exit_code == 2
        assert "'v1' is called 'v2' here" in found.output


def test_a_wrong_option_is_wrong_use(runs):
    before, after = runs
    folders = before.folder, after.folder
    for text in ("v1", "=v2", "v1="):
        assert call("gate", *folders, "--as", text).exit_code == 2
    for command in ("gate", "compare"):
        twice = call(command, *folders, "--as", "v1=v2", "--as", "v1=input")
        assert (twice.exit_code, "'v1' is given twice" in twice.output) == (2, True)
    alone = call("compare", before.folder, "--as", "v1=v2", "--restorer", "v1")
    assert (alone.exit_code, "give a second one" in alone.output) == (2, True)

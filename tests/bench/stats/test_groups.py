from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.report.comparison import group_table, group_text
from bench.runner.run import execute
from bench.stats.groups import group_scores, read_attributes
from degrade.errors import DatasetError, UserError


def table(folder, text):
    path = folder / "faces.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def run(tmp_path, fakes):
    """``brighter`` is one level better than the input on every picture but the third."""
    restorers, seen = fakes.restorers(), []

    def brighter_but_once(face):
        seen.append(face)
        return face - np.uint8(1) if len(seen) == 3 else face + np.uint8(1)

    restorers[1].act = brighter_but_once
    condition = fakes.condition(keys=("a", "b", "c", "d"))
    return execute(fakes.suite(), [[condition]], restorers, fakes.metrics(), tmp_path / "run")


def found(scores, attribute, group, metric="error"):
    (each,) = [s for s in scores if (s.attribute, s.group, s.metric) == (attribute, group, metric)]
    return each


def test_the_gain_of_each_group_is_over_its_own_photographs(run, tmp_path):
    path = table(tmp_path, "image,glasses\na.png,no\nb.png,no\nc.png,yes\nd.png,\nother.png,yes\n")
    scores = group_scores(run, "brighter", read_attributes(path))
    assert found(scores, "glasses", "no").difference.mean == pytest.approx(-1)
    assert found(scores, "glasses", "yes").difference.mean == pytest.approx(1)
    assert [found(scores, "glasses", g).photographs for g in ("no", "yes", "not known")] == [
        2,
        1,
        1,
    ]
    assert found(scores, "glasses", "yes").difference.low is None
    assert {each.metric for each in scores} == {"error"}  # no set metric, no seconds


def test_numbers_are_cut_into_thirds_and_bands_stay_as_they_are(tmp_path):
    lines = [f"{i},{i * 10},{'under 20' if i < 4 else '20 and over'}" for i in range(9)]
    path = table(tmp_path, "image,age,band\n" + "\n".join(lines) + "\n")
    attributes = read_attributes(path)
    assert attributes.order["age"] == ("up to 26.7", "26.7 to 53.3", "over 53.3")
    counts = [list(attributes.groups["age"].values()).count(g) for g in attributes.order["age"]]
    assert counts == [3, 3, 3]
    assert set(attributes.order["band"]) == {"under 20", "20 and over"}


def test_few_numbers_are_groups_of_their_own_in_their_order(tmp_path):
    path = table(tmp_path, "image,size\na,200\nb,50\nc,200\n")
    assert read_attributes(path).order["size"] == ("50", "200")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,age\na,3\n", "the column 'image'"),
        ("image\na\n", "no column but 'image'"),
        ("image,age\n", "and lines"),
        ("", "and lines"),
    ],
)
def test_a_table_that_is_none_is_one_line(tmp_path, text, message):
    with pytest.raises(DatasetError, match=message):
        read_attributes(table(tmp_path, text))


def test_a_table_of_other_images_and_wrong_names_are_refused(run, tmp_path):
    attributes = read_attributes(table(tmp_path, "image,age\nz,3\n"))
    with pytest.raises(UserError, match="none of the run's photographs"):
        group_scores(run, "brighter", attributes)
    with pytest.raises(UserError, match="Did you mean 'brighter'"):
        group_scores(run, "brihgter", attributes)


def test_a_run_that_was_cut_off_has_no_groups(run, tmp_path):
    attributes = read_attributes(table(tmp_path, "image,age\na,3\n"))
    begun = replace(run, record={**run.record, "finished": None})
    with pytest.raises(UserError, match="is not finished: run the suite again"):
        group_scores(begun, "brighter", attributes)


def test_the_tables_say_the_same_as_words_markdown_and_json(run, tmp_path):
    path = table(tmp_path, "image,glasses\na.png,no\nb.png,no\nc.png,=yes|\n")
    scores = group_scores(run, "brighter", read_attributes(path))
    assert "         no     2  −1.00 (−1.00 to −1.00)" in group_text(scores)
    assert "|  | no | 2 | −1.00 (−1.00 to −1.00) |" in group_table(scores)
    assert "| glasses | =yes\\| | 1 | +1.00 |" in group_table(scores)


def test_the_command_prints_and_writes_the_groups(run, tmp_path):
    path = table(tmp_path, "image,glasses\na.png,no\nb.png,yes\n")
    arguments = ["groups", str(run.folder), "--attributes", str(path), "--restorer", "brighter"]
    result = CliRunner().invoke(main, [*arguments, "--markdown", str(tmp_path / "g.md")])
    assert result.exit_code == 0, result.output
    assert "brighter on ramps × dark" in result.stdout
    assert (tmp_path / "g.md").read_text().startswith("**brighter on ramps × dark**")
    import json

    records = json.loads(CliRunner().invoke(main, [*arguments, "--json"]).stdout)
    assert [each["group"] for each in records] == ["no", "yes"]

"""YAML into dataclasses: what is accepted, and the line and key of each refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest
import yaml
from msgspec import Meta

from degrade.config import load_config, load_yaml, nearest
from degrade.errors import RecipeError, UserError


@dataclass(frozen=True, slots=True)
class Network:
    size: Annotated[int, Meta(ge=1)]
    channels: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    name: str
    network: Network
    rate: Annotated[float, Meta(gt=0)] = 0.1
    precision: Literal["float32", "bfloat16"] = "float32"
    other: Network | None = None
    several: tuple[Network, ...] = ()

    def __post_init__(self):
        if self.name.startswith("."):
            raise ValueError(f"name {self.name!r} is hidden")


GOOD = "name: a\nnetwork:\n  size: 64\nrate: 1\n"


def test_a_good_file_becomes_the_dataclass():
    assert load_config(GOOD, Run) == Run("a", Network(64), 1.0)


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("name: a\nnetwork:\n  size: x\n", ("line 3", "network.size", "`int`", "'x'")),
        ("name: a\nnetwork:\n  size: 0\n", ("line 3", "network.size", ">= 1")),
        ("name: a\nnetwork:\n  size: true\n", ("line 3", "network.size", "`bool`")),
        ("name: a\nnetwork:\n  sise: 4\n", ("line 3", "network.sise", "unknown", "'size'")),
        (GOOD + "other:\n  sise: 4\n", ("line 6", "other.sise", "'size'")),
        (GOOD + "several:\n- size: 4\n- sise: 4\n", ("line 7", "several.1.sise", "'size'")),
        (GOOD.replace("rate: 1", "rate: .nan"), ("line 4", "rate", "finite")),
        (GOOD.replace("rate: 1", "rate: .inf"), ("line 4", "rate", "finite")),
        (GOOD + "precision: half\n", ("line 5", "precision", "'half'")),
        ("name: a\n", ("network", "missing")),
        (GOOD.replace("name: a", "name: .a"), ("'.a'", "hidden")),
        ("[1, 2]", ("expected keys and values",)),
    ],
)
def test_a_refusal_names_the_line_the_key_and_the_problem(text, facts):
    with pytest.raises(RecipeError) as raised:
        load_config(text, Run, "run.yaml", error=RecipeError)
    for fact in ("run.yaml", *facts):
        assert fact in str(raised.value)


TEXT = """\
# a comment
name: demo
steps:
  - operation: blur
    sigma: {uniform: [0.5, 8]}

  - operation: jpeg
"""


def test_data_are_what_safe_load_gives():
    data, _ = load_yaml(TEXT)
    assert data == yaml.safe_load(TEXT)


def test_lines_are_those_an_editor_shows():
    _, lines = load_yaml(TEXT)
    rows = TEXT.splitlines()
    assert rows[lines[("name",)] - 1].startswith("name")
    assert lines[("steps",)] == 3
    assert lines[("steps", 0)] == 4
    assert lines[("steps", 0, "sigma")] == 5
    assert lines[("steps", 0, "sigma", "uniform", 1)] == 5
    assert lines[("steps", 1, "operation")] == 7


def test_a_file_is_read_and_named_in_messages(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("a: 1\n", encoding="utf-8")
    assert load_yaml(path)[0] == {"a": 1}
    path.write_text("a: [1\nb: 2\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"recipe\.yaml line \d: this is not valid YAML"):
        load_yaml(path)


def test_an_empty_text_is_none():
    assert load_yaml("# nothing\n")[0] is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "mine line 3: 'a' stands here a second time, first on line 1"),
        ("a: &x [1]\nb: *x\n", "anchors and aliases"),
        ("a: &a [*a]\n", "anchors and aliases"),
        ("a: 1\n b: 2\n", "mine line 2: this is not valid YAML"),
        ("a: !!python/object/apply:os.system ['true']\n", "mine line 1: this is not valid YAML"),
        ("a: \x00\n", "not a YAML text"),
        ("a: 2024-13-45\n", "put it in quotes"),
        ("a: 1\n---\nb: 2\n", "mine line 2: this is not valid YAML"),
        ("[" * 5000, "nested too deeply"),
        ("? [1, 2]\n: 3\n? {a: 1}\n: 4\n", "not valid YAML"),
    ],
)
def test_a_bad_text_is_one_line_that_names_the_place(text, message):
    with pytest.raises(UserError) as caught:
        load_yaml(text, "mine")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_or_binary_file_is_one_line(tmp_path):
    with pytest.raises(UserError, match="there is no such file"):
        load_yaml(tmp_path / "no.yaml")
    with pytest.raises(UserError, match="this is a folder"):
        load_yaml(tmp_path)
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(UserError, match="not a UTF-8"):
        load_yaml(tmp_path / "x.yaml")


def test_the_caller_chooses_the_kind_of_error():
    with pytest.raises(RecipeError):
        load_yaml("a: [", error=RecipeError)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sed", " Did you mean 'seed'?"),
        ("SEED", " Did you mean 'seed'?"),
        ("metric", " Did you mean 'metrics'?"),
        ("zebra", ""),
        (7, ""),
    ],
)
def test_the_nearest_valid_name_is_offered_only_when_it_is_near(name, hint):
    assert nearest(name, ["seed", "metrics", "recipes"]) == hint

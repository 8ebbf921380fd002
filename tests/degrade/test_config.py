"""YAML into dataclasses: what is accepted, and the line and key of each refusal."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest
from msgspec import Meta

from degrade.config import load_config
from degrade.errors import RecipeError


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

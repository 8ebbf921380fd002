"""Test sets that a paper described and never released, as a source and a recipe in one YAML file.

``degrade build celeba-test-gfpgan OUT --seed N`` builds one; its seed says which of the many sets
that the paper's words allow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import msgspec

from degrade.config import load_config
from degrade.errors import DatasetError

_SHIPPED = Path(__file__).parents[1] / "testsets"

Text = Annotated[str, msgspec.Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class Testset:
    """What is degraded, and how.

    Attributes
    ----------
    name
        The file's name without its ending.
    summary, source, differs
        What it is, who described it, and how this differs from what they had.
    dataset
        A source as `degrade.open_source` takes it, such as ``celeba-hq:test``.
    recipe
        A recipe as `degrade.load_recipe` takes it.
    longest_side
        Images are shrunk to it first, pixels; None leaves them.
    """

    # Its name would make pytest take it for a class of tests.
    __test__ = False

    summary: Text
    dataset: Text
    recipe: Text
    source: str = ""
    differs: str = ""
    longest_side: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    name: str = ""


def list_testsets() -> tuple[str, ...]:
    """Return the names of the test sets that come with the package, sorted."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.yaml")))


def find_testset(text: str) -> Testset | None:
    """Return the test set of that name or YAML file, None where the text is neither."""
    if text in list_testsets():
        return read_testset(_SHIPPED / f"{text}.yaml")
    path = Path(text)
    return read_testset(path) if path.suffix in (".yaml", ".yml") and path.is_file() else None


def read_testset(path: Path) -> Testset:
    """Return the test set of a YAML file; raises DatasetError, naming the line."""
    return replace(load_config(path, Testset, path.name, error=DatasetError), name=path.stem)

"""Test sets that a paper described and never released, as a source and a recipe in one YAML file.

``degrade build celeba-test-gfpgan OUT --seed N`` builds one; its seed says which of the many sets
that the paper's words allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from degrade.config import load_yaml, nearest
from degrade.errors import DatasetError

_SHIPPED = Path(__file__).parents[1] / "testsets"
_NEEDED = ("summary", "dataset", "recipe")
_TEXTS = (*_NEEDED, "source", "differs")


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

    name: str
    summary: str
    dataset: str
    recipe: str
    source: str = ""
    differs: str = ""
    longest_side: int | None = None


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
    data, lines = load_yaml(path, path.name, error=DatasetError)
    if not isinstance(data, dict):
        raise DatasetError(f"{path.name}: expected keys {', '.join(_NEEDED)}")
    for key, value in data.items():
        line = lines.get((str(key),), 1)
        if key not in (*_TEXTS, "longest_side"):
            hint = nearest(key, (*_TEXTS, "longest_side"))
            raise DatasetError(f"{path.name} line {line}: unknown key '{key}'.{hint}")
        if key in _TEXTS and not (isinstance(value, str) and value):
            raise DatasetError(f"{path.name} line {line}: {key} is a text")
        if key == "longest_side" and not (type(value) is int and 1 <= value <= 65535):
            raise DatasetError(f"{path.name} line {line}: longest_side is 1 to 65535 pixels")
    for key in _NEEDED:
        if key not in data:
            raise DatasetError(f"{path.name}: the key {key} is missing")
    return Testset(name=path.stem, **data)

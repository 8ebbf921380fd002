"""The fitted recipe as a file: YAML with a header that says what was measured."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from degrade.fit.measurement import Measurement
from degrade.fit.quantities import QUANTITIES, Quantity
from degrade.images import atomic_file
from degrade.recipe.recipe import Recipe, load_recipe

if TYPE_CHECKING:
    from degrade.fit.fit import Fit

__all__ = ["as_recipe", "fit_text", "quartiles", "recipe_text", "table_lines", "write_text"]


def as_recipe(steps: Sequence[dict[str, Any]], name: str) -> Recipe:
    """Return steps as a recipe, read and checked as any recipe file is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fitted.yaml"
        path.write_text(recipe_text(steps, name, "", ()), encoding="utf-8")
        return load_recipe(path)


def recipe_text(
    steps: Sequence[dict[str, Any]], name: str, summary: str, header: Sequence[str]
) -> str:
    """Return the YAML of a recipe, a comment of ``header`` lines first.

    A recipe of no steps does nothing: it blurs by 0 pixels, as a recipe has a step at least.
    """
    import yaml

    content: dict[str, Any] = {"name": name, "version": 1}
    if summary:
        content["summary"] = summary
    content["steps"] = list(steps) or [{"operation": "gaussian_blur", "sigma": 0}]
    comment = "".join(f"# {line}".rstrip() + "\n" for line in header)
    text = yaml.safe_dump(
        content, sort_keys=False, default_flow_style=None, allow_unicode=True, width=96
    )
    return comment + text


def quartiles(result: Fit) -> dict[str, dict[str, list[float]]]:
    """Return each quantity's quartiles over all pictures, of photographs and generated ones."""
    return {
        quantity.name: {
            "photographs": _quartiles(quantity, result.photographs),
            "generated": _quartiles(quantity, result.generated.measured),
        }
        for quantity in QUANTITIES.values()
    }


def _quartiles(quantity: Quantity, pictures: Sequence[Measurement]) -> list[float]:
    return [round(float(v), 2) for v in np.quantile(quantity.of(pictures), [0.25, 0.5, 0.75])]


def table_lines(result: Fit) -> list[str]:
    """Return the quartiles as aligned lines for a person."""
    rows = [("", "photographs 25/50/75 %", "generated 25/50/75 %")]
    for name, both in quartiles(result).items():
        quantity = QUANTITIES[name]
        title = f"{quantity.title}, {quantity.unit}" if quantity.unit else quantity.title
        words = [" / ".join(_word(v, quantity) for v in both[key]) for key in both]
        rows.append((title, words[0], words[1]))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _word(value: float, quantity: Quantity) -> str:
    return "none" if value == quantity.none and quantity.none else f"{value:.3g}"


def fit_text(result: Fit, name: str, photographs: str, sources: str) -> str:
    """Return the YAML of a fit, with what was measured in a comment above it."""
    count, generated = len(result.photographs), len(result.generated.measured)
    photographs, sources = _plain(photographs), _plain(sources)
    header = [
        f"Fitted by `degrade fit` to {count} photographs of {photographs}.",
        f"Measured over all of them, beside {generated} pictures made of {sources}:",
        "",
        *table_lines(result),
        "",
        "Measure alike, so the simpler one is written: none, and noise below "
        f"{result.floors.noise:.1f} levels",
        f"or blur below {result.floors.blur:.1f} px; blur, and enlargement before noise or JPEG.",
        "Parameters are drawn independently of each other.",
    ]
    summary = f"Fitted to {count} photographs of {photographs}."
    return recipe_text(result.candidate.steps(), name, summary, header)


def _plain(folder: str) -> str:
    """Return a folder's last name as one line of text, whatever characters it holds."""
    name = Path(folder).name.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with atomic_file(path) as file:
        file.write(text.encode("utf-8"))

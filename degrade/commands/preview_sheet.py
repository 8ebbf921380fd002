"""What `degrade preview` shows: each image, then degraded copies with what was done to each."""

from __future__ import annotations

import math
from collections.abc import Sequence

from degrade.commands.measure import psnr
from degrade.engine.apply import apply
from degrade.images import Image
from degrade.images.contact_sheet import SheetCell, SheetRow
from degrade.ops import OPERATIONS
from degrade.planner.draw import plan
from degrade.planner.plan import Plan
from degrade.planner.severity import severity_plans
from degrade.recipe.recipe import Recipe


def variants_row(image: Image, key: str, recipe: Recipe, seed: int, variants: int) -> SheetRow:
    """Return an image and its first variants, those that `degrade build` makes."""
    size = (image.shape[0], image.shape[1])
    cells = [_source_cell(image, key)]
    for variant in range(variants):
        image_plan = plan(recipe, seed=seed, image_id=key, size=size, variant=variant)
        lines = tuple(step.describe() for step in image_plan.steps) or ("untouched",)
        cells.append(_degraded_cell(image, image_plan, f"variant {variant}", lines))
    return SheetRow(tuple(cells), recipe.name, f"seed {seed}")


def ladder_row(
    image: Image, key: str, operation: str, seed: int, count: int, values: Sequence[float] = ()
) -> SheetRow:
    """Return an image and copies with one operation at rising severity."""
    size = (image.shape[0], image.shape[1])
    severities = severity_plans(
        operation, image_id=key, size=size, seed=seed, count=count, values=values
    )
    cells = [_degraded_cell(image, severity.plan, severity.title, ()) for severity in severities]
    ladder = OPERATIONS[operation].ladder
    fixed = ladder.fixed.items() if ladder else ()
    words = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in fixed)
    return SheetRow((_source_cell(image, key), *cells), operation.replace("_", " "), words)


def _source_cell(image: Image, key: str) -> SheetCell:
    return SheetCell(image, key, (f"{image.shape[1]} x {image.shape[0]}, original",))


def _degraded_cell(image: Image, image_plan: Plan, title: str, lines: tuple[str, ...]) -> SheetCell:
    lq = apply(image_plan, image)
    if lq.shape != image.shape:
        lines = (*lines, f"{lq.shape[1]} x {lq.shape[0]} pixels")
    return SheetCell(lq, title, lines, decibels(image, lq))


def decibels(hq: Image, lq: Image) -> str:
    """Return the PSNR of a pair in words, over all values; empty where the sizes differ."""
    if hq.shape != lq.shape:
        return ""
    value = psnr(lq, hq)
    return f"{value:.1f} dB" if math.isfinite(value) else "equal"

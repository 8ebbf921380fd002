"""A recipe in the making: each degradation's chance and the values it takes, and its YAML.

The order is the field's classical chain (X. Wang et al., GFPGAN, CVR 2021, eq. 1): blur, shrink,
noise, JPEG, enlarge; pixelation comes last.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degrade.recipe.reader import load_recipe
from degrade.recipe.recipe import Recipe

LEVELS = 24
"""Equally likely values that stand for one distribution: the middles of as many equal shares."""

_MIDDLE_VARIANCE = 128.0 * 255.0
"""Shot noise of p photons has variance 255 v / p at level v, so σ² at 128 is this over p."""
_MOST_PHOTONS = 1e5


@dataclass(frozen=True, slots=True)
class FittedPart:
    """One degradation: how often, and equally likely values, rising."""

    probability: float
    levels: tuple[float, ...]

    def at(self, ranks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values at ranks between 0 and 1."""
        positions = (np.arange(len(self.levels)) + 0.5) / len(self.levels)
        return np.asarray(np.interp(ranks, positions, self.levels))


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a fitted recipe says."""

    blur: FittedPart  # round blur, sigma in pixels of the full size
    # Share of the blurs that are stretched and turned; then ``along``, ``across`` (pixels) and
    # ``angle`` (degrees) are used, drawn on their own
    turned: float
    along: FittedPart
    across: FittedPart
    angle: FittedPart
    scale: FittedPart  # divisors of the sides
    back: float  # share of the shrunk images that are enlarged to the full size again
    last: float  # share of those that are enlarged after noise and JPEG; the others before
    filter: str  # of the enlargement, as recipes call it
    noise: FittedPart  # sigma in levels, at level 128
    shot: float  # share of the noises that grow with brightness as shot noise does
    grey: float  # share of the others that all channels have in common
    quality: FittedPart  # of JPEG
    block: FittedPart  # sides of pixelation

    def steps(self) -> list[dict[str, Any]]:
        """Return the recipe's steps, in order; those that never happen are left out."""
        return [
            *self._blur_steps(),
            *self._shrink_steps(),
            *self._noise_steps(),
            *_step(
                self.quality, {"operation": "jpeg", "quality": _choice(self.quality, whole=True)}
            ),
            *self._enlarge_steps(),
            *_step(self.block, {"operation": "pixelate", "block": _choice(self.block, whole=True)}),
        ]

    def _blur_steps(self) -> list[dict[str, Any]]:
        round_blur = {"operation": "gaussian_blur", "sigma": _choice(self.blur)}
        turned = {
            "operation": "gaussian_blur",
            "sigma_x": _choice(self.along),
            "sigma_y": _choice(self.across),
            "angle": _choice(self.angle),
        }
        return _either(
            self.blur.probability, [(1.0 - self.turned, round_blur), (self.turned, turned)]
        )

    def _shrink_steps(self) -> list[dict[str, Any]]:
        # Each has a mapping of its own: one that is shared would be written as a YAML alias.
        and_back = {"operation": "resize_blur", "divisor": _choice(self.scale), "up": self.filter}
        for_good = {
            "operation": "resize",
            "divisor": _choice(self.scale),
            "filter": "area",
            "antialias": True,
        }
        before = self.back * (1.0 - self.last)
        return _either(self.scale.probability, [(1.0 - before, for_good), (before, and_back)])

    def _noise_steps(self) -> list[dict[str, Any]]:
        photons = [
            min(_MOST_PHOTONS, _MIDDLE_VARIANCE / max(sigma, 0.1) ** 2)
            for sigma in reversed(self.noise.levels)
        ]
        shot = {"operation": "shot_noise", "photons": _choice(FittedPart(1.0, tuple(photons)))}
        plain: dict[str, Any] = {"operation": "gaussian_noise", "sigma": _choice(self.noise)}
        if self.grey > 0.0:
            plain["per_channel"] = {
                "choice": [[True, _chance(1.0 - self.grey)], [False, _chance(self.grey)]]
            }
        return _either(self.noise.probability, [(1.0 - self.shot, plain), (self.shot, shot)])

    def _enlarge_steps(self) -> list[dict[str, Any]]:
        chance = self.back * self.last / max(1.0 - self.back * (1.0 - self.last), 1e-9)
        if _chance(self.scale.probability) == 0.0 or _chance(chance) == 0.0:
            return []
        step = {"operation": "resize", "to": "source", "filter": self.filter}
        return [_with_chance(step, chance)]


def averaged(candidates: Sequence[Candidate]) -> Candidate:
    """Return the mean of several candidates: of every share, and of levels of equal rank.

    All must have the same filter, as those of one fit do.
    """
    means: dict[str, Any] = {}
    for field in fields(Candidate):
        values = [getattr(candidate, field.name) for candidate in candidates]
        if isinstance(values[0], FittedPart):
            levels = np.mean([part.levels for part in values], axis=0)
            chance = float(np.mean([part.probability for part in values]))
            means[field.name] = FittedPart(chance, tuple(float(level) for level in levels))
        else:
            same = isinstance(values[0], str)
            means[field.name] = values[0] if same else float(np.mean(values))
    return Candidate(**means)


def quantile_levels(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Return `LEVELS` equally likely values that stand for a sample; it holds one at least."""
    positions = (np.arange(LEVELS) + 0.5) / LEVELS
    return tuple(float(value) for value in np.quantile(values, positions, method="hazen"))


def _either(
    probability: float, branches: list[tuple[float, dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Return one step, or a one_of by weight, or nothing where the chance is 0."""
    real = [(weight, step) for weight, step in branches if _chance(weight) > 0.0]
    if _chance(probability) == 0.0 or not real:
        return []
    if len(real) == 1:
        return [_with_chance(real[0][1], probability)]
    members = [{**step, "weight": _chance(weight)} for weight, step in real]
    return [_with_chance({"one_of": members}, probability)]


def _step(part: FittedPart, step: dict[str, Any]) -> list[dict[str, Any]]:
    return [] if _chance(part.probability) == 0.0 else [_with_chance(step, part.probability)]


def _with_chance(step: Mapping[str, Any], probability: float) -> dict[str, Any]:
    chance = _chance(probability)
    first = {"operation": step["operation"]} if "operation" in step else {}
    return {**first, **({"probability": chance} if chance < 1.0 else {}), **step}


def _chance(value: float) -> float:
    """Return a chance to two digits: 300 photographs tell no more."""
    return round(min(1.0, max(0.0, value)), 2)


def _choice(part: FittedPart, *, whole: bool = False) -> dict[str, Any] | float | int:
    """Return equally likely values as recipes write them; equal ones are counted together."""
    values: list[float | int] = [
        round(level) if whole else float(f"{level:.4g}") for level in part.levels
    ]
    different = sorted(set(values))
    if len(different) == 1:
        return different[0]
    if len(different) == len(values):
        return {"choice": different}
    return {"choice": [[value, values.count(value)] for value in different]}


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

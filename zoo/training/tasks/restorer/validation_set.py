"""The fixed pairs that a run is validated on: faces of the pack's validation split, degraded."""

from __future__ import annotations

import numpy as np
import torch

from degrade.engine.apply import apply_pair
from degrade.planner.draw import plan
from degrade.recipe.reader import load_recipe
from zoo.training.data.device_batch import one_hot
from zoo.training.data.face_pack import FacePack
from zoo.training.tasks.restorer.config import TrainingConfig
from zoo.training.tasks.restorer.validation import ValidationFaces

__all__ = ["FEWEST", "validation_faces"]

FEWEST = 8
"""Faces without which a kernel distance says nothing."""
_SEED = 1


def validation_faces(
    config: TrainingConfig, pack: FacePack, most: int, split: str = "val"
) -> ValidationFaces | None:
    """Return up to ``most`` pairs of the split, the same for every run; None for too few faces.

    Each face comes once. The run's recipes follow one another by their shares: what they do to
    a face depends on its name and not on the configuration's seed.
    """
    numbers = pack.indices(split)[:most]
    if len(numbers) < FEWEST:
        return None
    recipes = {name: load_recipe(name) for name in config.families}
    order = _order(config)
    pairs = []
    for place, number in enumerate(numbers):
        recipe = recipes[order[place % len(order)]]
        drawn = plan(
            recipe, seed=_SEED, image_id=pack.index.keys[number], size=(pack.size, pack.size)
        )
        pairs.append(apply_pair(drawn, pack.hq(number)))
    labels = np.stack([pack.labels(number) for number in numbers])
    hq, lq = (np.stack(images) for images in zip(*pairs, strict=True))
    return ValidationFaces(hq, lq, one_hot(torch.from_numpy(labels)), pack.template)


def _order(config: TrainingConfig) -> list[str]:
    """Return the recipes, each as often as its share of the smallest, spread evenly."""
    least = min(config.families.values())
    counts = {name: max(1, round(share / least)) for name, share in config.families.items()}
    spread = [((turn + 0.5) / n, name) for name, n in counts.items() for turn in range(n)]
    return [name for _, name in sorted(spread)]

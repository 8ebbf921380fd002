"""Degrade: reproducible degraded copies of sharp images.

The same recipe, seed and image give the same bytes for any number of workers, any order, any
subset, on any machine.

>>> import degrade
>>> recipe = degrade.load_recipe("gfpgan")
>>> plan = degrade.plan(recipe, seed=7, image_id="a.png", size=(512, 512))
>>> lq = degrade.apply(plan, hq)  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from degrade.engine import apply, apply_pair
    from degrade.errors import UserError
    from degrade.pairs import Pair, PairedDataset
    from degrade.planning import Plan, Step, plan
    from degrade.pool import Batch, DataPool, Family
    from degrade.recipe import Recipe, list_recipes, load_recipe
    from degrade.sources import open_source
    from degrade.stored import StoredPairs

__all__ = [
    "Batch",
    "DataPool",
    "Family",
    "Pair",
    "PairedDataset",
    "Plan",
    "Recipe",
    "Step",
    "StoredPairs",
    "UserError",
    "apply",
    "apply_pair",
    "list_recipes",
    "load_recipe",
    "open_source",
    "plan",
]

__version__ = "0.1.0"

_HOMES = {
    "Batch": "pool",
    "DataPool": "pool",
    "Family": "pool",
    "Pair": "pairs",
    "PairedDataset": "pairs",
    "Plan": "planning",
    "Recipe": "recipe",
    "Step": "planning",
    "StoredPairs": "stored",
    "UserError": "errors",
    "apply": "engine",
    "apply_pair": "engine",
    "list_recipes": "recipe",
    "load_recipe": "recipe",
    "open_source": "sources",
    "plan": "planning",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import degrade` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'degrade' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"degrade.{_HOMES[name]}"), name)
    setattr(sys.modules[__name__], name, value)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

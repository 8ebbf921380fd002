"""Degrade: reproducible degraded copies of sharp images.

The same recipe, seed and image give the same bytes for any number of workers, any order, any
subset, on any machine.

>>> import degrade
>>> recipe = degrade.load_recipe("gfpgan")
>>> plan = degrade.plan(recipe, seed=7, image_id="a.png", size=(512, 512))
>>> lq = degrade.apply(plan, hq)  # doctest: +SKIP
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"

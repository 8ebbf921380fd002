"""Face restorers behind one call.

>>> import zoo
>>> model = zoo.load("nlmeans")
>>> restored = model.restore([face])  # doctest: +SKIP
>>> photo, faces = zoo.restore_photo(image, model="nlmeans")  # doctest: +SKIP

Importing this package imports nothing else; a restorer's libraries come in with `load`.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.portrait.pipeline import restore_photo
    from zoo.registry import card, cards, load, names
    from zoo.restorer import Card, Image, Restorer

__all__ = ["Card", "Image", "Restorer", "card", "cards", "load", "names", "restore_photo"]

_HOMES = {
    "Card": "restorer",
    "Image": "restorer",
    "Restorer": "restorer",
    "card": "registry",
    "cards": "registry",
    "load": "registry",
    "names": "registry",
    "restore_photo": "portrait.pipeline",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import zoo` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'zoo' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"zoo.{_HOMES[name]}"), name)
    setattr(sys.modules[__name__], name, value)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

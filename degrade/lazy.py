"""Import by reference: ``package.module:attribute`` names what is imported when first used.

Tables of operations, commands, restorers and metrics hold such references, so that listing them
imports none of their code.
"""

from __future__ import annotations

import importlib
from typing import Any


def load_attribute(reference: str) -> Any:
    """Import a module and return its attribute.

    Parameters
    ----------
    reference
        ``package.module:attribute``; the attribute may be dotted, as in ``module:Class.method``.

    Raises
    ------
    ImportError
        There is no such module, or it cannot be imported.
    AttributeError
        The module has no such attribute.
    """
    module, _, attributes = reference.partition(":")
    value: Any = importlib.import_module(module)
    for attribute in attributes.split("."):
        value = getattr(value, attribute)
    return value

"""Names that nobody's restorer may bear: where one is named they mean something else."""

from __future__ import annotations

__all__ = ["is_reserved"]

_WORDS = frozenset({"all", "none", "clean"})
"""What commands take beside restorers' names."""
_ENDINGS = (".safetensors", ".pth", ".ckpt")
"""What makes a name the path of a file of weights."""


def is_reserved(name: str) -> bool:
    """Tell whether a name is taken for a path or a word of the command line."""
    return name.lower() in _WORDS or name.lower().endswith(_ENDINGS)

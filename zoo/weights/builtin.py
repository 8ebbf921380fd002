"""Networks whose weights come with Relume: what lies in ``zoo/weights``, and their cards.

Restorers, face descriptors, generators, parsers: a card's ``kind`` says which. Nothing is imported
that runs them: names and cards are there at once.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.model_card import CardError, ModelCard, read_model_card

if TYPE_CHECKING:
    from zoo.weights.header import TrainedFile

__all__ = [
    "FOLDER",
    "RESTORER",
    "read_shipped",
    "shipped_card",
    "shipped_names",
    "weights_path",
]

FOLDER = Path(__file__).parent
RESTORER = "network"
"""The kind of a trained restorer's card; others are ``generator``, ``descriptor``, …."""


def shipped_names(kind: str | None = RESTORER) -> tuple[str, ...]:
    """Return the names of those whose weights and card are both here, in alphabetical order.

    Parameters
    ----------
    kind
        Which kind of cards; None for all. A broken card counts as a restorer's.
    """
    names = sorted(path.stem for path in FOLDER.glob("*.yaml") if weights_path(path.stem).is_file())
    return tuple(name for name in names if kind is None or _kind(name) == kind)


def shipped_card(name: str) -> ModelCard:
    """Return the long card of a name of `shipped_names`; CardError for one that is broken."""
    path = FOLDER / f"{name}.yaml"
    return _read_once(path, path.stat().st_mtime_ns)


def weights_path(name: str) -> Path:
    """Return where the weights of ``name`` are, or would be."""
    return FOLDER / f"{name}.safetensors"


def read_shipped(name: str) -> TrainedFile:
    """Return the weights of a name of `shipped_names`, of whatever kind.

    Raises
    ------
    WeightsMissing, WeightsRefused
        The file is not there, damaged, or not the one of its card (sha256).
    """
    from zoo.weights.files import WeightsMissing, WeightsRefused
    from zoo.weights.header import read_trained_file

    path = weights_path(name)
    if not path.is_file():
        raise WeightsMissing(f"{path} is missing: install relume again")
    file, sha256 = read_trained_file(path), shipped_card(name).card.sha256
    if file.sha256 != sha256:
        raise WeightsRefused(
            f"{file.path} has sha256 {file.sha256[:16]}…, its card says {sha256[:16]}…: install "
            "relume again"
        )
    return file


def _kind(name: str) -> str:
    try:
        return shipped_card(name).card.kind
    except CardError:
        return RESTORER


@functools.lru_cache(maxsize=64)
def _read_once(path: Path, _changed: int) -> ModelCard:
    return read_model_card(path)

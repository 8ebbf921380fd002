"""Reading what a checkpoint says of itself."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from zoo.training.config import TrainingError
from zoo.weights import load_checkpoint

__all__ = ["read_state"]


def read_state(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a run's state and, as a mapping, the configuration that it was written with.

    Raises
    ------
    TrainingError
        The file is no such state.
    WeightsRefused
        It is damaged, or holds more than data.
    """
    record = load_checkpoint(path)
    told = record.get("config") if isinstance(record, dict) else None
    try:
        config = ast.literal_eval(told) if isinstance(told, str) else None
    except (MemoryError, RecursionError, SyntaxError, ValueError):
        config = None
    if not isinstance(record, dict) or not isinstance(config, dict):
        raise TrainingError(f"{path} is no state of a training run: give another --out")
    return record, config

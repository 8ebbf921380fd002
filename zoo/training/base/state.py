"""The file that a run goes on from: read, compared with what is asked for, and taken up."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from degrade.images import atomic_file
from zoo.training.tasks.restorer.config import TrainingError, told_differences
from zoo.weights.files import load_checkpoint

__all__ = ["fill_network", "read_state", "taking_up", "write_state"]

_CONFIG = "config"
"""Where most states keep their configuration."""

_DAMAGED = (
    ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, SyntaxError,
    TypeError, ValueError,
)  # fmt: skip


def write_state(
    path: Path, config: Mapping[str, Any], parts: Mapping[str, Any], key: str = _CONFIG
) -> None:
    """Write a state, whole or not at all.

    Parameters
    ----------
    config
        The configuration's record: numbers, texts, and mappings and sequences of them.
    parts
        Everything else, of what `torch.save` stores without code.
    key
        Where `read_state` is to find the configuration.
    """
    with atomic_file(path) as file:
        torch.save({key: repr(dict(config)), **parts}, file)


def read_state(
    path: Path,
    config: Mapping[str, Any],
    *,
    key: str = _CONFIG,
    complete: Callable[[dict[str, Any]], Mapping[str, Any]] = dict,
) -> dict[str, Any]:
    """Return what `write_state` wrote of a run with the same configuration.

    Parameters
    ----------
    path, key
        As given to `write_state`.
    config
        The configuration's record of the run that goes on.
    complete
        Gives a record of an earlier version the keys that it lacks.

    Raises
    ------
    TrainingError
        The file is no such state, or another configuration's: the message names the keys that
        differ.
    WeightsRefused
        It is damaged, or holds more than data.
    """
    record = load_checkpoint(path)
    told = record.get(key) if isinstance(record, dict) else None
    if not isinstance(record, dict) or not isinstance(told, str):
        raise TrainingError(f"{path} is no state of a training run like this: give another --out")
    with taking_up(path):
        before = complete(dict(ast.literal_eval(told)))
    if differing := told_differences(before, config):
        raise TrainingError(
            f"{path} was begun with another configuration ({differing}): "
            "give another --out, or delete it"
        )
    return record


@contextmanager
def taking_up(path: Path) -> Iterator[None]:
    """Raise TrainingError for whatever the parts of a damaged or other version's state raise."""
    try:
        yield
    except _DAMAGED as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TrainingError(
            f"{path} is damaged or of another version of Relume ({reason}): give another --out, "
            "or use that version"
        ) from error


def fill_network(network: nn.Module, tensors: Mapping[str, Tensor], source: Path | str) -> None:
    """Give a network these tensors; TrainingError where its layers are others."""
    wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
    found = {name: getattr(tensor, "shape", None) for name, tensor in tensors.items()}
    if wanted != found:
        name = next(n for n in {**wanted, **found} if wanted.get(n) != found.get(n))
        raise TrainingError(
            f"{source} is of a network that differs at {name}: give another --out, weights of the "
            "same sizes, or use the version that wrote it"
        )
    network.load_state_dict(tensors)

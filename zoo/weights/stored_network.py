"""A network filled with the weights of a file of ours, once they are known to be its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from zoo.weights.files import WeightsRefused
from zoo.weights.header import TrainedFile

__all__ = ["filled", "first_line"]

Network = TypeVar("Network", bound=nn.Module)

_STORED = (torch.float16, torch.float32)


def filled(network: Network, file: TrainedFile) -> Network:
    """Return the network with a file's weights, in float32, frozen and for inference.

    Raises
    ------
    WeightsRefused
        The weights are damaged, not finite or another network's.
    """
    weights = _read_tensors(file)
    _check_fit(file, network.state_dict(), weights)
    network.load_state_dict({name: value.float() for name, value in weights.items()}, assign=True)
    return network.eval().requires_grad_(False)


def first_line(error: Exception) -> str:
    """Return what an error says in its first line, or its kind where it says nothing."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _read_tensors(file: TrainedFile) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return dict(load(file.content))
    except (SafetensorError, KeyError) as error:  # KeyError: a type of numbers it does not know
        raise WeightsRefused(
            f"{file.path} is no safetensors file, or a cut one ({error}): get it again"
        ) from error


def _check_fit(
    file: TrainedFile, wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]
) -> None:
    """Refuse weights that are not those of the network."""
    strange = sorted(wanted.keys() ^ found.keys())
    if strange:
        what = "without" if strange[0] in wanted else "with a tensor too many,"
        raise WeightsRefused(
            f"{file.path} is {what} {strange[0]}: these are weights of another network"
        )
    for name, value in found.items():
        if value.shape != wanted[name].shape or value.dtype not in _STORED:
            raise WeightsRefused(
                f"{file.path}: {name} is {value.dtype} of {tuple(value.shape)}, the network has "
                f"{tuple(wanted[name].shape)}: these are weights of another network"
            )
        if not value.isfinite().all():
            raise WeightsRefused(f"{file.path}: {name} holds values that are not finite")

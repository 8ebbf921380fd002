"""Networks from files that `zoo train` wrote, checked before they are built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from zoo.networks.config import network_config
from zoo.weights.files import WeightsRefused
from zoo.weights.header import TrainedFile

__all__ = ["fill", "stored_network"]

Config = TypeVar("Config")
Network = TypeVar("Network", bound=nn.Module)

_STORED = (torch.float16, torch.float32)
_LARGEST_SIDE = 1024


def stored_network(
    file: TrainedFile,
    designs: Mapping[str, type[Config]],
    build: Callable[[Config], Network],
    what: str,
    most_parameters: int,
) -> tuple[Config, Network]:
    """Return the sizes and the network of a file, in float32, frozen and for inference.

    Parameters
    ----------
    file
        Whose header describes the network.
    designs
        Design → sizes, see `zoo.networks.config.network_config`.
    build
        Makes the network, untrained.
    what
        Such as ``generator``, for messages.
    most_parameters
        A header that asks for more is refused before memory is taken.

    Raises
    ------
    WeightsRefused
        Another kind of network, or weights that are damaged, not finite or another network's.
    """
    try:
        config: Any = network_config(file.config["network"], designs)
        if config.size > _LARGEST_SIDE:
            raise ValueError(f"faces of {config.size} pixels, at most {_LARGEST_SIDE} are known")
        if (count := _estimated_parameters(config)) > most_parameters:
            raise ValueError(f"some {count} parameters, at most {most_parameters} are known")
        # Its first weights are thrown away: the global random state stays as it was.
        with torch.random.fork_rng(devices=[]):
            network = build(config)
    except (LookupError, OverflowError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsRefused(
            f"{file.path} holds no {what} that this version of relume knows ({reason}): use the "
            "version that wrote it"
        ) from error
    return config, fill(network, file)


def fill(network: Network, file: TrainedFile) -> Network:
    """Return the network with a file's weights, in float32, frozen and for inference.

    Raises
    ------
    WeightsRefused
        The weights are damaged, not finite or another network's.
    """
    weights = _tensors(file)
    _check_fit(file, network.state_dict(), weights)
    network.load_state_dict({name: value.float() for name, value in weights.items()}, assign=True)
    return network.eval().requires_grad_(False)


def _estimated_parameters(config: Any) -> int:
    """Return about how many parameters a network of these sizes has.

    Counted by hand: to build it on the device ``meta`` takes a second of imports.
    """

    def size(name: str, default: int = 0) -> int:
        return int(getattr(config, name, default))

    widths: list[int] = list(config.channels.values())
    widest = max(*widths, size("style"), size("width"), 3 * size("patch") ** 2)
    first = int(min(config.channels))
    return (
        18 * len(widths) * size("blocks", 1) * widest**2
        + size("depth") * size("latent") ** 2
        + size("layers") * size("width") * (72 * size("width") + size("latent"))
        + widths[0] * first**2
    )


def _tensors(file: TrainedFile) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return dict(load(file.content))
    except (SafetensorError, KeyError) as error:  # KeyError: a type of numbers it does not know
        raise WeightsRefused(
            f"{file.path} is no safetensors file, or a cut one ({error}): get it again"
        ) from error


def _check_fit(
    file: TrainedFile, expected: Mapping[str, Tensor], weights: Mapping[str, Tensor]
) -> None:
    """Refuse weights that are not those of the network."""
    differing = sorted(expected.keys() ^ weights.keys())
    if differing:
        what = "without" if differing[0] in expected else "with a tensor too many,"
        raise WeightsRefused(
            f"{file.path} is {what} {differing[0]}: these are weights of another network"
        )
    for name, value in weights.items():
        if value.shape != expected[name].shape or value.dtype not in _STORED:
            raise WeightsRefused(
                f"{file.path}: {name} is {value.dtype} of {tuple(value.shape)}, the network has "
                f"{tuple(expected[name].shape)}: these are weights of another network"
            )
        if not value.isfinite().all():
            raise WeightsRefused(f"{file.path}: {name} holds values that are not finite")

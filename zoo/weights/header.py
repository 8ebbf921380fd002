"""Files of trained weights: 16-bit safetensors whose header says what made them.

`zoo train` writes one entry into the header: the run's configuration and the steps done. It is read
without the library that runs the network; `zoo.networks.stored` builds it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degrade.images import atomic_file
from zoo.weights.files import WeightsMissing, WeightsRefused

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ENTRY", "TrainedFile", "loss_networks_of", "read_trained_file", "write_trained_file"]

ENTRY = "relume"
"""The key of the header's entry."""
_LENGTH = 8
"""Bytes before the header that say how long it is: github.com/huggingface/safetensors, README,
"Format"."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainedFile:
    """A file that `zoo train` wrote, as it is on the disk."""

    path: Path  # where it is
    content: bytes  # all of its bytes, so that what is loaded is what was hashed
    sha256: str  # of the content, hexadecimal
    # The run's configuration, as `zoo.training.base.config.RunConfig.as_record` gives it; not
    # checked yet, but for ``network`` being a mapping
    config: Mapping[str, Any]
    steps: int  # how many were done
    # The sha256 of the weights that the run began from; empty where it began from none
    begun_from: str = ""
    # How its faces were aligned. Files of earlier versions do not say: all had ``tight`` ones.
    template: str = "tight"
    parser: str = ""  # what made the masks that it learned from; empty in files of earlier versions
    # Networks that it and those it began from were trained against; files of earlier versions do
    # not say, see `zoo.weights.header.loss_networks_of`
    loss_networks: tuple[str, ...] = ()


def read_trained_file(path: Path) -> TrainedFile:
    """Read the file and its header.

    Raises
    ------
    WeightsMissing
        There is no such file, or it may not be read.
    WeightsRefused
        It is no safetensors file, is cut, or was not written by `zoo train`.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsMissing(
            f"{path} cannot be read ({error.strerror}): name a .safetensors file of `zoo train`"
        ) from error
    entry = _header_entry(path, content)
    values = entry if isinstance(entry, dict) else {}
    config, steps = values.get("config"), values.get("steps")
    network = config.get("network") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(network, dict) or not isinstance(steps, int):
        raise WeightsRefused(
            f"{path} says neither which network it is for nor how it was trained: only files "
            "that `zoo train` wrote can be loaded"
        )
    digest = hashlib.sha256(content).hexdigest()
    networks = values.get("loss_networks", [])
    return TrainedFile(
        path=path,
        content=content,
        sha256=digest,
        config=config,
        steps=steps,
        begun_from=str(values.get("begun_from", "")),
        template=str(values.get("template", "tight")),
        parser=str(values.get("parser", "")),
        loss_networks=tuple(map(str, networks)) if isinstance(networks, list) else (),
    )


def _header_entry(path: Path, content: bytes) -> object:
    """Return the entry, or None where there is none."""
    length = int.from_bytes(content[:_LENGTH], "little")
    if not 0 < length <= len(content) - _LENGTH:
        raise WeightsRefused(f"{path} is no safetensors file, or a cut one: get it again")
    try:
        header = json.loads(content[_LENGTH : _LENGTH + length])
        about = header.get("__metadata__") if isinstance(header, dict) else None
        entry = about.get(ENTRY) if isinstance(about, dict) else None
        return json.loads(entry) if isinstance(entry, str) else None
    except (ValueError, RecursionError) as error:
        raise WeightsRefused(f"{path} has a header that cannot be read: get it again") from error


def write_trained_file(network: nn.Module, path: Path, values: Mapping[str, Any]) -> Path:
    """Write a network as 16-bit safetensors and return the path.

    Parameters
    ----------
    network
        Whose weights and buffers to write; whole numbers stay as they are.
    path
        The file.
    values
        The header's entry, JSON-ready; see `TrainedFile`. Empty texts are left out.
    """
    from safetensors.torch import save

    tensors = {
        name: (value.half() if value.is_floating_point() else value).detach().contiguous().cpu()
        for name, value in network.state_dict().items()
    }
    entry = {key: value for key, value in values.items() if value != ""}
    # One entry: safetensors writes several in an order that changes from run to run.
    with atomic_file(path) as file:
        file.write(save(tensors, metadata={ENTRY: json.dumps(entry, sort_keys=True)}))
    return path


def loss_networks_of(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the networks that a run's configuration trains against, as `bench` names judges."""
    networks = []
    if config.get("perceptual") or config.get("region_style"):
        networks.append(str(config.get("perceptual_network", "efficientnet-lite0")))
    identity = config.get("identity")
    if isinstance(identity, Mapping) and identity.get("weight"):
        networks.append(Path(str(identity.get("network"))).stem)
    return tuple(networks)

"""What a file of trained weights says of itself, read without the library that runs it.

`zoo train` writes one entry into the header of its safetensors: the run's configuration and the
steps done. Nothing is built here; `zoo.restorers.trained` does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.weights.files import WeightsMissing, WeightsRefused

__all__ = ["ENTRY", "TrainedFile", "read_trained_file"]

ENTRY = "relume"
"""The key of the header's entry."""
_LENGTH = 8
"""Bytes before the header that say how long it is: github.com/huggingface/safetensors, README,
"Format"."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainedFile:
    """A file that `zoo train` wrote, as it is on the disk.

    Attributes
    ----------
    path
        Where it is.
    content
        All of its bytes, so that what is loaded is what was hashed.
    sha256
        Of the content, hexadecimal.
    config
        The run's configuration, as `zoo.training.tasks.restorer.config.TrainingConfig.as_record`
        gives it; not checked yet, but for ``network`` being a mapping.
    steps
        How many were done.
    begun_from
        The sha256 of the weights that the run began from; empty where it began from none.
    template
        How its faces were aligned. Files of earlier versions do not say: all had ``tight`` ones.
    parser
        What made the masks that it learned from; empty in files of earlier versions.
    loss_networks
        Networks that it and those it began from were trained against; files of earlier versions
        do not say, see `zoo.registry.trained_card.loss_networks_of`.
    """

    path: Path
    content: bytes
    sha256: str
    config: Mapping[str, Any]
    steps: int
    begun_from: str = ""
    template: str = "tight"
    parser: str = ""
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
    entry = _told(path, content)
    told = entry if isinstance(entry, dict) else {}
    config, steps = told.get("config"), told.get("steps")
    network = config.get("network") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(network, dict) or not isinstance(steps, int):
        raise WeightsRefused(
            f"{path} says neither which network it is for nor how it was trained: only files "
            "that `zoo train` wrote can be loaded"
        )
    digest = hashlib.sha256(content).hexdigest()
    networks = told.get("loss_networks", [])
    return TrainedFile(
        path=path,
        content=content,
        sha256=digest,
        config=config,
        steps=steps,
        begun_from=str(told.get("begun_from", "")),
        template=str(told.get("template", "tight")),
        parser=str(told.get("parser", "")),
        loss_networks=tuple(map(str, networks)) if isinstance(networks, list) else (),
    )


def _told(path: Path, content: bytes) -> object:
    """Return what the entry says; None where there is none."""
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

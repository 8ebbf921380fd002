"""The file of weights that a run ends with: 16 bits, and in its header what made it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from degrade.images import atomic_file
from zoo.weights.header import ENTRY

__all__ = ["write_weights"]


def write_weights(network: nn.Module, path: Path, told: Mapping[str, Any]) -> Path:
    """Write a network as 16-bit safetensors and return the path.

    Parameters
    ----------
    network
        Whose weights and buffers to write.
    path
        The file.
    told
        What the header says, JSON-ready; see `zoo.weights.header.TrainedFile`. What is empty is
        left out.
    """
    from safetensors.torch import save

    tensors = {
        name: value.detach().half().contiguous().cpu()
        for name, value in network.state_dict().items()
    }
    kept = {key: value for key, value in told.items() if value != ""}
    # One entry: safetensors writes several in an order that changes from run to run.
    with atomic_file(path) as file:
        file.write(save(tensors, metadata={ENTRY: json.dumps(kept, sort_keys=True)}))
    return path

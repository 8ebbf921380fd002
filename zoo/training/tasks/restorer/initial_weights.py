"""Begin a run from weights that an earlier run exported: fine-tuning, or another size."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from zoo.networks.config import network_record
from zoo.networks.restoration.designs import restorer_config
from zoo.training.base.config import TrainingError, differences
from zoo.training.tasks.restorer.config import RestorerTraining
from zoo.weights.files import WeightsRefused, load_safetensors
from zoo.weights.header import loss_networks_of, read_trained_file

__all__ = ["InitialWeights", "initial_weights"]


_LEAST_SHARE = 0.5
"""Share of a network's parameters that must come from the file."""


class InitialWeights(NamedTuple):
    """What a run begins with."""

    tensors: dict[str, Tensor]  # float32, by their names in the network: all of them
    digest: str  # the sha256 of the file
    # What the weights were trained against, there and in the runs before
    loss_networks: tuple[str, ...]
    notes: tuple[str, ...]  # what a person should know, one line each


def initial_weights(path: Path, config: RestorerTraining, network: nn.Module) -> InitialWeights:
    """Return what a network can begin with from an exported file.

    Of a network of another size the tensors of equal name and shape are taken; where it folds
    other patches, the first layer and the outputs begin as they were, seen through the larger
    patch: the new network restores as the old one does at its own size.

    Parameters
    ----------
    path
        What `zoo train` wrote.
    config
        Of the run that begins.
    network
        New: what the file does not have stays as it is.

    Raises
    ------
    TrainingError
        The file's network is another design, or shares less than half of the parameters.
    WeightsMissing, WeightsRefused
        It is not there, damaged, or no file of `zoo train`.
    """
    file = read_trained_file(path)
    try:
        other = restorer_config(file.config["network"])
    except (LookupError, ValueError) as error:
        raise WeightsRefused(f"{path} does not say what network it holds: {error}") from None
    stored = {name: tensor.float() for name, tensor in load_safetensors(path).items()}
    folds = config.network.patch // other.patch
    tensors = dict(network.state_dict())
    anew = []
    for name, tensor in tensors.items():
        weight = stored.get(name)
        if weight is not None and weight.shape != tensor.shape and folds > 1:
            weight = _refolded(name, weight, other.patch, folds)
        if weight is not None and weight.shape == tensor.shape:
            tensors[name] = weight
        else:
            anew.append(name)
    total = sum(tensor.numel() for tensor in tensors.values())
    share = 1 - sum(tensors[name].numel() for name in anew) / total
    if other.design != config.network.design or share < _LEAST_SHARE:
        before, now = ({"network": network_record(each)} for each in (other, config.network))
        raise TrainingError(
            f"{path} holds another network than {config.name}: {differences(before, now)}"
        )
    notes: tuple[str, ...] = ()
    if anew:
        notes = (f"{share:.0%} of the parameters come from {path.name}, {anew[0]} … begin anew",)
    against = dict.fromkeys([*file.loss_networks, *loss_networks_of(file.config)])
    return InitialWeights(tensors, file.sha256, tuple(against), notes)


def _refolded(name: str, weight: Tensor, patch: int, folds: int) -> Tensor:
    """Return the weight of an input or output layer for patches ``folds`` times as large.

    An input pixel of the old network becomes the mean of ``folds × folds`` new ones, an output
    pixel is repeated as often. Other layers are returned as they are.
    """
    if name == "encoder.first.weight" or name == "first.weight":
        pixels, labels = weight[:, : 3 * patch**2], weight[:, 3 * patch**2 :]
        folded = pixels.reshape(-1, 3, patch, patch, *weight.shape[2:])
        folded = folded.repeat_interleave(folds, 2).repeat_interleave(folds, 3) / folds**2
        return torch.cat([folded.flatten(1, 3), labels], dim=1)
    if "to_rgb" in name or name.startswith("last."):
        folded = weight.reshape(3, patch, patch, *weight.shape[1:])
        return folded.repeat_interleave(folds, 1).repeat_interleave(folds, 2).flatten(0, 2)
    return weight

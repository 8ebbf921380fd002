"""Begin a run from weights that an earlier run exported: fine-tuning."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from zoo.networks.designs import network_config, network_record
from zoo.trained_card import loss_networks_of
from zoo.training.config import TrainingConfig, TrainingError, told_differences
from zoo.weights import WeightsRefused, load_safetensors
from zoo.weights_header import read_trained_file

__all__ = ["StartingWeights", "starting_weights"]


class StartingWeights(NamedTuple):
    """What `zoo.training.trainer.Trainer.begin_from` takes, in its order.

    Attributes
    ----------
    tensors
        float32, by their names in the network.
    digest
        The sha256 of the file.
    loss_networks
        What the weights were trained against, there and in the runs before.
    """

    tensors: dict[str, Tensor]
    digest: str
    loss_networks: tuple[str, ...]


def starting_weights(path: Path, config: TrainingConfig) -> StartingWeights:
    """Return what an exported file holds.

    Parameters
    ----------
    path
        What `zoo.training.run.export_weights` wrote.
    config
        Of the run that begins; its network must be the file's.

    Raises
    ------
    TrainingError
        The file's network is another one; the message names what differs.
    WeightsMissing, WeightsRefused
        It is not there, damaged, or no file of `zoo train`.
    """
    file = read_trained_file(path)
    try:
        network = network_config(file.config["network"])
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise WeightsRefused(f"{path} does not say what network it holds: {error}") from None
    if network != config.network:
        before, now = ({"network": network_record(each)} for each in (network, config.network))
        raise TrainingError(
            f"{path} holds another network than {config.name}: {told_differences(before, now)}"
        )
    tensors = {name: tensor.float() for name, tensor in load_safetensors(path).items()}
    against = dict.fromkeys([*file.loss_networks, *loss_networks_of(file.config)])
    return StartingWeights(tensors, file.sha256, tuple(against))

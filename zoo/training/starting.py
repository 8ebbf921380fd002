"""Begin a run from weights that an earlier run exported: fine-tuning."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from zoo.networks.designs import network_config, network_record
from zoo.training.config import TrainingConfig, TrainingError, told_differences
from zoo.weights import WeightsRefused, load_safetensors
from zoo.weights_header import read_trained_file

__all__ = ["starting_weights"]


def starting_weights(path: Path, config: TrainingConfig) -> tuple[dict[str, Tensor], str]:
    """Return the tensors of an exported file as float32, and the sha256 of the file.

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
    except (TypeError, ValueError) as error:
        raise WeightsRefused(f"{path} does not say what network it holds: {error}") from None
    if network != config.network:
        before, now = ({"network": network_record(each)} for each in (network, config.network))
        raise TrainingError(
            f"{path} holds another network than {config.name}: {told_differences(before, now)}"
        )
    return {name: tensor.float() for name, tensor in load_safetensors(path).items()}, file.sha256

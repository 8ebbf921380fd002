"""Files of weights like those that `zoo train` writes, with random numbers in them."""

import json

import torch
from safetensors.torch import save

from zoo.networks.restoration.designs import build_network, restorer_config

STYLE = {"design": "style", "size": 64, "channels": {"8": 16, "16": 12, "32": 8}, "style": 8}
UNET = {"design": "unet", "size": 64, "channels": {"8": 16, "16": 12, "32": 8}}


def random_tensors(network=STYLE, seed=0, spread=0.03):
    """Return float16 weights of a network that changes its faces visibly."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        built = build_network(restorer_config(network))
        return {
            name: (value + spread * torch.randn_like(value)).half()
            for name, value in built.state_dict().items()
        }


def as_file(path, tensors, told):
    """Write tensors with what the header's entry tells, any JSON value."""
    path.write_bytes(save(tensors, metadata={"relume": json.dumps(told)}))
    return path


def trained_file(path, network=STYLE, **changes):
    """Write a whole file of weights and return its path."""
    config = {
        "name": path.stem, "network": network, "families": {"kuaishou-128": 3, "gfpgan-128": 1},
        "batch_size": 16, "perceptual": 0.05, "learning_rate": 0.0006,
    }  # fmt: skip
    told = {"config": config | changes, "steps": 50}
    return as_file(path, random_tensors(network), told)

"""A small generator with random weights, an encoder for it, and their files."""

import json

import torch
from safetensors.torch import save

from zoo.networks.config import network_record
from zoo.networks.stylegan.generator import GeneratorConfig, StyleGenerator
from zoo.networks.stylegan.psp import EncoderConfig, PspEncoder
from zoo.restorers.inversion import restorer as inversion
from zoo.restorers.inversion.descent import Descent
from zoo.restorers.inversion.restorer import Method
from zoo.synthesis.generators import LoadedGenerator

SIZES = GeneratorConfig(64, {4: 32, 8: 32, 16: 24, 32: 16, 64: 8}, latent=16, depth=2)
ENCODER = EncoderConfig(64, {64: 8, 32: 8, 16: 16, 8: 16, 4: 16}, width=8, latent=16, layers=10)
NO_SHA = "0" * 64


def small_generator(seed=3):
    """Return a frozen generator whose faces are smooth blobs of colour, the same each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = StyleGenerator(SIZES)
        with torch.no_grad():
            for to_rgb in network.to_rgb:
                to_rgb.convolution.weight.mul_(0.2)
            for layer in network.layers:
                layer.noise.strength.fill_(0.05)
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def loaded_generator(sha256=NO_SHA):
    return LoadedGenerator("small", small_generator(), "tight", sha256)


def small_encoder(seed=4):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PspEncoder(ENCODER).eval().requires_grad_(False)


def drawn(network, count, seed=5):
    """Return faces of one code each, ``(count, 3, 64, 64)`` in [0, 1], and the codes."""
    z = torch.randn((count, SIZES.latent), generator=torch.Generator().manual_seed(seed))
    codes = network.map(z)
    return network.synthesise(codes).clamp(0, 1), codes


def as_images(faces):
    """Return uint8 HWC RGB arrays of ``(n, 3, h, w)`` in [0, 1]."""
    levels = (faces * 255).round().byte().permute(0, 2, 3, 1)
    return [face.contiguous().numpy() for face in levels]


def write_generator(path, network=None, template="tight"):
    """Write a generator's file as `zoo train` does, and return its path."""
    tensors = (network or small_generator()).state_dict()
    config = {"name": path.stem, "network": network_record(SIZES), "batch_size": 4}
    return _write(path, tensors, {"config": config, "steps": 5, "template": template})


def write_encoder(path, generator_sha256=NO_SHA, **changes):
    """Write an encoder's file as `zoo train` does, and return its path."""
    config = {
        "name": path.stem, "network": network_record(ENCODER), "batch_size": 4,
        "generator_sha256": generator_sha256, **changes,
    }  # fmt: skip
    networks = ["efficientnet-lite0"] if changes.get("perceptual") else []
    told = {"config": config, "steps": 5, "loss_networks": networks}
    return _write(path, small_encoder().state_dict(), told)


def shorten(monkeypatch, steps):
    """Let the descents of all restorers by inversion take so few steps."""
    for name in ("BLIND", "WITH_PLAN", "METHOD"):
        method = getattr(inversion, name)
        changed = Method(method.weights, Descent(steps, 0.1), method.with_plan)
        monkeypatch.setattr(inversion, name, changed)


def _write(path, tensors, told):
    halves = {name: value.half().contiguous() for name, value in tensors.items()}
    path.write_bytes(save(halves, metadata={"relume": json.dumps(told)}))
    return path

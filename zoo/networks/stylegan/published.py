"""Published StyleGAN2 generators: their tensors' names, translated into ours.

Two layouts are in use: that of github.com/rosinality/stylegan2-pytorch (model.py, ``Generator``;
a checkpoint holds ``g_ema`` and, published ones, ``latent_avg``), pSp's first, and that of
github.com/NVlabs/stylegan2-ada-pytorch (training/networks.py), whose ``G_ema`` is published as a
pickle of code and must have been saved as a plain dictionary of tensors first. Sizes are read off
the shapes. Only names and shapes are taken from there; the arithmetic is ours and equal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from zoo.networks.stylegan.generator import GeneratorConfig, StyleGenerator
from zoo.weights.files import WeightsRefused

__all__ = ["published_generator"]

_LEAVES_OURS = (
    "convolution.weight", "convolution.affine.weight", "convolution.affine.bias",
    "noise.strength", "bias", "noise.pattern",
)  # fmt: skip
_LEAVES_ROSINALITY = (
    "conv.weight", "conv.modulation.weight", "conv.modulation.bias", "noise.weight",
    "activate.bias",
)  # fmt: skip
_LEAVES_NVIDIA = (
    "weight", "affine.weight", "affine.bias", "noise_strength", "bias", "noise_const",
)  # fmt: skip
_MAPPING_RATE = 0.01
"""Both build their mapping networks with it (``lr_mlp``, ``lr_multiplier``)."""
_SMALLEST, _LARGEST = 8, 1024
_CODES = 10_000
"""Codes whose mean stands in for a file's average code."""


def published_generator(checkpoint: object, source: str) -> StyleGenerator:
    """Return a generator with published weights, float32, frozen, for inference.

    Parameters
    ----------
    found
        What a checkpoint holds: the tensors by name, or a mapping with them under ``g_ema``.
    source
        Of the file, for messages.

    Raises
    ------
    WeightsRefused
        It is of neither layout, a tensor is missing or of another shape, or the generator takes
        classes.
    """
    tensors, average = _tensors(checkpoint, source)
    if "input.input" in tensors:
        names, count, depth = _rosinality(tensors, source)
    elif "synthesis.b4.const" in tensors:
        names, count, depth = _nvidia(tensors, source)
        average = tensors.get("mapping.w_avg")
    else:
        raise WeightsRefused(
            f"{source} holds no StyleGAN2 generator of a layout that is known (rosinality's, or "
            "NVIDIA's as plain tensors): `zoo list` shows what can be used"
        )
    config = _config(tensors, names, count, depth, source)
    with torch.device("meta"):
        network = StyleGenerator(config)
    expected = network.state_dict()
    state = {}
    for ours, theirs in names.items():
        tensor = tensors.get(theirs)
        if tensor is None and ours.endswith("noise.pattern"):
            # Old checkpoints of rosinality's store no noise: theirs is drawn at every call.
            tensor = torch.zeros(expected[ours].shape)
        if tensor is None or _plain(tensor.shape) != _plain(expected[ours].shape):
            what = "has no" if tensor is None else "has another shape of"
            raise WeightsRefused(f"{source} {what} {theirs}: it is damaged, or another network")
        if not tensor.isfinite().all():
            raise WeightsRefused(f"{source}: {theirs} holds values that are not finite")
        state[ours] = tensor.detach().float().reshape(expected[ours].shape)
    if average is not None and average.shape != (config.latent,):
        raise WeightsRefused(
            f"{source} has an average code of {tuple(average.shape)}, not ({config.latent},): it "
            "is another network's"
        )
    state["average_code"] = torch.zeros(config.latent) if average is None else average.float()
    network = StyleGenerator(config)
    network.load_state_dict(state)
    if average is None:
        # Checkpoints of a training hold none: it is measured, as their sampling scripts do.
        network.average_code.copy_(_measured_average(network))
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _plain(shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape without its sides of 1, which the layouts put in different places."""
    return tuple(side for side in shape if side != 1)


@torch.no_grad()
def _measured_average(network: StyleGenerator) -> Tensor:
    z = torch.randn((_CODES, network.config.latent), generator=torch.Generator().manual_seed(0))
    return network.map(z).mean(dim=0)


def _tensors(checkpoint: object, source: str) -> tuple[Mapping[str, Tensor], Tensor | None]:
    record = checkpoint if isinstance(checkpoint, Mapping) else {}
    inner = record.get("g_ema", record)
    average = record.get("latent_avg")
    tensors = inner if isinstance(inner, Mapping) else {}
    if not tensors or not all(isinstance(value, Tensor) for value in tensors.values()):
        raise WeightsRefused(f"{source} is no dictionary of tensors: it cannot be a generator")
    return tensors, average if isinstance(average, Tensor) else None


def _rosinality(tensors: Mapping[str, Tensor], source: str) -> tuple[dict[str, str], int, int]:
    """Return our names → theirs, the number of levels and the depth of the mapping network."""
    levels = _count(tensors, r"to_rgbs\.(\d+)\.bias", source) + 1
    depth = _count(tensors, r"style\.(\d+)\.weight", source)
    names = {"constant": "input.input"}
    for layer in range(depth):
        # style.0 is the normalisation of z.
        for leaf in ("weight", "bias"):
            names[f"mapping.{layer}.{leaf}"] = f"style.{layer + 1}.{leaf}"
    for layer in range(2 * levels - 1):
        theirs = "conv1" if layer == 0 else f"convs.{layer - 1}"
        for ours, leaf in zip(_LEAVES_OURS, _LEAVES_ROSINALITY, strict=False):
            names[f"layers.{layer}.{ours}"] = f"{theirs}.{leaf}"
        names[f"layers.{layer}.noise.pattern"] = f"noises.noise_{layer}"
    for level in range(levels):
        theirs = "to_rgb1" if level == 0 else f"to_rgbs.{level - 1}"
        for ours, leaf in zip(_LEAVES_OURS[:3], _LEAVES_ROSINALITY[:3], strict=True):
            names[f"to_rgb.{level}.{ours}"] = f"{theirs}.{leaf}"
        names[f"to_rgb.{level}.bias"] = f"{theirs}.bias"
    return names, levels, depth


def _nvidia(tensors: Mapping[str, Tensor], source: str) -> tuple[dict[str, str], int, int]:
    if any(name.startswith("mapping.embed") for name in tensors):
        raise WeightsRefused(f"{source} is a generator of classes, which is not supported")
    sides = sorted(int(side) for side in _matches(tensors, r"synthesis\.b(\d+)\.torgb\.bias"))
    depth = _count(tensors, r"mapping\.fc(\d+)\.weight", source)
    names = {"constant": "synthesis.b4.const"}
    for layer in range(depth):
        for leaf in ("weight", "bias"):
            names[f"mapping.{layer}.{leaf}"] = f"mapping.fc{layer}.{leaf}"
    layers = ["synthesis.b4.conv1"]
    layers += [f"synthesis.b{side}.conv{number}" for side in sides[1:] for number in (0, 1)]
    for layer, theirs in enumerate(layers):
        for ours, leaf in zip(_LEAVES_OURS, _LEAVES_NVIDIA, strict=True):
            names[f"layers.{layer}.{ours}"] = f"{theirs}.{leaf}"
    for level, side in enumerate(sides):
        for ours, leaf in zip(_LEAVES_OURS[:3], _LEAVES_NVIDIA[:3], strict=True):
            names[f"to_rgb.{level}.{ours}"] = f"synthesis.b{side}.torgb.{leaf}"
        names[f"to_rgb.{level}.bias"] = f"synthesis.b{side}.torgb.bias"
    return names, len(sides), depth


def _config(
    tensors: Mapping[str, Tensor], names: Mapping[str, str], levels: int, depth: int, source: str
) -> GeneratorConfig:
    size = 4 * 2 ** (levels - 1)
    if not _SMALLEST <= size <= _LARGEST:
        raise WeightsRefused(f"{source} would draw faces of {size} pixels: 8 to 1024 are possible")
    try:
        # The last of a level's layers tells its channels: (…, outputs, inputs, 3, 3).
        widths = {
            4 * 2**level: tensors[names[f"layers.{2 * level}.convolution.weight"]].shape[-4]
            for level in range(levels)
        }
        latent = tensors[names["mapping.0.weight"]].shape[0]
        return GeneratorConfig(size, widths, latent, depth, _MAPPING_RATE)
    except (IndexError, KeyError, ValueError) as error:
        raise WeightsRefused(f"{source} lacks {error}: it is damaged, or another network") from None


def _matches(tensors: Mapping[str, Tensor], pattern: str) -> list[str]:
    matches = (re.fullmatch(pattern, name) for name in tensors)
    return [match[1] for match in matches if match]


def _count(tensors: Mapping[str, Tensor], pattern: str, source: str) -> int:
    count = len(_matches(tensors, pattern))
    if not count:
        raise WeightsRefused(f"{source} has no tensor like {pattern}: it is another network")
    return count

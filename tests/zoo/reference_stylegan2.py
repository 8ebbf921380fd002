"""StyleGAN2's generator by its definition: a convolution a face, zeros put between pixels.

Works on the names of rosinality's checkpoints. Slow and plain: nothing here is shared with zoo.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def filtered(x: Tensor, up: int, before: int, after: int) -> Tensor:
    """Zeros between the pixels, padding, the filter of [1, 3, 3, 1] (upfirdn, gain up²)."""
    n, c, h, w = x.shape
    spread = x.new_zeros(n, c, h * up, w * up)
    spread[:, :, ::up, ::up] = x
    padded = functional.pad(spread, (before, after, before, after))
    line = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype)
    kernel = torch.outer(line, line) / 64 * up * up
    rows = padded.unfold(2, 4, 1).unfold(3, 4, 1)
    return torch.einsum("nchwij,ij->nchw", rows, kernel.flip(0, 1))


def modulated(x: Tensor, weight: Tensor, style: Tensor, demodulate: bool, up: bool) -> Tensor:
    """Eq. 1 and 3 of Karras et al. 2020 for each face by itself."""
    scale = 1 / math.sqrt(weight[0].numel())
    faces = []
    for face, s in zip(x, style, strict=True):
        w = scale * weight * s[None, :, None, None]
        if demodulate:
            w = w / torch.sqrt(w.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8)
        side = w.shape[-1]
        if up:
            spread = face.new_zeros(face.shape[0], 2 * face.shape[1] - 1, 2 * face.shape[2] - 1)
            spread[:, ::2, ::2] = face
            y = functional.conv2d(functional.pad(spread, (2, 2, 2, 2))[None], w.flip(2, 3))
            faces.append(filtered(y, 1, 1, 1)[0] * 4)
        else:
            faces.append(functional.conv2d(face[None], w, padding=side // 2)[0])
    return torch.stack(faces)


def synthesise(state: dict[str, Tensor], codes: Tensor) -> Tensor:
    """Codes ``(n, layers, latent)`` → RGB in [-1, 1] with the stored noise."""

    def affine(place: str, code: Tensor) -> Tensor:
        weight = state[f"{place}.conv.modulation.weight"]
        bias = state[f"{place}.conv.modulation.bias"]
        return code @ weight.T / math.sqrt(weight.shape[1]) + bias

    def layer(x: Tensor, place: str, code: Tensor, noise: Tensor, up: bool) -> Tensor:
        x = modulated(x, state[f"{place}.conv.weight"][0], affine(place, code), True, up)
        x = x + state[f"{place}.noise.weight"] * noise
        x = x + state[f"{place}.activate.bias"][None, :, None, None]
        return torch.where(x > 0, x, 0.2 * x) * math.sqrt(2)

    def rgb(x: Tensor, place: str, code: Tensor) -> Tensor:
        x = modulated(x, state[f"{place}.conv.weight"][0], affine(place, code), False, False)
        return x + state[f"{place}.bias"]

    x = state["input.input"].repeat(len(codes), 1, 1, 1)
    x = layer(x, "conv1", codes[:, 0], state["noises.noise_0"], False)
    picture = rgb(x, "to_rgb1", codes[:, 1])
    levels = sum(name.startswith("to_rgbs") and name.endswith("weight") for name in state) // 2
    for level in range(levels):
        first = 2 * level
        x = layer(x, f"convs.{first}", codes[:, first + 1],
                  state[f"noises.noise_{first + 1}"], True)  # fmt: skip
        x = layer(x, f"convs.{first + 1}", codes[:, first + 2],
                  state[f"noises.noise_{first + 2}"], False)  # fmt: skip
        picture = filtered(picture, 2, 2, 1) + rgb(x, f"to_rgbs.{level}", codes[:, first + 3])
    return picture


def mapped(state: dict[str, Tensor], z: Tensor) -> Tensor:
    """Noise → codes."""
    x = z / torch.sqrt(z.square().mean(dim=1, keepdim=True) + 1e-8)
    depth = sum(name.startswith("style.") and name.endswith("weight") for name in state)
    for number in range(1, depth + 1):
        weight, bias = state[f"style.{number}.weight"], state[f"style.{number}.bias"]
        x = x @ (weight * 0.01 / math.sqrt(weight.shape[1])).T + bias * 0.01
        x = torch.where(x > 0, x, 0.2 * x) * math.sqrt(2)
    return x


def rosinality_state(
    widths: dict[int, int], latent: int, depth: int, seed: int = 0
) -> dict[str, Tensor]:
    """Random tensors with the names and shapes of ``g_ema`` in rosinality's checkpoints."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    state = {"input.input": drawn(1, widths[4], 4, 4)}
    for number in range(1, depth + 1):
        state[f"style.{number}.weight"] = drawn(latent, latent) * 100
        state[f"style.{number}.bias"] = drawn(latent)

    def modulation(place: str, inputs: int) -> None:
        state[f"{place}.conv.modulation.weight"] = drawn(inputs, latent)
        state[f"{place}.conv.modulation.bias"] = 1 + 0.1 * drawn(inputs)

    def layer(place: str, inputs: int, outputs: int, number: int, side: int) -> None:
        state[f"{place}.conv.weight"] = drawn(1, outputs, inputs, 3, 3)
        modulation(place, inputs)
        state[f"{place}.noise.weight"] = drawn(1)
        state[f"{place}.activate.bias"] = drawn(outputs)
        state[f"noises.noise_{number}"] = drawn(1, 1, side, side)

    def rgb(place: str, inputs: int) -> None:
        state[f"{place}.bias"] = drawn(1, 3, 1, 1)
        state[f"{place}.conv.weight"] = drawn(1, 3, inputs, 1, 1)
        modulation(place, inputs)

    layer("conv1", widths[4], widths[4], 0, 4)
    rgb("to_rgb1", widths[4])
    before = widths[4]
    for level, (side, width) in enumerate(list(widths.items())[1:]):
        layer(f"convs.{2 * level}", before, width, 2 * level + 1, side)
        state[f"convs.{2 * level}.conv.blur.kernel"] = drawn(4, 4)
        layer(f"convs.{2 * level + 1}", width, width, 2 * level + 2, side)
        rgb(f"to_rgbs.{level}", width)
        state[f"to_rgbs.{level}.upsample.kernel"] = drawn(4, 4)
        before = width
    return state


def nvidia_state(rosinality: dict[str, Tensor], widths: dict[int, int]) -> dict[str, Tensor]:
    """The same generator with NVIDIA's names and shapes (stylegan2-ada-pytorch)."""
    state = {"synthesis.b4.const": rosinality["input.input"][0]}
    depth = sum(n.startswith("style.") and n.endswith("weight") for n in rosinality)
    for number in range(depth):
        for leaf in ("weight", "bias"):
            state[f"mapping.fc{number}.{leaf}"] = rosinality[f"style.{number + 1}.{leaf}"]
    sides = list(widths)
    places = {"conv1": "b4.conv1", "to_rgb1": "b4.torgb"}
    noises = {"conv1": 0}
    for level, side in enumerate(sides[1:]):
        for number in (0, 1):
            places[f"convs.{2 * level + number}"] = f"b{side}.conv{number}"
            noises[f"convs.{2 * level + number}"] = 2 * level + number + 1
        places[f"to_rgbs.{level}"] = f"b{side}.torgb"
    for theirs, place in places.items():
        ours = f"synthesis.{place}"
        state[f"{ours}.weight"] = rosinality[f"{theirs}.conv.weight"][0]
        for leaf in ("weight", "bias"):
            state[f"{ours}.affine.{leaf}"] = rosinality[f"{theirs}.conv.modulation.{leaf}"]
        if theirs in noises:
            state[f"{ours}.bias"] = rosinality[f"{theirs}.activate.bias"]
            state[f"{ours}.noise_strength"] = rosinality[f"{theirs}.noise.weight"][0]
            noise = rosinality[f"noises.noise_{noises[theirs]}"]
            state[f"{ours}.noise_const"] = noise[0, 0]
            state[f"{ours}.resample_filter"] = torch.ones(4, 4)
        else:
            state[f"{ours}.bias"] = rosinality[f"{theirs}.bias"][0, :, 0, 0]
    state["mapping.w_avg"] = torch.full((rosinality["style.1.bias"].numel(),), 0.5)
    return state

"""Faces from numbers: face ``i`` of a seed is the same however many are drawn, and in any order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.networks.stylegan.generator import StyleGenerator
from zoo.restorer import Image

__all__ = ["TRUNCATION", "draw_faces", "latent_of", "to_levels"]

TRUNCATION = 0.7
"""Of the codes towards the average one: the trade of likeness for variety that Karras et al. show
most (2019, appendix B)."""


def draw_faces(
    network: StyleGenerator, indices: range, seed: int, truncation: float = TRUNCATION
) -> Iterator[Image]:
    """Yield faces, uint8 (size, size, 3) RGB, one for each index.

    Parameters
    ----------
    network
        See `zoo.synthesis.generators.load_generator`.
    indices
        Which faces of the seed.
    seed
        0 to 2⁶⁴ − 1.
    truncation
        0 to 1, see `StyleGenerator.map`.

    Notes
    -----
    One at a time: in a batch of another size the last bits of the convolutions differ. The same
    bytes on the same machine; another processor or version of PyTorch may differ by one level.
    """
    for index in indices:
        yield _draw(network, index, seed, truncation)


@torch.inference_mode()
def _draw(network: StyleGenerator, index: int, seed: int, truncation: float) -> Image:
    z = torch.from_numpy(latent_of(seed, index, network.config.latent))
    return to_levels(network(z[None], truncation)[0])


def latent_of(seed: int, index: int, length: int) -> NDArray[np.float32]:
    """Return ``(length,)`` standard normal numbers that depend on these three alone.

    Philox 4x64-10 (Salmon et al. 2011) keyed with the seed and counting from the index, through
    the inverse of the normal distribution: neither has a version that changes its numbers.
    """
    from scipy.special import ndtri

    raw = np.random.Philox(key=seed, counter=[0, 0, index, 0]).random_raw(length)
    return np.asarray(ndtri(((raw >> 11) + 0.5) * 2.0**-53), np.float32)


def to_levels(face: torch.Tensor) -> Image:
    """Return a face ``(3, size, size)`` RGB, about [0, 1], as uint8 (size, size, 3)."""
    levels = (face * 255).round().clamp(0, 255).byte()
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())

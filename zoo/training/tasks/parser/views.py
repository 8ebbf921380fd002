"""Faces and label maps as a parser learns from them: mirrored, misaligned, cropped to ``tight``."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from zoo.templates import TIGHT_CENTRE, TIGHT_ZOOM
from zoo.training.base.schedule import step_generator
from zoo.training.data.batches import FaceBatch
from zoo.training.data.device_batch import flip_images, flip_labels
from zoo.training.tasks.parser.config import ParserTraining

__all__ = ["degraded_views"]


def degraded_views(
    batch: FaceBatch, config: ParserTraining, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return a batch's degraded faces and the label maps of the sharp ones, seen alike.

    What is drawn depends on the configuration's seed and the batch's number alone.

    Returns
    -------
    faces, labels
        ``(n, 3, size, size)`` float32 RGB in [0, 1], and ``(n, size, size)`` uint8. What lies
        outside a face is its mirror image.
    """
    batch = batch.to(device)
    flipped = torch.nonzero(batch.flips)[:, 0].to(device)
    faces = flip_images(batch.lq, flipped)
    labels = flip_labels(batch.labels, flipped)[:, None].float()
    generator = step_generator(config.seed, batch.step)
    tight, grey = torch.rand(2, len(faces), generator=generator)
    errors = torch.randn(4, len(faces), generator=generator)
    matrices = _matrices(tight < config.tight, errors, config).to(device)
    # The faces at their own size first: shrinking by the mean is what leaves no aliases.
    faces = _sampled(faces, matrices, faces.shape[2], "bilinear")
    faces = functional.interpolate(faces, (config.network.size,) * 2, mode="area")
    labels = _sampled(labels, matrices, config.network.size, "nearest")
    colourless = (grey < config.grey).to(device)[:, None, None, None]
    faces = torch.where(colourless, faces.mean(dim=1, keepdim=True), faces)
    return faces.contiguous(memory_format=torch.channels_last), labels[:, 0].byte()


def _matrices(tight: Tensor, errors: Tensor, config: ParserTraining) -> Tensor:
    """Return ``(n, 2, 3)`` maps from a view's places to the face's, both in [-1, 1]."""
    angle = errors[0] * math.radians(config.turn)
    scale = torch.exp(errors[1] * config.zoom) / torch.where(tight, TIGHT_ZOOM, 1.0)
    centre = torch.tensor(TIGHT_CENTRE)[:, None] * 2 - 1
    shift = torch.where(tight, centre, 0.0) + 2 * config.shift * scale * errors[2:]
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    rows = [torch.stack((cosine, -sine, shift[0])), torch.stack((sine, cosine, shift[1]))]
    return torch.stack(rows).permute(2, 0, 1)


def _sampled(images: Tensor, matrices: Tensor, size: int, mode: str) -> Tensor:
    shape = [len(images), images.shape[1], size, size]
    grid = functional.affine_grid(matrices, shape, align_corners=False)
    return functional.grid_sample(
        images, grid, mode=mode, padding_mode="reflection", align_corners=False
    )

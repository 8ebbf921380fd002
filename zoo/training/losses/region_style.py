"""The style loss of each region of a face: what its texture is made of, wherever in it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from zoo.labels import label_index
from zoo.networks.restoration.style import complete_mask

__all__ = ["REGIONS", "region_grams", "region_style_loss"]

REGIONS: tuple[tuple[str, ...], ...] = (
    ("skin", "l_ear", "r_ear", "neck"),
    ("l_brow", "r_brow"),
    ("l_eye", "r_eye", "eye_g"),
    ("nose",),
    ("mouth", "u_lip", "l_lip"),
    ("hair", "hat"),
)
"""Labels that are looked at together. PSFRGAN takes all 19 one by one, which its author found
needless and too large for his GPU (chaofengc/PSFRGAN, issue 34). What is left, and what the mask
says nothing of, is the last region: without a mask that is the whole face."""

_EPSILON = 1e-8


def region_style_loss(maps: Sequence[Tensor], hq_maps: Sequence[Tensor], mask: Tensor) -> Tensor:
    """Return how far apart the regions' Gram matrices are: a scalar, 0 for equal maps.

    PSFRGAN's semantic-aware style loss (Chen et al. 2021, arXiv 2009.08709; chaofengc/PSFRGAN
    @ab853cd, models/loss.py, ``RegionStyleLoss``): the mean squared difference of the regions'
    Gram matrices, summed over the maps.

    Parameters
    ----------
    found, wanted
        Maps of the restored and of the true faces, ``(n, channels, height, width)`` each.
    mask
        ``(n, 19, size, size)`` in [0, 1], soft or hard, partial or 0 everywhere.
    """
    known = complete_mask(mask, mask)
    regions = _merged(known)
    apart = []
    for one, other in zip(maps, hq_maps, strict=True):
        at_size = functional.adaptive_avg_pool2d(regions, (one.shape[2], one.shape[3]))
        difference = region_grams(one, at_size) - region_grams(other, at_size)
        apart.append(difference.square().mean())
    return torch.stack(apart).sum()


def region_grams(maps: Tensor, regions: Tensor) -> Tensor:
    """Return ``(n, regions, channels, channels)``: the Gram matrix of each region.

    Entry i, j is the mean over the region of channel i times channel j, divided by the number of
    channels; 0 for a region that a face has not.

    Parameters
    ----------
    maps
        ``(n, channels, height, width)``.
    regions
        ``(n, regions, height, width)``, how much of each place belongs to which region.
    """
    flat, weights = maps.flatten(2), regions.flatten(2)
    # One region after another: all at once would hold a copy of the maps for each.
    grams = [
        torch.einsum("nip,njp->nij", flat * weights[:, index, None], flat)
        for index in range(weights.shape[1])
    ]
    covered = weights.sum(dim=2) + _EPSILON
    return torch.stack(grams, dim=1) / (maps.shape[1] * covered[:, :, None, None])


def _merged(known: Tensor) -> Tensor:
    """Add up the channels of each of `REGIONS`, and the others in one more."""
    region_labels = [[label_index(name) for name in names] for names in REGIONS]
    rest = [
        label for label in range(known.shape[1]) if not any(label in own for own in region_labels)
    ]
    return torch.stack([known[:, labels].sum(dim=1) for labels in (*region_labels, rest)], dim=1)

"""The loss of a parser, and how far its masks agree with the right ones."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from zoo.portrait.parse.labels import UNKNOWN
from zoo.training.data.device_batch import one_hot

__all__ = ["mean_iou", "parsing_loss"]


def parsing_loss(logits: Tensor, labels: Tensor, dice: float) -> dict[str, Tensor]:
    """Return the cross-entropy, the Dice loss, and as ``loss`` their weighted sum.

    Dice (Milletari et al. 2016, arXiv 1606.04797) is taken over the whole batch and counts every
    region that is there the same, so that eyes and lips weigh as much as hair.

    Parameters
    ----------
    logits
        ``(n, 19, side, side)``.
    labels
        ``(n, side, side)`` uint8; pixels that are not known do not count.
    dice
        Weight of the Dice loss.
    """
    entropy = functional.cross_entropy(logits, labels.long(), ignore_index=UNKNOWN)
    right = one_hot(labels)
    likely = logits.softmax(dim=1) * (labels != UNKNOWN)[:, None]
    places = (0, 2, 3)
    common, sizes = (likely * right).sum(places), right.sum(places)
    overlap = 2 * common / (likely.sum(places) + sizes).clamp_min(1)
    there = (sizes > 0).float()
    apart = 1 - (overlap * there).sum() / there.sum().clamp_min(1)
    return {"loss": entropy + dice * apart, "entropy": entropy, "dice": apart}


def mean_iou(predicted: Tensor, labels: Tensor) -> Tensor:
    """Return the intersection over union of each region, ``(19,)``; NaN for one in neither.

    Both are ``(n, side, side)`` uint8 label maps; areas are added up over the faces.
    """
    known = labels != UNKNOWN
    one, other = one_hot(predicted.where(known, UNKNOWN)), one_hot(labels)
    common = (one * other).sum((0, 2, 3))
    return common / ((one + other).sum((0, 2, 3)) - common)

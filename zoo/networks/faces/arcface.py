"""The additive angular margin (ArcFace): directions on a sphere, and the losses that part them.

J. Deng, J. Guo, N. Xue and S. Zafeiriou, "ArcFace: Additive Angular Margin Loss for Deep Face
Recognition", CVPR 2019, arXiv 1801.07698. Holds the arithmetic;
`zoo.networks.faces.face_descriptor` holds a network that it can train.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["MARGIN", "SCALE", "AngularMargin", "angular_margin_logits", "paired_margin_loss"]

MARGIN, SCALE = 0.5, 64.0
"""m in radians and s of the paper's experiments (section 3.1)."""
_NEAREST_TO_ONE = 1e-7
"""The sine has an infinite slope where the cosine is 1 or -1: its square is held above this, so
gradients stay below 1 / sqrt(1e-7) = 3163 there."""


def angular_margin_logits(
    cosines: Tensor, labels: Tensor, margin: float = MARGIN, scale: float = SCALE
) -> Tensor:
    """Return the logits of equation 3: ``s cos(theta + m)`` for the own class, else ``s cos``.

    Beyond ``theta = pi - m``, where ``cos(theta + m)`` would rise again, the own logit goes on
    as ``cos(theta) - m sin(m)``, so it falls with theta all the way (insightface,
    recognition/arcface_mxnet/train_parall.py and arcface_torch/losses.py, ``easy_margin=False``).
    There it jumps by ``1 - cos(m) - m sin(m)``, which is never up: .117 down for m = 0.5.

    Parameters
    ----------
    cosines
        ``(n, classes)`` in [-1, 1]; a little outside, as rounding leaves them, is cut off.
    labels
        ``(n,)`` int64, the own class of each.
    margin
        m, radians, 0 up to pi / 2. With 0 this is a plain scaled softmax's logits.
    scale
        s, above 0.

    Returns
    -------
    Tensor
        ``(n, classes)``, of the cosines' dtype, but float32 where that has 16 bits.
    """
    if not 0 <= margin <= math.pi / 2:
        raise ValueError(f"a margin is 0 to pi / 2 radians, not {margin}")
    if cosines.dtype in (torch.float16, torch.bfloat16):
        cosines = cosines.float()
    cosines = cosines.clamp(-1, 1)
    own = cosines.gather(1, labels[:, None])
    sine = (1 - own.square()).clamp_min(_NEAREST_TO_ONE).sqrt()
    turned = own * math.cos(margin) - sine * math.sin(margin)
    beyond = own <= -math.cos(margin)
    with_margin = torch.where(beyond, own - margin * math.sin(margin), turned)
    return scale * cosines.scatter(1, labels[:, None], with_margin)


class AngularMargin(nn.Module):
    """One centre a class on the unit sphere; calling it gives the loss of descriptors.

    Computes in float32 (or float64), whatever `torch.autocast` says: at s = 64 a cosine of 8
    bits would be wrong by .25 in the logit.

    Parameters
    ----------
    features
        Numbers of a descriptor.
    classes
        How many there are.
    margin, scale
        See `angular_margin_logits`.
    """

    def __init__(
        self, features: int, classes: int, margin: float = MARGIN, scale: float = SCALE
    ) -> None:
        super().__init__()
        self.margin, self.scale = margin, scale
        self.centres = nn.Parameter(torch.empty(classes, features))
        # As insightface does (partial_fc_v2.py); only the directions matter.
        nn.init.normal_(self.centres, 0, 0.01)

    def forward(self, described: Tensor, labels: Tensor, share: float = 1.0) -> Tensor:
        """Return the mean cross entropy, a scalar.

        Parameters
        ----------
        described
            ``(n, features)`` of any length above 0.
        labels
            ``(n,)`` int64, 0 to ``classes`` - 1.
        share
            Of the margin, 0 to 1: training may begin with less of it.
        """
        cosines = self.cosines(described)
        logits = angular_margin_logits(cosines, labels, self.margin * share, self.scale)
        return functional.cross_entropy(logits, labels)

    def cosines(self, described: Tensor) -> Tensor:
        """Return the ``(n, classes)`` cosines of descriptors and centres."""
        with torch.autocast(described.device.type, enabled=False):
            wide = described if described.dtype == torch.float64 else described.float()
            directions = functional.normalize(wide, dim=1)
            return functional.linear(directions, functional.normalize(self.centres.to(wide), dim=1))


def paired_margin_loss(
    one: Tensor, other: Tensor, labels: Tensor, margin: float = MARGIN, scale: float = SCALE
) -> Tensor:
    """Return the same loss without learned centres: a view's centre is the other view's descriptor.

    For people of whom there is one photograph, seen twice: every face is to be told from the
    batch's others, in both directions. A learned centre would meet its face once a pass.

    Parameters
    ----------
    one, other
        ``(n, features)``, the two views of each, of any length above 0.
    labels
        ``(n,)`` int64: who each is; the same person twice in a batch is not told from itself.
    margin, scale
        See `angular_margin_logits`.
    """
    with torch.autocast(one.device.type, enabled=False):
        first, second = (
            functional.normalize(x if x.dtype == torch.float64 else x.float(), dim=1)
            for x in (one, other)
        )
        cosines = first @ second.T
    rows = torch.arange(len(labels), device=labels.device)
    again = (labels[:, None] == labels[None]) & (rows[:, None] != rows[None])
    losses = [
        functional.cross_entropy(
            angular_margin_logits(each, rows, margin, scale).masked_fill(again, -torch.inf),
            rows,
        )
        for each in (cosines, cosines.T)
    ]
    return (losses[0] + losses[1]) / 2

"""What goes wrong with parsing masks: lost, moved, shrunken, mistaken, another face's, hostile.

The last step of the Kuaishou Y-Tech article is to fine-tune against such masks; no released
restorer was. Everything is a tensor operation on label maps, ``(n, side, side)`` uint8 with 255
where nothing is known, of which each face has its own error. The draws come from a generator on
the CPU and the operations are exact, so every device makes the same masks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from zoo.labels import LABELS, UNKNOWN

__all__ = [
    "KINDS", "MaskErrors", "dilated", "eroded", "relabelled", "sent", "shifted", "swap_tables",
]  # fmt: skip

KINDS = (
    "dropped", "regions-dropped", "shifted", "eroded", "dilated", "swapped", "template",
    "other-face", "uniform", "noise", "inverted", "permuted",
)  # fmt: skip
"""Kinds of errors, each as likely as any other."""

_LABELS = len(LABELS)
_FARTHEST = 0.125
"""Largest shift, as a share of the side."""
_WIDEST = 0.024
"""Largest erosion or dilation, as a share of the side: 3 pixels of 128."""
_NOISE = 32
"""Side of the squares' grid in a mask of noise."""


_TABLES = ("dropped", "regions-dropped", "uniform", "inverted", "permuted")
"""Kinds that give labels other names and move no pixel."""


@dataclass(frozen=True, slots=True)
class MaskErrors:
    """The errors of some faces' masks: one kind and one strength for each. Lies on the CPU."""

    kinds: Tensor  # ``(n,)`` int64, places in `KINDS`
    # ``(n, 256)`` uint8: what each label becomes. The identity for kinds that move pixels.
    tables: Tensor
    # ``(n, 2)`` float64 in [−1, 1]: down and to the right, in shares of the largest shift
    shifts: Tensor
    reach: Tensor  # ``(n,)`` float64 in [0, 1): strength of erosion and dilation
    # ``(n, 19)`` float32: which of two regions that grow wins, and which two are swapped
    order: Tensor
    noise: Tensor  # ``(n, 32, 32)`` uint8 labels

    @classmethod
    def draw(cls, count: int, generator: torch.Generator) -> MaskErrors:
        """Draw the errors of ``count`` faces from a generator on the CPU."""
        kinds = torch.randint(len(KINDS), (count,), generator=generator)
        dropped = torch.rand(count, _LABELS, generator=generator) < 0.5
        order = torch.rand(count, _LABELS, generator=generator)
        single = torch.randint(_LABELS, (count,), generator=generator)
        shifts = 2 * torch.rand(count, 2, generator=generator, dtype=torch.float64) - 1
        reach = torch.rand(count, generator=generator, dtype=torch.float64)
        noise = torch.randint(_LABELS + 1, (count, _NOISE, _NOISE), generator=generator)
        noise = noise.masked_fill(noise == _LABELS, UNKNOWN).to(torch.uint8)
        tables = torch.arange(256).repeat(count, 1)
        for face, kind in enumerate(kinds.tolist()):
            table = tables[face]
            if KINDS[kind] == "dropped":
                table[:] = UNKNOWN
            elif KINDS[kind] == "regions-dropped":
                table[:_LABELS][dropped[face]] = UNKNOWN
            elif KINDS[kind] == "uniform":
                table[:] = single[face]
            elif KINDS[kind] == "inverted":
                table[:_LABELS] = torch.arange(_LABELS - 1, -1, -1)
            elif KINDS[kind] == "permuted":
                table[:_LABELS] = order[face].argsort()
        return cls(kinds, tables.to(torch.uint8), shifts, reach, order, noise)

    def select(self, faces: Sequence[int]) -> MaskErrors:
        """Return the errors of some of the faces."""
        return MaskErrors(*(getattr(self, name)[list(faces)] for name in self.__slots__))

    def of_kind(self, *kinds: str) -> list[int]:
        """Return the numbers of the faces whose error is of one of these kinds."""
        return [face for face, kind in enumerate(self.kinds.tolist()) if KINDS[kind] in kinds]

    def apply(self, labels: Tensor, others: Tensor) -> Tensor:
        """Return the label maps with their errors; ``template`` is left to who has the template.

        Parameters
        ----------
        labels, others
            ``(n, side, side)`` uint8 on any device: the faces' own label maps, and those of other
            faces.
        """
        changed_labels = labels.clone()
        # What is drawn is known on the CPU, so each kind is computed for its own faces alone, and
        # the device is never waited for.
        for kinds, change in (
            (_TABLES, _renamed),
            (("swapped",), _swapped),
            (("shifted",), _moved),
            (("eroded",), _smaller),
            (("dilated",), _larger),
            (("other-face",), lambda errors, own, others: others),
            (("noise",), _noisy),
        ):
            faces = self.of_kind(*kinds)
            if faces:
                indices = sent(torch.tensor(faces), labels)
                changed = change(self.select(faces), labels[indices], others[indices])
                changed_labels.index_copy_(0, indices, changed)
        return changed_labels

    def radii(self, side: int) -> Tensor:
        """Return ``(n,)`` int64 pixels of erosion or dilation, from 1 on."""
        most = max(1, round(_WIDEST * side))
        return 1 + (self.reach * most).long()


def sent(values: Tensor, like: Tensor) -> Tensor:
    """Return a small tensor of the CPU on the device of another one; the copy is not waited for."""
    return values.to(like.device, non_blocking=True)


def _renamed(errors: MaskErrors, labels: Tensor, others: Tensor) -> Tensor:
    return relabelled(labels, sent(errors.tables, labels))


def _swapped(errors: MaskErrors, labels: Tensor, others: Tensor) -> Tensor:
    return relabelled(labels, swap_tables(labels, sent(errors.order, labels)))


def _moved(errors: MaskErrors, labels: Tensor, others: Tensor) -> Tensor:
    pixels = torch.round(errors.shifts * (_FARTHEST * labels.shape[1])).long()
    return shifted(labels, sent(pixels, labels))


def _smaller(errors: MaskErrors, labels: Tensor, others: Tensor) -> Tensor:
    return eroded(labels, errors.radii(labels.shape[1]))


def _larger(errors: MaskErrors, labels: Tensor, others: Tensor) -> Tensor:
    return dilated(labels, errors.radii(labels.shape[1]), sent(errors.order, labels))


def _noisy(errors: MaskErrors, labels: Tensor, others: Tensor) -> Tensor:
    side = labels.shape[1]
    cells = torch.arange(side, device=labels.device) * _NOISE // side
    return sent(errors.noise, labels)[:, cells][:, :, cells]


def relabelled(labels: Tensor, tables: Tensor) -> Tensor:
    """Return label maps with every label replaced by its entry in the face's table.

    Parameters
    ----------
    labels
        ``(n, side, side)`` uint8.
    tables
        ``(n, 256)`` uint8.
    """
    return tables.gather(1, labels.flatten(1).long()).view_as(labels)


def swap_tables(labels: Tensor, order: Tensor) -> Tensor:
    """Return the tables that swap two labels which are present, the two of the highest order.

    Parameters
    ----------
    labels
        ``(n, side, side)`` uint8.
    order
        ``(n, 19)`` float32 from 0 on.

    Returns
    -------
    Tensor
        ``(n, 256)`` uint8.
    """
    present = torch.zeros(len(labels), 256, dtype=torch.bool, device=labels.device)
    present.scatter_(1, labels.flatten(1).long(), True)
    chosen = torch.where(present[:, :_LABELS], order, order - 1).topk(2, dim=1).indices
    tables = torch.arange(256, dtype=torch.uint8, device=labels.device).repeat(len(labels), 1)
    return tables.scatter_(1, chosen, chosen.flip(1).to(torch.uint8))


def shifted(labels: Tensor, pixels: Tensor) -> Tensor:
    """Return label maps moved by whole pixels; what comes in from outside is not known.

    Parameters
    ----------
    labels
        ``(n, side, side)`` uint8.
    pixels
        ``(n, 2)`` int64: down and to the right.
    """
    side = labels.shape[1]
    across = torch.arange(side, device=labels.device)
    rows, columns = (across[None] - pixels[:, axis, None] for axis in (0, 1))
    inside = [(index >= 0) & (index < side) for index in (rows, columns)]
    faces = torch.arange(len(labels), device=labels.device)[:, None, None]
    moved = labels[faces, rows.clamp(0, side - 1)[:, :, None], columns.clamp(0, side - 1)[:, None]]
    return moved.masked_fill(~(inside[0][:, :, None] & inside[1][:, None]), UNKNOWN)


def eroded(labels: Tensor, radii: Tensor) -> Tensor:
    """Return label maps with every region smaller on all sides; between them nothing is known.

    Parameters
    ----------
    labels
        ``(n, side, side)`` uint8.
    radii
        ``(n,)`` int64 pixels on the CPU, 0 for none.
    """

    def step(levels: Tensor) -> Tensor:
        highest, lowest = _highest(levels), -_highest(-levels)
        return torch.where(highest == lowest, levels, torch.full_like(levels, UNKNOWN))

    return _repeated(step, labels, radii)


def dilated(labels: Tensor, radii: Tensor, order: Tensor) -> Tensor:
    """Return label maps with regions larger on all sides; of two that meet, one wins.

    Parameters
    ----------
    labels, radii
        See `eroded`.
    order
        ``(n, 19)`` float32, no two alike: the higher one wins; what is not known always loses.
    """
    indices = order.argsort(dim=1)
    tables = torch.zeros(len(labels), 256, dtype=torch.uint8, device=labels.device)
    tables[:, :_LABELS] = (indices.argsort(dim=1) + 1).to(torch.uint8)
    back = torch.full_like(tables, UNKNOWN)
    back[:, 1 : _LABELS + 1] = indices.to(torch.uint8)
    return relabelled(_repeated(_highest, relabelled(labels, tables), radii), back)


def _repeated(step: Callable[[Tensor], Tensor], labels: Tensor, radii: Tensor) -> Tensor:
    """Take the step as often as each face's radius says: a window of 3 pixels makes any other."""
    levels = changed_labels = labels.float()[:, None]
    there = sent(radii, labels)[:, None, None, None]
    for radius in range(1, int(radii.max()) + 1):
        levels = step(levels)
        changed_labels = torch.where(there == radius, levels, changed_labels)
    return changed_labels[:, 0].to(torch.uint8)


def _highest(levels: Tensor) -> Tensor:
    return functional.max_pool2d(levels, 3, stride=1, padding=1)

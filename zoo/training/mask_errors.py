"""What goes wrong with parsing masks: lost, moved, shrunken, mistaken, another face's, hostile.

The last step of the Kuaishou Y-Tech article is to fine-tune against such masks; no released
restorer was. Everything is a tensor operation on label maps, ``(n, side, side)`` uint8 with 255
where nothing is known, of which each face has its own error. The draws come from a generator on
the CPU and the operations are exact, so every device makes the same masks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from zoo.portrait.labels import LABELS, UNKNOWN

__all__ = ["KINDS", "MaskErrors", "dilated", "eroded", "relabelled", "shifted"]

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


@dataclass(frozen=True, slots=True)
class MaskErrors:
    """The errors of a batch's masks: one kind and one strength for each face.

    Attributes
    ----------
    kinds
        ``(n,)`` int64, places in `KINDS`.
    tables
        ``(n, 256)`` uint8: what each label becomes. The identity for kinds that move pixels.
    shifts
        ``(n, 2)`` float64 in [−1, 1]: down and to the right, in shares of the largest shift.
    reach
        ``(n,)`` float64 in [0, 1]: strength of erosion and dilation.
    order
        ``(n, 19)`` float32: which of two regions that grow wins, and which two are swapped.
    noise
        ``(n, 32, 32)`` uint8 labels.
    """

    kinds: Tensor
    tables: Tensor
    shifts: Tensor
    reach: Tensor
    order: Tensor
    noise: Tensor

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

    def select(self, places: range) -> MaskErrors:
        """Return the errors of some of the faces."""
        part = slice(places.start, places.stop)
        return MaskErrors(*(getattr(self, name)[part] for name in self.__slots__))

    def to(self, device: torch.device) -> MaskErrors:
        """Return the errors on a device."""
        return MaskErrors(*(getattr(self, name).to(device) for name in self.__slots__))

    def apply(self, labels: Tensor, others: Tensor) -> Tensor:
        """Return the label maps with their errors; ``template`` is left to who has the template.

        Parameters
        ----------
        labels, others
            ``(n, side, side)`` uint8: the faces' own label maps and those of other faces.
        """
        side = labels.shape[1]
        tables = torch.where(
            self._is("swapped")[:, None], swap_tables(labels, self.order), self.tables
        )
        wrong = relabelled(labels, tables)
        pixels = torch.round(self.shifts * (_FARTHEST * side)).long()
        # Towards nothing for the others: a shift by 0 is the map itself.
        wrong = shifted(wrong, pixels * self._is("shifted")[:, None])
        most = max(1, round(_WIDEST * side))
        radii = 1 + (self.reach * most).long().clamp(max=most - 1)
        wrong = eroded(wrong, radii * self._is("eroded"), most)
        wrong = dilated(wrong, radii * self._is("dilated"), most, self.order)
        wrong = torch.where(self._is("other-face")[:, None, None], others, wrong)
        cells = torch.arange(side, device=labels.device) * _NOISE // side
        noise = self.noise[:, cells][:, :, cells]
        return torch.where(self._is("noise")[:, None, None], noise, wrong)

    def _is(self, kind: str) -> Tensor:
        return self.kinds == KINDS.index(kind)


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
    rows, columns = (across[None] - pixels[:, place, None] for place in (0, 1))
    inside = [(index >= 0) & (index < side) for index in (rows, columns)]
    faces = torch.arange(len(labels), device=labels.device)[:, None, None]
    moved = labels[faces, rows.clamp(0, side - 1)[:, :, None], columns.clamp(0, side - 1)[:, None]]
    return moved.masked_fill(~(inside[0][:, :, None] & inside[1][:, None]), UNKNOWN)


def eroded(labels: Tensor, radii: Tensor, most: int) -> Tensor:
    """Return label maps with every region smaller on all sides; between them nothing is known.

    Parameters
    ----------
    labels
        ``(n, side, side)`` uint8.
    radii
        ``(n,)`` int64 pixels, 0 for none.
    most
        The largest radius that there may be.
    """
    levels = found = labels.float()[:, None]
    for radius in range(1, most + 1):
        highest, lowest = _highest(levels), -_highest(-levels)
        levels = torch.where(highest == lowest, levels, torch.full_like(levels, UNKNOWN))
        found = torch.where((radii == radius)[:, None, None, None], levels, found)
    return found[:, 0].to(torch.uint8)


def dilated(labels: Tensor, radii: Tensor, most: int, order: Tensor) -> Tensor:
    """Return label maps with regions larger on all sides; of two that meet, one wins.

    Parameters
    ----------
    labels, radii, most
        See `eroded`.
    order
        ``(n, 19)`` float32, no two alike: the higher one wins; what is not known always loses.
    """
    ranks = order.argsort(dim=1).argsort(dim=1)
    tables = torch.zeros(len(labels), 256, dtype=torch.uint8, device=labels.device)
    tables[:, :_LABELS] = (ranks + 1).to(torch.uint8)
    back = torch.full_like(tables, UNKNOWN)
    back[:, 1 : _LABELS + 1] = order.argsort(dim=1).to(torch.uint8)
    levels = found = relabelled(labels, tables).float()[:, None]
    for radius in range(1, most + 1):
        levels = _highest(levels)
        found = torch.where((radii == radius)[:, None, None, None], levels, found)
    return relabelled(found[:, 0].to(torch.uint8), back)


def _highest(levels: Tensor) -> Tensor:
    return functional.max_pool2d(levels, 3, stride=1, padding=1)

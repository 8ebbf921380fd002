"""From the bytes that workers send to tensors on the device: flips, masks, and what is wrong there.

What is drawn depends on the configuration's seed and the step alone, and every device computes
the same masks: numbers come from a generator on the CPU, label maps are whole numbers.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from degrade.random import MASK_DRAWS
from zoo.labels import LABELS, UNKNOWN, label_index
from zoo.mean_mask import template_mask
from zoo.training.base.schedule import step_generator
from zoo.training.data.batches import FaceBatch
from zoo.training.data.mask_errors import MaskErrors, sent

__all__ = [
    "DeviceBatch", "DeviceBatches", "flip_boxes", "flip_images", "flip_labels", "one_hot",
]  # fmt: skip

_PAIRS = (("l_eye", "r_eye"), ("l_brow", "r_brow"), ("l_ear", "r_ear"))
"""Labels that change places in a mirror."""


@dataclass(frozen=True, slots=True)
class DeviceBatch:
    """One step's faces as a trainer takes them."""

    hq: Tensor  # ``(n, 3, size, size)`` float32 RGB in [0, 1], channels last
    lq: Tensor
    # ``(n, 19, side, side)`` float32, one label a pixel; all 0 where nothing is known. The mean
    # mask is soft.
    mask: Tensor
    right: Tensor  # the masks before `RestorerTraining.mask_errors`: the same where none is wrong
    parts: Tensor  # ``(n, 3, 3)`` float32 boxes of left eye, right eye and mouth


class DeviceBatches:
    """Turns each `FaceBatch` into a `DeviceBatch`.

    Parameters
    ----------
    config
        Of the run: ``network``, ``seed``, ``batch_size``, and ``no_mask``, ``template_mask`` and
        ``mask_errors``, the chances of absent, mean and wrong masks.
    template
        How the faces are aligned.
    device
        Where to compute.
    masked
        False for faces without label maps: all masks are 0.
    """

    def __init__(
        self, config: Any, template: str, device: torch.device, *, masked: bool = True
    ) -> None:
        self._config, self._device = config, device
        self._masked = masked and config.network.masked
        size = config.network.size
        # A network that folds no pixels looks at masks of the faces' own side.
        self._enlarge = 1 if config.network.patch > 1 else 2
        mean = torch.from_numpy(template_mask(template, size // 2 * self._enlarge))
        # Both directions: a mirrored mean mask is not the same bits.
        swapped = mean[_mirrored_order()].flip(2)
        self._mean = torch.stack((mean, swapped)).to(device)

    @torch.no_grad()
    def __call__(self, batch: FaceBatch) -> DeviceBatch:
        """Return the batch on the device; it may be there already, see `FaceBatch.to`."""
        batch = batch.to(self._device)
        flipped = sent(torch.nonzero(batch.flips)[:, 0], batch.hq)
        mask, right = self._masks(batch, flipped)
        return DeviceBatch(
            flip_images(batch.hq, flipped),
            flip_images(batch.lq, flipped),
            mask,
            right,
            flip_boxes(batch.parts, flipped),
        )

    def stream(self, batches: Iterator[FaceBatch]) -> Iterator[DeviceBatch]:
        """Yield the batches on the device; on a GPU the next is copied while this one is used.

        They come in page-locked memory, so that the copies run beside the computing.
        """
        if self._device.type != "cuda":
            yield from map(self, batches)
            return
        side = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        ready: tuple[FaceBatch, torch.cuda.Event] | None = None
        for batch in batches:
            with torch.cuda.stream(side):
                moved = batch.to(self._device), side.record_event()
            if ready is not None:
                yield self(_received(*ready, self._device))
            ready = moved
        if ready is not None:
            yield self(_received(*ready, self._device))

    def _masks(self, batch: FaceBatch, flipped: Tensor) -> tuple[Tensor, Tensor]:
        """Return the masks, and the right ones.

        What is drawn is known on the CPU, so everything is computed for the faces that need it.
        """
        if not self._masked:
            nothing = self._one_hot(torch.full_like(batch.labels, UNKNOWN))
            return nothing, nothing
        config, positions = self._config, batch.positions
        generator = step_generator(config.seed, batch.step, MASK_DRAWS)
        kind, error = torch.rand(2, config.batch_size, generator=generator, dtype=torch.float64)
        absent = (kind < config.no_mask)[positions.start : positions.stop]
        mean = (kind < config.no_mask + config.template_mask)[
            positions.start : positions.stop
        ] & ~absent
        wrong = (error < config.mask_errors)[positions.start : positions.stop] & ~absent & ~mean
        own = flip_labels(batch.labels, flipped)
        own.index_fill_(0, self._chosen(absent), UNKNOWN)
        right = self._with_mean(self._one_hot(own), batch.flips, mean)
        if not config.mask_errors:
            return right, right
        all_errors = MaskErrors.draw(config.batch_size, generator)
        faces = torch.nonzero(wrong)[:, 0].tolist()
        errors = all_errors.select([positions[face] for face in faces])
        chosen = self._chosen(wrong)
        others = flip_labels(batch.others, flipped)
        mistaken = self._one_hot(errors.apply(own[chosen], others[chosen]))
        template = torch.zeros_like(wrong)
        template[[faces[number] for number in errors.of_kind("template")]] = True
        mask = right.index_copy(0, chosen, mistaken)
        return self._with_mean(mask, batch.flips, template), right

    def _one_hot(self, labels: Tensor) -> Tensor:
        """Return the masks of label maps, as large as the network looks at."""
        for dimension in (1, 2) if self._enlarge > 1 else ():
            labels = labels.repeat_interleave(self._enlarge, dim=dimension)
        return one_hot(labels)

    def _with_mean(self, masks: Tensor, flips: Tensor, mean: Tensor) -> Tensor:
        """Put the mean mask, mirrored or not, in place of some; ``mean`` ``(n,)`` says which."""
        means = self._mean[sent(flips[mean].long(), masks)]
        return masks.index_copy_(0, self._chosen(mean), means)

    def _chosen(self, faces: Tensor) -> Tensor:
        """Return the numbers of the faces, of ``(n,)`` bool on the CPU, on the device."""
        return torch.nonzero(faces)[:, 0].to(self._device, non_blocking=True)


def _received(batch: FaceBatch, copied: torch.cuda.Event, device: torch.device) -> FaceBatch:
    """Return the batch for use on the current stream, which waits for its copy alone."""
    stream = torch.cuda.current_stream(device)
    stream.wait_event(copied)

    def used_here(tensor: Tensor) -> Tensor:
        # Its memory belongs to the stream that copied it, and must outlive its use on this one.
        tensor.record_stream(stream)
        return tensor

    return batch.mapped(used_here)


def one_hot(labels: Tensor) -> Tensor:
    """Return ``(n, 19, side, side)`` float32, channels last, of ``(n, side, side)`` uint8 labels.

    A label of 19 or more, such as `UNKNOWN`, is 0 in every channel.
    """
    _, rows = _tables(labels.device)
    # A row of the table for each pixel: a third of the time of comparing it with each label.
    return functional.embedding(labels.int(), rows).permute(0, 3, 1, 2)


def flip_labels(labels: Tensor, flipped: Tensor) -> Tensor:
    """Return label maps, some of them mirrored: left and right change their names.

    Parameters
    ----------
    labels
        ``(n, side, side)`` uint8.
    flipped
        ``(m,)`` int64: the numbers of those that are.
    """
    mirrored, _ = _tables(labels.device)
    return labels.index_copy(0, flipped, mirrored[labels[flipped].flip(2).int()])


def flip_boxes(parts: Tensor, flipped: Tensor) -> Tensor:
    """Return ``(n, 3, 3)`` boxes, some of them mirrored: the left eye is the other one then."""
    mirrored = parts[flipped][:, [1, 0, 2]]
    mirrored[:, :, 0] = 1 - mirrored[:, :, 0]
    return parts.index_copy(0, flipped, mirrored)


def flip_images(levels: Tensor, flipped: Tensor) -> Tensor:
    """Return ``(n, 3, height, width)`` in [0, 1], channels last, some of them mirrored.

    Parameters
    ----------
    levels
        ``(n, height, width, 3)`` uint8.
    flipped
        ``(m,)`` int64: the numbers of those that are.
    """
    turned = levels.index_copy(0, flipped, levels[flipped].flip(2))
    return turned.permute(0, 3, 1, 2).float().div_(255)


@functools.cache
def _tables(device: torch.device) -> tuple[Tensor, Tensor]:
    """Return ``(256,)`` uint8, each label's name in a mirror, and ``(256, 19)`` one-hot rows."""
    count = len(LABELS)
    names = torch.arange(256, dtype=torch.uint8)
    names[:count] = torch.tensor(_mirrored_order(), dtype=torch.uint8)
    rows = torch.zeros(256, count)
    rows[:count] = torch.eye(count)
    return names.to(device), rows.to(device)


def _mirrored_order() -> list[int]:
    order = list(range(len(LABELS)))
    for left, right in _PAIRS:
        order[label_index(left)], order[label_index(right)] = label_index(right), label_index(left)
    return order

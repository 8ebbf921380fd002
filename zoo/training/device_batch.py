"""From the bytes that workers send to tensors on the device: flips, masks, and what is wrong there.

What is drawn depends on the configuration's seed and the step alone, and every device computes
the same masks: numbers come from a generator on the CPU, label maps are whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.portrait.labels import LABELS, UNKNOWN, place
from zoo.portrait.template_mask import template_mask
from zoo.training.batches import FaceBatch
from zoo.training.config import TrainingConfig
from zoo.training.mask_errors import KINDS, MaskErrors, relabelled
from zoo.training.random_state import step_generator

__all__ = ["DeviceBatch", "DeviceBatches", "flip_boxes", "flip_labels", "one_hot"]

_PAIRS = (("l_eye", "r_eye"), ("l_brow", "r_brow"), ("l_ear", "r_ear"))
"""Labels that change places in a mirror."""
_MASK_DRAWS = 0
"""In place of a process's rank: every process draws for the whole batch."""


@dataclass(frozen=True, slots=True)
class DeviceBatch:
    """One step's faces as a trainer takes them.

    Attributes
    ----------
    hq, lq
        ``(n, 3, size, size)`` float32 RGB in [0, 1], channels last.
    mask
        ``(n, 19, side, side)`` float32, one label a pixel; all 0 where nothing is known. The mean
        mask is soft.
    right
        The masks before `TrainingConfig.mask_errors`: the same where none is wrong.
    parts
        ``(n, 3, 3)`` float32 boxes of left eye, right eye and mouth.
    """

    hq: Tensor
    lq: Tensor
    mask: Tensor
    right: Tensor
    parts: Tensor


class DeviceBatches:
    """Turns each `FaceBatch` into a `DeviceBatch`.

    Parameters
    ----------
    config
        Chances of absent, mean and wrong masks; batch size and seed.
    template
        How the faces are aligned.
    device
        Where to compute.
    masked
        False for faces without label maps: all masks are 0.
    """

    def __init__(
        self, config: TrainingConfig, template: str, device: torch.device, *, masked: bool = True
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
        mask, right = self._masks(batch)
        return DeviceBatch(
            _images(batch.hq, batch.flips),
            _images(batch.lq, batch.flips),
            mask,
            right,
            flip_boxes(batch.parts, batch.flips),
        )

    def _masks(self, batch: FaceBatch) -> tuple[Tensor, Tensor]:
        """Return the masks, and the right ones."""
        if not self._masked:
            nothing = one_hot(torch.full_like(batch.labels, UNKNOWN))
            return nothing, nothing
        config = self._config
        generator = step_generator(config.seed, batch.step, _MASK_DRAWS)
        part = slice(batch.places.start, batch.places.stop)
        kind, error = torch.rand(2, config.batch_size, generator=generator, dtype=torch.float64)
        absent = (kind < config.no_mask)[part]
        mean = (kind < config.no_mask + config.template_mask)[part] & ~absent
        wrong = (error < config.mask_errors)[part] & ~absent & ~mean
        drawn = MaskErrors.draw(config.batch_size, generator).select(batch.places)
        absent, mean, wrong = self._sent(absent, mean, wrong)
        own = batch.labels.masked_fill(absent[:, None, None], UNKNOWN)
        right = self._expanded(own, batch.flips, mean)
        if not config.mask_errors:
            return right, right
        errors = drawn.to(self._device)
        mistaken = torch.where(wrong[:, None, None], errors.apply(own, batch.others), own)
        template = errors.kinds == KINDS.index("template")
        return self._expanded(mistaken, batch.flips, mean | (wrong & template)), right

    def _expanded(self, labels: Tensor, flips: Tensor, mean: Tensor) -> Tensor:
        """Return the masks of label maps, mirrored; the mean mask where that is to be."""
        labels = flip_labels(labels, flips)
        for dimension in (1, 2) if self._enlarge > 1 else ():
            labels = labels.repeat_interleave(self._enlarge, dim=dimension)
        masks = one_hot(labels)
        means = self._mean[flips.long()]
        chosen = torch.where(mean[:, None, None, None], means, masks)
        return chosen.contiguous(memory_format=torch.channels_last)

    def _sent(self, *values: Tensor) -> list[Tensor]:
        return [value.to(self._device, non_blocking=True) for value in values]


def one_hot(labels: Tensor) -> Tensor:
    """Return ``(n, 19, side, side)`` float32, channels last, of ``(n, side, side)`` uint8 labels.

    A label of 19 or more, such as 255, is 0 in every channel.
    """
    names = torch.arange(len(LABELS), device=labels.device, dtype=torch.uint8)
    masks = (labels[..., None] == names).to(torch.float32)
    return masks.permute(0, 3, 1, 2)


def flip_labels(labels: Tensor, flips: Tensor) -> Tensor:
    """Return label maps, some of them mirrored: left and right change their names.

    Parameters
    ----------
    labels
        ``(n, side, side)`` uint8.
    flips
        ``(n,)`` bool.
    """
    order = torch.arange(256, dtype=torch.uint8, device=labels.device)
    order[: len(LABELS)] = torch.tensor(_mirrored_order(), dtype=torch.uint8)
    mirrored = relabelled(labels.flip(2), order.expand(len(labels), -1))
    return torch.where(flips[:, None, None], mirrored, labels)


def flip_boxes(parts: Tensor, flips: Tensor) -> Tensor:
    """Return ``(n, 3, 3)`` boxes, some of them mirrored: the left eye is the other one then."""
    mirrored = parts[:, [1, 0, 2]].clone()
    mirrored[:, :, 0] = 1 - mirrored[:, :, 0]
    return torch.where(flips[:, None, None], mirrored, parts)


def _images(levels: Tensor, flips: Tensor) -> Tensor:
    """Return ``(n, 3, height, width)`` in [0, 1], channels last, some of them mirrored."""
    turned = torch.where(flips[:, None, None, None], levels.flip(2), levels)
    return turned.permute(0, 3, 1, 2).float() / 255


def _mirrored_order() -> list[int]:
    order = list(range(len(LABELS)))
    for left, right in _PAIRS:
        order[place(left)], order[place(right)] = place(right), place(left)
    return order

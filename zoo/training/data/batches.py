"""Training batches of a restorer or a parser, 8 bits a level: what worker processes make and send.

Batch number s depends on the configuration, the pack and s alone, so a run goes on anywhere.
Masks are expanded, and faces flipped, on the device: `zoo.training.data.device_batch`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from degrade.feed.data_pool import DataPool, Family
from degrade.random import FEEDING, RESTORER_BATCH, Stream, StreamKey
from zoo.training.base.config import TrainingError
from zoo.training.data.face_pack import FacePack, PackSource

__all__ = ["FaceBatch", "FaceBatches"]


@dataclass(frozen=True, slots=True)
class FaceBatch:
    """One step's faces, or some of them.

    Attributes
    ----------
    step
        The batch's number.
    places
        Which faces of the whole batch these are.
    hq, lq
        ``(n, size, size, 3)`` uint8 RGB.
    labels
        ``(n, size / 2, size / 2)`` uint8 label maps in the order of
        `zoo.labels.LABELS`, 255 where the region is not known.
    others
        The same of the next face in the whole batch, the first following the last.
    parts
        ``(n, 3, 3)`` float32 boxes of left eye, right eye and mouth, see
        `zoo.training.data.packing`.
    flips
        ``(n,)`` bool: which faces are to be mirrored; nothing here is mirrored yet. They stay on
        the CPU, where it is decided what the device computes.
    keys
        Of the faces, as in the pack.
    """

    step: int
    positions: range
    hq: Tensor
    lq: Tensor
    labels: Tensor
    others: Tensor
    parts: Tensor
    flips: Tensor
    keys: tuple[str, ...]

    def pin_memory(self) -> FaceBatch:
        """Return the batch in page-locked memory, from which copies to a GPU run beside it."""
        return self.mapped(Tensor.pin_memory)

    def to(self, device: torch.device) -> FaceBatch:
        """Return the batch on a device; the copy from page-locked memory is not waited for."""
        return self.mapped(lambda tensor: tensor.to(device, non_blocking=True))

    def mapped(self, change: Callable[[Tensor], Tensor]) -> FaceBatch:
        """Return the batch with each of its tensors changed but for the flips."""
        return FaceBatch(
            self.step,
            self.positions,
            change(self.hq),
            change(self.lq),
            change(self.labels),
            change(self.others),
            change(self.parts),
            self.flips,
            self.keys,
        )


class FaceBatches:
    """``batches[step]`` → `FaceBatch`; picklable, for any number of loader workers.

    Parameters
    ----------
    config
        Of the run: its name, ``families``, ``seed``, ``steps``, ``batch_size``, and ``clean``, the
        share of undegraded faces.
    pack
        Its training split is learned from.
    places
        Which faces of each batch to make; None makes all. The same faces either way.
    size
        Side of the pack's faces; None for the network's.

    Raises
    ------
    TrainingError
        The faces are of another size, or none is in the training split.
    """

    def __init__(
        self,
        config: Any,
        pack: FacePack,
        positions: range | None = None,
        *,
        size: int | None = None,
    ) -> None:
        size = config.network.size if size is None else size
        if pack.size != size:
            raise TrainingError(
                f"{pack.path} holds faces of {pack.size} × {pack.size}, {config.name} takes "
                f"{size}: run `zoo align` or `zoo pack` with --size {size}"
            )
        self._config, self._pack = config, pack
        self._positions = range(config.batch_size) if positions is None else positions
        if not pack.indices("train"):
            raise TrainingError(f"{pack.path} has no face in its training split: add faces")
        self._source = PackSource.of(pack)
        families = {name: Family(name, share) for name, share in config.families.items()}
        self._pool = DataPool(
            self._source, families, batch_size=config.batch_size, seed=config.seed
        )

    def __len__(self) -> int:
        return int(self._config.steps)

    @property
    def batch_bytes(self) -> int:
        """Bytes of one batch, or of the part that is made here."""
        size = self._pack.size
        # Two images, two label maps at half the side, three boxes and a flip.
        return len(self._positions) * (6 * size**2 + 2 * (size // 2) ** 2 + 9 * 4 + 1)

    @property
    def faces(self) -> int:
        """How many different faces there are."""
        return len(self._pack.indices("train"))

    def __getitem__(self, step: int) -> FaceBatch:
        batch = self._pool.part(step, self._positions)
        numbers = [self._source.number(name) for name, _ in self._pool.images(step)]
        own = [numbers[position] for position in self._positions]
        following = numbers[self._positions.stop % len(numbers)]
        labels = torch.from_numpy(np.stack([self._pack.labels(i) for i in (*own, following)]))
        stream = Stream(StreamKey(self._config.seed, step, 0), RESTORER_BATCH, FEEDING)
        flips = [stream.unit() < 0.5 for _ in numbers]
        clean = [stream.unit() < self._config.clean for _ in numbers]
        lq = batch.lq
        for index, position in enumerate(self._positions):
            if clean[position]:
                lq[index] = batch.hq[index]
        return FaceBatch(
            step,
            self._positions,
            torch.from_numpy(batch.hq),
            torch.from_numpy(lq),
            labels[:-1],
            labels[1:],
            torch.from_numpy(np.stack([self._pack.parts(i) for i in own])),
            torch.tensor(flips)[self._positions.start : self._positions.stop],
            tuple(self._pack.index.keys[i] for i in own),
        )

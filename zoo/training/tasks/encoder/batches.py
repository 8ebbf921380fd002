"""Training batches of an encoder: real faces, degraded and clean.

Batch number s depends on the configuration, the faces and s alone, so a run goes on anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from degrade.feed.data_pool import DataPool, Family
from degrade.random import FEEDING, Stream, StreamKey
from zoo.portrait.align.alignment_file import template_of
from zoo.training.tasks.encoder.config import EncoderTraining
from zoo.training.tasks.restorer.config import TrainingError

__all__ = ["EncodingBatch", "EncodingBatches", "as_tensor"]

_FLIPS = 11
"""Stream slot of flips and clean faces, beyond those of the pool and of the other trainings."""


@dataclass(frozen=True, slots=True)
class EncodingBatch:
    """One step's real faces.

    Attributes
    ----------
    hq, lq
        ``(n, 3, size, size)`` float32 RGB in [0, 1].
    """

    hq: Tensor
    lq: Tensor


class EncodingBatches:
    """``batches[step]`` → `EncodingBatch`; picklable, for any number of loader workers.

    Parameters
    ----------
    config
        Recipes, shares, seed and batch size.
    folder
        Aligned faces of the network's size, as `zoo align` writes them.

    Raises
    ------
    TrainingError
        There is no such folder, or the faces are of another size.
    DatasetError
        The folder holds no image.
    """

    def __init__(self, config: EncoderTraining, folder: Path) -> None:
        self._config = config
        if not folder.is_dir():
            raise TrainingError(f"{folder} is no folder: give the one that `zoo align` wrote")
        families = {name: Family(name, share) for name, share in config.families.items()}
        self._pool = DataPool(folder, families, batch_size=config.batch_size, seed=config.seed)
        height, width = self._pool.source.read(self._pool.source.keys[0]).shape[:2]
        if (height, width) != (config.network.size, config.network.size):
            raise TrainingError(
                f"{folder} holds faces of {height} × {width}, {config.name} takes "
                f"{config.network.size}: run `zoo align` with --size {config.network.size}"
            )
        self.template = template_of(folder)
        """How the faces are aligned."""

    def __len__(self) -> int:
        return self._config.steps

    @property
    def faces(self) -> int:
        """How many different faces there are."""
        return len(self._pool.source)

    def __getitem__(self, step: int) -> EncodingBatch:
        config = self._config
        batch = self._pool[step]
        stream = Stream(StreamKey(config.seed, step, 0), _FLIPS, FEEDING)
        clean, flips = (
            torch.tensor([stream.unit() < chance for _ in range(config.batch_size)])
            for chance in (config.clean, 0.5)
        )
        hq, lq = as_tensor(batch.hq), as_tensor(batch.lq)
        lq = torch.where(clean[:, None, None, None], hq, lq)
        return EncodingBatch(_flipped(hq, flips), _flipped(lq, flips))


def as_tensor(images: NDArray[np.uint8]) -> Tensor:
    """Return ``(n, 3, height, width)`` in [0, 1] of uint8 ``(n, height, width, 3)``."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def _flipped(images: Tensor, flips: Tensor) -> Tensor:
    return torch.where(flips[:, None, None, None], images.flip(3), images)

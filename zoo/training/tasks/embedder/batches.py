"""Training batches of face descriptors: each photograph is a person of its own.

Batch number s depends on the configuration, the faces and s alone, so a run goes on anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from degrade.feed.data_pool import DataPool, Family
from degrade.random import EMBEDDER_VIEWS, FEEDING, Stream, StreamKey
from zoo.portrait.align.alignment import template_of
from zoo.training.base.config import TrainingError
from zoo.training.tasks.embedder.augmentation import draw_inner, draw_view, set_into, view_of
from zoo.training.tasks.embedder.config import DescriptorTraining

__all__ = ["IdentityBatch", "IdentityBatches"]


@dataclass(frozen=True, slots=True)
class IdentityBatch:
    """One step's faces."""

    # ``(n, 3, size, size)`` float32 RGB in [0, 1], of the network's size: two views of the same
    # photographs, the first of what a recipe made of them
    degraded: Tensor
    clean: Tensor
    labels: Tensor  # ``(n,)`` int64: which photograph each shows


class IdentityBatches:
    """``batches[step]`` → `IdentityBatch`; picklable, for any number of loader workers.

    Every photograph comes once in each pass over them, degraded and seen anew.

    Parameters
    ----------
    config
        Recipes, augmentation, seed and batch size.
    folder
        Aligned square faces, as `zoo align` writes them, of at least the network's size.

    Raises
    ------
    TrainingError
        There is no such folder, the faces are no squares or too small, or there are fewer than two.
    DatasetError
        The folder holds no image.
    """

    def __init__(self, config: DescriptorTraining, folder: Path) -> None:
        self._config = config
        if not folder.is_dir():
            raise TrainingError(f"{folder} is no folder: give the one that `zoo align` wrote")
        families = {name: Family(name, share) for name, share in config.families.items()}
        self._pool = DataPool(folder, families, batch_size=config.batch_size, seed=config.seed)
        keys = self._pool.source.keys
        self._labels = {key: number for number, key in enumerate(sorted(keys))}
        height, width = self._pool.source.read(keys[0]).shape[:2]
        size = config.network.size
        if height != width or height < size:
            raise TrainingError(
                f"{folder} holds faces of {height} × {width}, {config.name} takes squares of at "
                f"least {size}: run `zoo align` with --size {2 * size}"
            )
        self.template = template_of(folder)
        """How the faces are aligned."""
        if len(keys) < 2:
            raise TrainingError(f"{folder} holds one face, and telling apart takes two: add faces")

    def __len__(self) -> int:
        return self._config.steps

    @property
    def classes(self) -> int:
        """How many photographs there are."""
        return len(self._labels)

    def __getitem__(self, step: int) -> IdentityBatch:
        config = self._config
        batch = self._pool[step]
        stream = Stream(StreamKey(config.seed, step, 0), EMBEDDER_VIEWS, FEEDING)
        spared = np.array([stream.unit() < config.clean for _ in range(config.batch_size)])
        views = [draw_view(config.augmentation, stream) for _ in range(2 * config.batch_size)]
        chance = config.augmentation.surroundings
        inners = [draw_inner(chance, stream) for _ in range(2 * config.batch_size)]
        count = config.batch_size
        pairs = []
        for number, images in enumerate(
            (np.where(spared[:, None, None, None], batch.hq, batch.lq), batch.hq)
        ):
            faces = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
            # Another's for each view, and that other is in the batch: to be told from it, too.
            others = faces.roll(1 + number, dims=0)
            pairs.append(set_into(faces, others, inners[number * count :][:count], self.template))
        faces_seen = view_of(torch.cat(pairs), views, config.network.size)
        labels = [self._labels[image_id] for image_id, _ in self._pool.images(step)]
        return IdentityBatch(faces_seen[:count], faces_seen[count:], torch.tensor(labels))

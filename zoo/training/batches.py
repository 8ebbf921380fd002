"""Training batches as tensors: faces of the data pool, their masks, flips and mask losses.

Batch number s depends on the configuration, the faces and s alone, so a run goes on anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from degrade.pool import DataPool, Family
from degrade.random import FEEDING, Stream, StreamKey
from zoo.portrait.landmark_regions import landmark_regions
from zoo.training.config import TrainingConfig, TrainingError

__all__ = ["LANDMARKS_FILE", "FaceBatch", "FaceBatches"]

LANDMARKS_FILE = "landmarks68.npz"
_MASKS = 8
"""Stream slot of flips and masks, beyond those of the pool."""
_PAIRS = ((4, 5), (6, 7), (8, 9))
"""Labels that change places in a mirror: eyes, brows, ears."""


@dataclass(frozen=True, slots=True)
class FaceBatch:
    """One step's faces.

    Attributes
    ----------
    hq, lq
        ``(n, 3, size, size)`` float32 RGB in [0, 1].
    mask
        ``(n, 19, size, size)`` float32; all 0 where a face has no mask.
    """

    hq: Tensor
    lq: Tensor
    mask: Tensor


class FaceBatches:
    """``batches[step]`` → `FaceBatch`; picklable, for any number of loader workers.

    Parameters
    ----------
    config
        Recipes, shares, seed, batch size and how often a mask is withheld.
    folder
        Aligned faces of the network's size, as `zoo align` writes them; with the file of
        landmarks beside them the faces have masks.

    Raises
    ------
    TrainingError
        The faces are of another size.
    """

    def __init__(self, config: TrainingConfig, folder: Path) -> None:
        self._config = config
        families = {name: Family(name, share) for name, share in config.families.items()}
        self._pool = DataPool(folder, families, batch_size=config.batch_size, seed=config.seed)
        side = self._pool.source.read(self._pool.source.keys[0]).shape
        if side[:2] != (config.network.size, config.network.size):
            raise TrainingError(
                f"{folder} holds faces of {side[0]} × {side[1]}, {config.name} takes "
                f"{config.network.size}: run `zoo align` with --size {config.network.size}"
            )
        self._landmarks = _read_landmarks(folder / LANDMARKS_FILE)
        self._mean = _mean_mask(self._landmarks, config.network.size)

    def __len__(self) -> int:
        return self._config.steps

    @property
    def faces(self) -> int:
        """How many different faces there are."""
        return len(self._pool.source)

    def __getitem__(self, step: int) -> FaceBatch:
        batch = self._pool[step]
        keys = [image_id for image_id, _ in self._pool.pictures(step)]
        stream = Stream(StreamKey(self._config.seed, step, 0), _MASKS, FEEDING)
        masks = np.stack([self._mask(key, stream.unit()) for key in keys])
        hq, lq, mask = _tensor(batch.hq), _tensor(batch.lq), torch.from_numpy(masks)
        flips = torch.tensor([stream.unit() < 0.5 for _ in keys])
        return FaceBatch(
            _flipped(hq, flips), _flipped(lq, flips), _flipped(_swapped(mask, flips), flips)
        )

    def _mask(self, key: str, chance: float) -> NDArray[np.float32]:
        config = self._config
        if chance < config.no_mask or self._mean is None:
            side = config.network.size
            return np.zeros((19, side, side), np.float32)
        if chance < config.no_mask + config.template_mask or key not in self._landmarks:
            return self._mean
        return landmark_regions(self._landmarks[key], config.network.size)


def _read_landmarks(path: Path) -> dict[str, NDArray[np.float32]]:
    if not path.is_file():
        return {}
    with np.load(path, allow_pickle=False) as stored:
        return dict(zip(stored["keys"].tolist(), stored["landmarks"], strict=True))


def _mean_mask(landmarks: dict[str, NDArray[np.float32]], size: int) -> NDArray[np.float32] | None:
    """Return the mean of the masks of up to 500 faces."""
    some = list(landmarks.values())[:500]
    if not some:
        return None
    masks = [landmark_regions(points, size) for points in some]
    return np.asarray(np.mean(masks, axis=0, dtype=np.float32))


def _tensor(images: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def _swapped(mask: Tensor, flips: Tensor) -> Tensor:
    order = list(range(mask.shape[1]))
    for left, right in _PAIRS:
        order[left], order[right] = order[right], order[left]
    return torch.where(flips[:, None, None, None], mask[:, order], mask)


def _flipped(images: Tensor, flips: Tensor) -> Tensor:
    return torch.where(flips[:, None, None, None], images.flip(3), images)

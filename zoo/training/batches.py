"""Training batches as tensors: faces of the data pool, their masks, flips and mask losses.

Batch number s depends on the configuration, the faces and s alone, so a run goes on anywhere.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from degrade.pool import DataPool, Family
from degrade.random import FEEDING, Stream, StreamKey
from zoo.licences import is_accepted
from zoo.portrait.alignment_file import template_of
from zoo.portrait.landmark_regions import landmark_regions
from zoo.portrait.templates import TEMPLATES
from zoo.training.config import TrainingConfig, TrainingError
from zoo.training.wrong_masks import WrongMasks

__all__ = ["LANDMARKS_FILE", "FaceBatch", "FaceBatches"]

LANDMARKS_FILE = "landmarks68.npz"
_MASKS = 8
"""Stream slot of flips and masks, beyond those of the pool."""
_MISTAKES = 9
"""Stream slot of wrong masks."""
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
    right
        The masks before `TrainingConfig.mask_errors`: the same where none is wrong.
    """

    hq: Tensor
    lq: Tensor
    mask: Tensor
    right: Tensor


class FaceBatches:
    """``batches[step]`` → `FaceBatch`; picklable, for any number of loader workers.

    Parameters
    ----------
    config
        Recipes, shares, seed, batch size and how often a mask is withheld.
    folder
        Aligned faces of the network's size, as `zoo align` writes them; with the file of
        landmarks beside them the faces have masks.
    places
        Which faces of each batch to make; None makes all. The same faces either way.

    Raises
    ------
    TrainingError
        There is no such folder, the faces are of another size, their file of landmarks is
        damaged, or some masks are to be predicted without consent to ``ibug-68``.
    DatasetError
        The folder holds no image.
    """

    def __init__(self, config: TrainingConfig, folder: Path, places: range | None = None) -> None:
        self._config = config
        self._places = range(config.batch_size) if places is None else places
        if not folder.is_dir():
            raise TrainingError(f"{folder} is no folder: give the one that `zoo align` wrote")
        families = {name: Family(name, share) for name, share in config.families.items()}
        self._pool = DataPool(folder, families, batch_size=config.batch_size, seed=config.seed)
        side = self._pool.source.read(self._pool.source.keys[0]).shape
        if side[:2] != (config.network.size, config.network.size):
            raise TrainingError(
                f"{folder} holds faces of {side[0]} × {side[1]}, {config.name} takes "
                f"{config.network.size}: run `zoo align` with --size {config.network.size}"
            )
        self._landmarks = _read_landmarks(folder / LANDMARKS_FILE).points
        self.template = template_of(folder)
        """How the faces are aligned."""
        self._mean = _mean_mask(self._landmarks, config.network.size)
        self._wrong = None
        if config.mask_errors and self._mean is not None:
            _check_consent(config)
            self._wrong = WrongMasks(
                self._landmarks, self._mean, config.predicted_masks, self.template
            )

    def __len__(self) -> int:
        return self._config.steps

    @property
    def faces(self) -> int:
        """How many different faces there are."""
        return len(self._pool.source)

    @property
    def masked(self) -> bool:
        """Whether faces come with masks: whether the folder has landmarks."""
        return self._mean is not None

    def __getitem__(self, step: int) -> FaceBatch:
        batch = self._pool.part(step, self._places)
        keys = [image_id for image_id, _ in self._pool.pictures(step)]
        stream = Stream(StreamKey(self._config.seed, step, 0), _MASKS, FEEDING)
        chances = [stream.unit() for _ in keys]
        masks = np.stack([self._mask(keys[place], chances[place]) for place in self._places])
        hq, lq, mask = _tensor(batch.hq), _tensor(batch.lq), torch.from_numpy(masks)
        flips = self._drawn(stream, 0.5)
        if self._config.clean:
            lq = torch.where(self._drawn(stream, self._config.clean)[:, None, None, None], hq, lq)
        right = mask
        if self._wrong is not None:
            wrong = self._drawn(stream, self._config.mask_errors)
            mask = torch.from_numpy(self._wronged(step, keys, masks, _levels(lq), wrong))
        return FaceBatch(
            _flipped(hq, flips),
            _flipped(lq, flips),
            _flipped(_swapped(mask, flips), flips),
            _flipped(_swapped(right, flips), flips),
        )

    def _drawn(self, stream: Stream, chance: float) -> Tensor:
        """Draw for each face of the whole batch; return what became of those made here."""
        drawn = torch.tensor([stream.unit() < chance for _ in range(self._config.batch_size)])
        return drawn[self._places.start : self._places.stop]

    def _wronged(
        self,
        step: int,
        keys: list[str],
        masks: NDArray[np.float32],
        lq: NDArray[np.uint8],
        wrong: Tensor,
    ) -> NDArray[np.float32]:
        assert self._wrong is not None
        found = masks.copy()
        for index, place in enumerate(self._places):
            if wrong[index]:
                # A stream for each: an error draws as many numbers as it needs.
                stream = Stream(StreamKey(self._config.seed, step, place), _MISTAKES, FEEDING)
                found[index] = self._wrong.draw(keys[place], masks[index], lq[index], stream)
        return found

    def _mask(self, key: str, chance: float) -> NDArray[np.float32]:
        config = self._config
        if chance < config.no_mask or self._mean is None:
            side = config.network.size
            return np.zeros((19, side, side), np.float32)
        if chance < config.no_mask + config.template_mask or key not in self._landmarks:
            return self._mean
        return landmark_regions(self._landmarks[key], config.network.size)


@dataclass(frozen=True, slots=True)
class _Landmarks:
    """What `zoo align` tells of the faces: landmarks by name, and the template, tight by default.

    Files of earlier versions do not say which; faces without such a file have no masks.
    """

    points: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    template: str = "tight"


def _read_landmarks(path: Path) -> _Landmarks:
    if not path.is_file():
        return _Landmarks()
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            points = np.asarray(stored["landmarks"], np.float32).reshape(-1, 68, 2)
            names = [str(name) for name in stored["keys"].tolist()]
            found = dict(zip(names, points, strict=True))
            template = str(stored["template"]) if "template" in stored.files else "tight"
        if template not in TEMPLATES or not np.isfinite(points).all():
            raise ValueError("another template, or no numbers")
    # AttributeError: one array alone, without a name. RuntimeError: an unknown compression.
    except (
        AttributeError,
        EOFError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        raise TrainingError(
            f"{path} does not hold 68 landmarks a face: run `zoo align` again, or delete it to "
            "train without masks"
        ) from error
    return _Landmarks(found, template)


def _check_consent(config: TrainingConfig) -> None:
    """Refuse to draw other batches on a machine where nobody agreed to the licence."""
    if config.predicted_masks and not is_accepted("ibug-68"):
        raise TrainingError(
            f"{config.name} predicts some of its wrong masks, which needs consent: run `zoo align "
            "--accept-licence ibug-68`, or set `predicted_masks: false`"
        )


def _mean_mask(landmarks: dict[str, NDArray[np.float32]], size: int) -> NDArray[np.float32] | None:
    """Return the mean of the masks of up to 500 faces."""
    some = list(landmarks.values())[:500]
    if not some:
        return None
    masks = [landmark_regions(points, size) for points in some]
    return np.asarray(np.mean(masks, axis=0, dtype=np.float32))


def _tensor(images: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def _levels(images: Tensor) -> NDArray[np.uint8]:
    return np.ascontiguousarray((images * 255).round().byte().permute(0, 2, 3, 1).numpy())


def _swapped(mask: Tensor, flips: Tensor) -> Tensor:
    order = list(range(mask.shape[1]))
    for left, right in _PAIRS:
        order[left], order[right] = order[right], order[left]
    return torch.where(flips[:, None, None, None], mask[:, order], mask)


def _flipped(images: Tensor, flips: Tensor) -> Tensor:
    return torch.where(flips[:, None, None, None], images.flip(3), images)

"""Real faces for a generator: all of them in memory, shuffled anew each time round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from degrade.dataset.sources import ImageSource, open_source
from zoo.portrait.align.alignment_file import template_of
from zoo.training.data.face_pack import FacePack, PackSource
from zoo.training.tasks.restorer.config import TrainingError

__all__ = ["RealFaces"]

_ORDER, _FLIPS = 1, 2


class RealFaces:
    """``faces.batch(step)`` → tensors; depends on the faces, the seed and the step alone.

    Parameters
    ----------
    faces
        Aligned faces of one size: a folder that `zoo align` wrote, or a file of `zoo pack`, whose
        training split is used. They are held in memory, 8 bits each: 70 000 of 128 pixels take
        3.4 GB.
    size
        Side that the generator makes.
    batch_size
        Faces of a step.
    seed
        Of order and mirroring.
    on_read
        Called with the number of faces read and of all.

    Raises
    ------
    TrainingError
        There are no such faces, or one has another size.
    PackError
        The file is no pack.
    DatasetError
        The folder holds no image.
    """

    def __init__(
        self,
        faces: Path,
        size: int,
        batch_size: int,
        seed: int,
        on_read: Callable[[int, int], None] | None = None,
    ) -> None:
        source, self.template = _open(faces)
        """How the faces are aligned."""
        self._images = np.empty((len(source), 3, size, size), np.uint8)
        for index, key in enumerate(source.keys):
            image = source.read(key)
            if image.shape[:2] != (size, size):
                raise TrainingError(
                    f"{faces / key} is {image.shape[0]} × {image.shape[1]}, not {size}: run "
                    f"`zoo align` or `zoo pack` with --size {size}"
                )
            self._images[index] = image.transpose(2, 0, 1)
            if on_read:
                on_read(index + 1, len(source))
        self._batch_size, self._seed = batch_size, seed

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, step: int, places: range | None = None) -> Tensor:
        """Return the faces of a step, ``(n, 3, size, size)`` float32 RGB in [0, 1].

        Half of them are mirrored.

        Parameters
        ----------
        step
            From 0.
        places
            Which faces of the batch; None for all.
        """
        count = len(self._images)
        wanted = list(range(self._batch_size) if places is None else places)
        rounds = [divmod(step * self._batch_size + place, count) for place in wanted]
        orders = {turn: _order(self._seed, turn, count) for turn in {turn for turn, _ in rounds}}
        chosen = [orders[turn][place] for turn, place in rounds]
        mirrored = _generator(self._seed, _FLIPS, step).random(self._batch_size)
        images = self._images[chosen]
        flips = mirrored[wanted] < 0.5
        images[flips] = images[flips][..., ::-1]
        return torch.from_numpy(images).float() / 255


def _open(faces: Path) -> tuple[ImageSource, str]:
    """Return the faces to learn from and how they are aligned."""
    if faces.is_dir():
        return open_source(str(faces)), template_of(faces)
    if not faces.is_file():
        raise TrainingError(
            f"{faces} is neither a folder that `zoo align` wrote nor a file of `zoo pack`"
        )
    pack = FacePack(faces)
    if not pack.indices("train"):
        raise TrainingError(f"{faces} has no face to train on: all are for validation or testing")
    return PackSource.of(pack), pack.template


def _order(seed: int, turn: int, count: int) -> NDArray[np.int64]:
    return _generator(seed, _ORDER, turn).permutation(count)


def _generator(seed: int, purpose: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox([seed, purpose, number]))

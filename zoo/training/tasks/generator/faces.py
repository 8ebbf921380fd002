"""Real faces for a generator: all of them in memory, shuffled anew each time round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from degrade.dataset.sources import ImageSource, open_source
from degrade.random import GENERATOR_FLIPS, GENERATOR_ORDER, array_generator
from zoo.portrait.align.alignment import template_of
from zoo.training.base.config import TrainingError
from zoo.training.data.face_pack import FacePack, PackSource

__all__ = ["RealFaces"]


class RealFaces:
    """``faces[step]`` → a batch; depends on the faces, the seed and the step alone.

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
    places
        Which faces of each batch to give; None for all.
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
        positions: range | None = None,
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
        self._positions = list(range(batch_size) if positions is None else positions)

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, step: int) -> Tensor:
        """Return the faces of a step, ``(n, 3, size, size)`` float32 RGB in [0, 1].

        Half of them are mirrored.
        """
        count = len(self._images)
        rounds = [divmod(step * self._batch_size + position, count) for position in self._positions]
        orders = {turn: _order(self._seed, turn, count) for turn in {turn for turn, _ in rounds}}
        images = self._images[[orders[turn][position] for turn, position in rounds]]
        mirrored = array_generator(self._seed, GENERATOR_FLIPS, step).random(self._batch_size)
        flips = mirrored[self._positions] < 0.5
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
    return array_generator(seed, GENERATOR_ORDER, turn).permutation(count)

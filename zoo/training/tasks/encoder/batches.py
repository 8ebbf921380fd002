"""What an encoder learns from: real faces, and faces that the generator draws, with their codes.

Real or drawn, batch number s depends on the configuration, the faces and s alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from degrade.engine.apply import apply
from degrade.feed.data_pool import DataPool, Family
from degrade.planner.draw import plan
from degrade.random import ENCODER_BATCH, FEEDING, Stream, StreamKey
from degrade.recipe.reader import load_recipe
from zoo.networks.stylegan.generator import StyleGenerator
from zoo.portrait.align.alignment import template_of
from zoo.restorers.inversion.code_space import CodeSpace
from zoo.training.base.config import TrainingError
from zoo.training.base.schedule import step_generator
from zoo.training.tasks.encoder.config import EncoderTraining

__all__ = ["Drawing", "DrawnFaces", "EncodingBatch", "EncodingBatches"]


@dataclass(frozen=True, slots=True)
class EncodingBatch:
    """One step's real faces."""

    hq: Tensor  # ``(n, 3, size, size)`` float32 RGB in [0, 1]
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
        stream = Stream(StreamKey(config.seed, step, 0), ENCODER_BATCH, FEEDING)
        clean, flips = (
            torch.tensor([stream.unit() < chance for _ in range(config.batch_size)])
            for chance in (config.clean, 0.5)
        )
        hq, lq = _as_tensor(batch.hq), _as_tensor(batch.lq)
        lq = torch.where(clean[:, None, None, None], hq, lq)
        return EncodingBatch(_flipped(hq, flips), _flipped(lq, flips))


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """One step's drawn faces."""

    lq: Tensor  # ``(n, 3, size, size)`` float32 RGB in [0, 1], degraded or clean
    coordinates: Tensor  # ``(n, layers, latent)``: where the codes of the clean faces lie


class DrawnFaces:
    """Draws the faces of a step; the same for the same configuration, generator and step.

    Parameters
    ----------
    config
        How many, mixed how often, recipes and seed.
    generator, space
        The generator, and the space of its codes; frozen.
    device
        Where they are.
    """

    def __init__(
        self,
        config: EncoderTraining,
        generator: StyleGenerator,
        space: CodeSpace,
        device: torch.device,
    ) -> None:
        self._config, self._generator, self._space = config, generator, space
        self._device = device
        self._recipes = [load_recipe(name) for name in config.families]
        shares = torch.tensor(list(config.families.values()), dtype=torch.float64)
        self._until = shares.cumsum(0) / shares.sum()

    @torch.no_grad()
    def of(self, step: int) -> Drawing:
        """Return the faces of a step."""
        config, network = self._config, self._generator.config
        random = step_generator(config.seed, step)
        z = torch.randn((2, config.drawn, network.latent), generator=random).to(self._device)
        one, other = (self._generator.map(each) for each in z)
        mixed = torch.rand(config.drawn, generator=random) < config.mixing
        change = torch.randint(1, network.layers, (config.drawn,), generator=random)
        change = torch.where(mixed, change, network.layers).to(self._device)
        first = torch.arange(network.layers, device=self._device)[None] < change[:, None]
        codes = torch.where(first[..., None], one[:, None], other[:, None])
        faces = self._generator.synthesise(codes).clamp(0, 1)
        lq = self._degraded(faces.cpu(), step, torch.rand((2, config.drawn), generator=random))
        return Drawing(lq.to(self._device), self._space.coordinates(codes))

    def _degraded(self, faces: Tensor, step: int, chances: Tensor) -> Tensor:
        """Degrade all but a share of the faces; ``chances`` are two uniform numbers a face."""
        config = self._config
        levels = (faces * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
        changed = []
        for number, face in enumerate(levels):
            if float(chances[0, number]) < config.clean:
                changed.append(face)
                continue
            chosen = int(torch.searchsorted(self._until, chances[1, number].double()))
            drawn = plan(
                self._recipes[min(chosen, len(self._recipes) - 1)],
                seed=config.seed,
                image_id=f"drawn/{step}/{number}",
                size=face.shape[:2],
            )
            changed.append(apply(drawn, face))
        return _as_tensor(np.stack(changed))


def _as_tensor(images: NDArray[np.uint8]) -> Tensor:
    """Return ``(n, 3, height, width)`` in [0, 1] of uint8 ``(n, height, width, 3)``."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def _flipped(images: Tensor, flips: Tensor) -> Tensor:
    return torch.where(flips[:, None, None, None], images.flip(3), images)

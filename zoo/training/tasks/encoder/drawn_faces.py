"""Faces that the generator draws for its encoder, degraded, with their codes known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from degrade.engine.apply import apply
from degrade.planner.draw import plan
from degrade.recipe.reader import load_recipe
from zoo.networks.stylegan.generator import StyleGenerator
from zoo.restorers.inversion.code_space import CodeSpace
from zoo.training.base.random_state import step_generator
from zoo.training.tasks.encoder.batches import as_tensor
from zoo.training.tasks.encoder.config import EncoderTraining

__all__ = ["Drawing", "DrawnFaces"]


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """One step's drawn faces.

    Attributes
    ----------
    lq
        ``(n, 3, size, size)`` float32 RGB in [0, 1], degraded or clean.
    coordinates
        ``(n, layers, latent)``: where the codes of the clean faces lie.
    """

    lq: Tensor
    coordinates: Tensor


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
        for place, face in enumerate(levels):
            if float(chances[0, place]) < config.clean:
                changed.append(face)
                continue
            chosen = int(torch.searchsorted(self._until, chances[1, place].double()))
            drawn = plan(
                self._recipes[min(chosen, len(self._recipes) - 1)],
                seed=config.seed,
                image_id=f"drawn/{step}/{place}",
                size=face.shape[:2],
            )
            changed.append(apply(drawn, face))
        return as_tensor(np.stack(changed))

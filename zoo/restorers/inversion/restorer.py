"""Restore a face as the nearest one that a generator makes: descent from a first guess."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from degrade.planner.plan import Plan
from zoo.networks.features.perceptual import FeatureNetwork
from zoo.networks.stylegan.generator import StyleGenerator
from zoo.networks.stylegan.psp import PspEncoder
from zoo.restorer import Card, Image
from zoo.restorers.face_by_face import face_of, tensor_of
from zoo.restorers.inversion.code_space import CodeSpace, measured_space
from zoo.restorers.inversion.descent import Descent, descend
from zoo.restorers.inversion.known_degradation import KnownDegradation
from zoo.restorers.inversion.objective import Objective, Weights
from zoo.synthesis.generators import LoadedGenerator

__all__ = [
    "BLIND",
    "METHOD",
    "WITH_PLAN",
    "InvertingRestorer",
    "Method",
    "average_guess",
    "image2stylegan",
    "stylegan_encoder",
]

FirstGuess = Callable[[Tensor, CodeSpace], Tensor]


@dataclass(frozen=True, slots=True)
class Method:
    """What is optimised, how long, and whether the degradation is told.

    Attributes
    ----------
    weights, descent
        See `Weights` and `Descent`.
    told
        Whether made faces go through the plan's degradation before they are compared.
    """

    weights: Weights
    descent: Descent
    with_plan: bool = False


def average_guess(face: Tensor, space: CodeSpace) -> Tensor:
    """Return the average code ``(1, 1, latent)``, whatever the face ``(1, 3, h, w)``."""
    return space.average[None, None]


class InvertingRestorer:
    """Optimises one face at a time on the CPU; deterministic for the same number of threads.

    Parameters
    ----------
    card
        What it is.
    generator
        Frozen, float32, on the CPU.
    features
        EfficientNet-Lite0's maps, see `zoo.networks.features.perceptual`; None where they weigh
        nothing.
    method
        See `Method`.
    first_guess
        Takes a face ``(1, 3, size, size)`` in [0, 1] and the space of the codes, and returns
        codes, ``(1, layers, latent)`` or the same for all layers, ``(1, 1, latent)``.
    on_step
        Called after each step of each face with its number, from 1.
    """

    def __init__(
        self,
        card: Card,
        generator: StyleGenerator,
        features: FeatureNetwork | None,
        method: Method,
        first_guess: FirstGuess = average_guess,
        on_step: Callable[[int], None] | None = None,
    ) -> None:
        self.card, self._method, self._on_step = card, method, on_step
        self._generator, self._features = generator, features
        self._space, self._first_guess = measured_space(generator), first_guess

    @property
    def steps(self) -> int:
        """Steps that a face takes."""
        return self._method.descent.steps

    def watched(self, on_step: Callable[[int], None]) -> InvertingRestorer:
        """Return the same restorer telling of its steps; see `zoo.restorer.Stepwise`."""
        return InvertingRestorer(
            self.card, self._generator, self._features, self._method, self._first_guess, on_step
        )

    def restore(
        self,
        faces: Sequence[Image],
        masks: Sequence[NDArray[np.float32] | None] | None = None,
        plans: Sequence[Plan | None] | None = None,
    ) -> list[Image]:
        """Return the restored faces; see `zoo.restorer.Restorer.restore`.

        Raises
        ------
        ImageError
            A face of another size than the card's.
        ValueError
            Another number of plans than of faces.
        """
        with_plan = [None] * len(faces) if plans is None or not self._method.with_plan else plans
        return [self._restored(face, plan) for face, plan in zip(faces, with_plan, strict=True)]

    def _restored(self, face: Image, plan: Plan | None) -> Image:
        # Gradients are needed, whatever the caller switched off.
        with torch.inference_mode(mode=False), torch.enable_grad():
            lq = tensor_of(face, self.card)
            known = None if plan is None else KnownDegradation(plan, face.shape[:2])
            objective = Objective(lq, self._method.weights, self._features, known)
            with torch.no_grad():
                guess = self._first_guess(lq, self._space)
            start = guess.expand(-1, self._generator.config.layers, -1)
            result = descend(
                self._generator, self._space, start, objective, self._method.descent, self._on_step
            )
        return face_of(result.face)


BLIND = Method(Weights(pixel=1.0, perceptual=0.5), Descent(80, 0.2))
"""The input is what is wanted, damage and all."""
WITH_PLAN = Method(
    Weights(pixel=1.0, perceptual=0.1, leaving=0.03), Descent(80, 0.1), with_plan=True
)
"""The made face is degraded as the input was before both are compared (the forward model of PULSE,
Menon et al. 2020, arXiv 2003.03808); what the degradation hides is held near the average."""


def image2stylegan(
    card: Card, generator: LoadedGenerator, features: FeatureNetwork
) -> InvertingRestorer:
    """Return the restorer of a card; one that is not blind is given the degradation."""
    return InvertingRestorer(card, generator.network, features, BLIND if card.blind else WITH_PLAN)


METHOD = Method(Weights(pixel=2.0, perceptual=0.2, leaving=0.05, log_cosh=True), Descent(40, 0.1))
"""Short and held near the average: the guess has learned not to see the damage, descent has not."""


def stylegan_encoder(
    card: Card, generator: LoadedGenerator, encoder: PspEncoder, features: FeatureNetwork
) -> InvertingRestorer:
    """Return the restorer of a card."""

    def guess(face: Tensor, space: CodeSpace) -> Tensor:
        return space.codes(encoder(face))

    return InvertingRestorer(card, generator.network, features, METHOD, guess)

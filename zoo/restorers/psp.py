"""pSp: a network turns the face into codes, the generator turns the codes into a face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from degrade.planning import Plan
from zoo.generating.loading import LoadedGenerator
from zoo.inversion.code_space import measured_space
from zoo.networks.psp import PspEncoder
from zoo.restorer import Card, Image
from zoo.restorers.aligned_faces import face_of, tensor_of

__all__ = ["PspRestorer"]


class PspRestorer:
    """Richardson et al. 2021 (arXiv 2008.00951) on the CPU; deterministic, a face at a time.

    Parameters
    ----------
    card
        What it is.
    generator, encoder
        Frozen, float32; the encoder was trained on this generator.
    """

    def __init__(self, card: Card, generator: LoadedGenerator, encoder: PspEncoder) -> None:
        self.card, self._generator, self._encoder = card, generator.network, encoder
        self._space = measured_space(generator.network)

    @torch.inference_mode()
    def restore(
        self,
        faces: Sequence[Image],
        masks: Sequence[NDArray[np.float32] | None] | None = None,
        plans: Sequence[Plan | None] | None = None,
    ) -> list[Image]:
        """Return the restored faces; see `zoo.restorer.Restorer.restore`.

        Raises ImageError for a face of another size than the card's.
        """
        return [self._restored(face) for face in faces]

    def _restored(self, face: Image) -> Image:
        coordinates = self._encoder(tensor_of(face, self.card))
        return face_of(self._generator.synthesise(self._space.codes(coordinates)))

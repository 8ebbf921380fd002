"""stylegan-encoder: a network guesses the codes, then descent mends the guess.

After github.com/pbaylies/stylegan-encoder (encode_images.py): a learned first guess, a logarithmic
hyperbolic cosine of the pixels, a perceptual distance, a penalty on leaving the average code, the
best loss kept. Written anew; its VGG16, MS-SSIM and face mask are left out. The guess is psp's.
"""

from __future__ import annotations

from torch import Tensor

from zoo.networks.stylegan.psp import PspEncoder
from zoo.restorer import Card
from zoo.restorers.inversion.code_space import CodeSpace
from zoo.restorers.inversion.descent import Descent
from zoo.restorers.inversion.objective import Weights
from zoo.restorers.inversion.restorer import InvertingRestorer, Method
from zoo.synthesis.generators import LoadedGenerator
from zoo.training.losses.features import FeatureNetwork

__all__ = ["METHOD", "stylegan_encoder"]

METHOD = Method(Weights(pixel=2.0, perceptual=0.2, leaving=0.05, log_cosh=True), Descent(40, 0.1))
"""Short and held near the average: the guess has learned not to see the damage, descent has not."""


def stylegan_encoder(
    card: Card, generator: LoadedGenerator, encoder: PspEncoder, features: FeatureNetwork
) -> InvertingRestorer:
    """Return the restorer of a card."""

    def guess(face: Tensor, space: CodeSpace) -> Tensor:
        return space.codes(encoder(face))

    return InvertingRestorer(card, generator.network, features, METHOD, guess)

"""Image2StyleGAN: from the average code, descend to the face in W+ that looks like the input.

Abdal, Qin and Wonka 2019 (arXiv 1904.03189, section 4): squared differences of the pixels and of
a network's maps, one code a layer, Adam. Theirs: VGG16, 5000 steps of 0.01 in raw codes; here
EfficientNet-Lite0 and steps in standard deviations, of which far fewer are needed at 64 pixels.
"""

from __future__ import annotations

from zoo.restorer import Card
from zoo.restorers.inversion.descent import Descent
from zoo.restorers.inversion.objective import Weights
from zoo.restorers.inversion.restorer import InvertingRestorer, Method
from zoo.synthesis.generators import LoadedGenerator
from zoo.training.losses.features import FeatureNetwork

__all__ = ["BLIND", "TOLD", "image2stylegan"]

BLIND = Method(Weights(pixel=1.0, perceptual=0.5), Descent(80, 0.2))
"""The input is what is wanted, damage and all."""
TOLD = Method(Weights(pixel=1.0, perceptual=0.1, leaving=0.03), Descent(80, 0.1), told=True)
"""The made face is degraded as the input was before both are compared (the forward model of PULSE,
Menon et al. 2020, arXiv 2003.03808); what the degradation hides is held near the average."""


def image2stylegan(
    card: Card, generator: LoadedGenerator, features: FeatureNetwork
) -> InvertingRestorer:
    """Return the restorer of a card: told the degradation where the card is not blind."""
    return InvertingRestorer(card, generator.network, features, BLIND if card.blind else TOLD)

"""The parser that asks the published BiSeNet."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from zoo.networks.parsing.bisenet import SIZE, BiSeNet, load_bisenet, parse_faces
from zoo.portrait.parse.labels import from_bisenet, place
from zoo.portrait.parse.mask_confidence import mask_confidence
from zoo.portrait.parse.parsing import FaceMask
from zoo.restorer import Image
from zoo.weights.files import known_weights, locate

__all__ = ["BiSeNetParser", "load_bisenet_parser"]


class BiSeNetParser:
    """Parses crops with a loaded network, whichever template they are aligned to.

    It was trained on CelebAMask-HQ, whose faces lie as the FFHQ template has them; on tight crops
    hair, neck and ears are seen less well.
    """

    name = "bisenet"

    def __init__(self, network: BiSeNet) -> None:
        self._network = network

    def parse(self, crop: Image) -> FaceMask:
        """Return the mask of an aligned crop.

        The confidence is the lower of `mask_confidence` and the network's own certainty: the mean
        over the face of the highest probability.
        """
        size = crop.shape[0]
        way = cv2.INTER_AREA if size > SIZE else cv2.INTER_LINEAR
        seen = crop if size == SIZE else cv2.resize(crop, (SIZE, SIZE), interpolation=way)
        pixels = torch.from_numpy(np.ascontiguousarray(seen)).permute(2, 0, 1)[None].float() / 255
        found = from_bisenet(parse_faces(self._network, pixels)[0].numpy())
        mask = found if size == SIZE else np.stack([_resized(layer, size) for layer in found])
        confidence = min(mask_confidence(crop, mask), _certainty(found))
        return FaceMask(mask, confidence, self.name)


def load_bisenet_parser(*, offline: bool | None = None) -> BiSeNetParser:
    """Return the parser with the published weights; errors as `locate`'s and `load_bisenet`'s."""
    return BiSeNetParser(load_bisenet(locate(known_weights("bisenet"), offline=offline)))


def _resized(layer: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    way = cv2.INTER_AREA if size < SIZE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(layer, (size, size), interpolation=way))


def _certainty(mask: NDArray[np.float32]) -> float:
    """Return the mean highest probability over what is no background; 0 where all is."""
    face = mask.argmax(axis=0) != place("background")
    return float(mask.max(axis=0)[face].mean()) if face.any() else 0.0

"""Parsers that ask a network: ours, which learned from masks of sharp faces, and BiSeNet.

Ours comes with Relume, so it needs no download, and is made for degraded faces. What it learned
from are the masks of `zoo.portrait.parse.mesh_parser`: glasses and hats, which these never mark, it
does not mark either.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from zoo.labels import from_bisenet, label_index
from zoo.networks.parsing.bisenet import SIZE, BiSeNet, load_bisenet, parse_faces
from zoo.networks.parsing.parsing_unet import ParsingUNet
from zoo.networks.restoration.unet import UNetConfig
from zoo.networks.stored import stored_network
from zoo.portrait.parse.mask_confidence import mask_confidence
from zoo.portrait.parse.parsing import FaceMask
from zoo.restorer import Image
from zoo.weights.builtin import read_shipped
from zoo.weights.files import known_weights, locate
from zoo.weights.header import TrainedFile

__all__ = [
    "PARSE_128",
    "BiSeNetParser",
    "NetworkParser",
    "load_bisenet_parser",
    "load_network_parser",
]

PARSE_128 = "parse-128"
_MOST_PARAMETERS = 100_000_000


class NetworkParser:
    """Parses crops, whichever template they are aligned to; picklable.

    Parameters
    ----------
    network
        On the CPU.
    name
        Of the parser.
    """

    def __init__(self, network: ParsingUNet, name: str = PARSE_128) -> None:
        self.name = name
        self._network = network

    @torch.inference_mode()
    def parse(self, crop: Image) -> FaceMask:
        """Return the mask of an aligned crop, uint8 (size, size, 3) RGB."""
        pixels = _resized(crop, self._network.config.size)
        faces = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float() / 255
        faces = faces.contiguous(memory_format=torch.channels_last)
        small = self._network(faces).softmax(dim=1)[0].numpy()
        mask = np.stack([_resized(layer, crop.shape[0]) for layer in small])
        return FaceMask(mask, mask_confidence(crop, mask), self.name)


def load_network_parser(file: TrainedFile | None = None) -> NetworkParser:
    """Return the parser that Relume brings, or that of a file of `zoo train`.

    Raises
    ------
    WeightsMissing, WeightsRefused
        Relume's file is gone or not the one of its card; the file holds no parser.
    """
    file = file or read_shipped(PARSE_128)
    designs = {UNetConfig.design: UNetConfig}
    _, network = stored_network(file, designs, ParsingUNet, "parser", _MOST_PARAMETERS)
    network = network.to(memory_format=torch.channels_last)
    return NetworkParser(network, str(file.config.get("name", file.path.stem)))


def _resized(image: NDArray[Any], size: int) -> NDArray[Any]:
    before = image.shape[0]
    if before == size:
        return image
    way = cv2.INTER_AREA if before > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size, size), interpolation=way))


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
        resized = np.ascontiguousarray(_resized(crop, SIZE))
        pixels = torch.from_numpy(resized).permute(2, 0, 1)[None].float() / 255
        own_size = from_bisenet(parse_faces(self._network, pixels)[0].numpy())
        mask = np.stack([_resized(layer, size) for layer in own_size])
        confidence = min(mask_confidence(crop, mask), _certainty(own_size))
        return FaceMask(mask, confidence, self.name)


def load_bisenet_parser(*, offline: bool | None = None) -> BiSeNetParser:
    """Return the parser with the published weights; errors as `locate`'s and `load_bisenet`'s."""
    return BiSeNetParser(load_bisenet(locate(known_weights("bisenet"), offline=offline)))


def _certainty(mask: NDArray[np.float32]) -> float:
    """Return the mean highest probability over what is no background; 0 where all is."""
    face = mask.argmax(axis=0) != label_index("background")
    return float(mask.max(axis=0)[face].mean()) if face.any() else 0.0

"""The parser that asks a small network of ours, which was taught by masks of sharp faces.

It comes with Relume, so it needs no download, and is made for degraded faces. What it learned from
are the masks of `zoo.portrait.parse.mesh_parser`: what these never mark, glasses and hats, it does
not.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from zoo.networks.parsing.parsing_unet import ParsingUNet
from zoo.networks.restoration.designs import network_config
from zoo.networks.restoration.unet import UNetConfig
from zoo.portrait.parse.mask_confidence import mask_confidence
from zoo.portrait.parse.parsing import FaceMask
from zoo.restorer import Image
from zoo.training.base.checked_values import checked_mapping
from zoo.weights.builtin import read_shipped
from zoo.weights.files import WeightsRefused
from zoo.weights.header import TrainedFile
from zoo.weights.stored_network import filled

__all__ = ["PARSE_128", "NetworkParser", "load_network_parser"]

PARSE_128 = "parse-128"


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
    try:
        sizes = checked_mapping("network", file.config["network"])
        config = network_config({**sizes, "design": "unet"})
        assert isinstance(config, UNetConfig)
        with torch.device("meta"):
            network = ParsingUNet(config)
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise WeightsRefused(f"{file.path} holds no parser ({error})") from None
    network = filled(network, file).to(memory_format=torch.channels_last)
    return NetworkParser(network, str(file.config.get("name", file.path.stem)))


def _resized(image: NDArray[Any], size: int) -> NDArray[Any]:
    before = image.shape[0]
    if before == size:
        return image
    way = cv2.INTER_AREA if before > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size, size), interpolation=way))

"""The identity loss: the restored face is to be the same person, says a network that judges none.

The judge of identity is dlib's descriptor; whatever is loaded here must be another network.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from zoo.networks.faces.face_descriptor import (
    DESCRIPTORS,
    FaceDescriptor,
    load_descriptor,
    shipped_descriptor,
)
from zoo.templates import TIGHT_CENTRE, TIGHT_ZOOM
from zoo.training.base.config import IdentityConfig, TrainingError
from zoo.weights.files import cache_folder

__all__ = ["IdentityLoss", "tight_part"]


class IdentityLoss:
    """One minus the cosine of two faces' descriptors (the identity term of pSp, arXiv 2008.00951).

    Parameters
    ----------
    config
        Which network.
    device
        Where the faces will be.

    Raises
    ------
    TrainingError
        There is no such file.
    WeightsMissing, WeightsRefused
        Relume's own is not where it should be, or the file holds something else.
    """

    def __init__(self, config: IdentityConfig, device: torch.device) -> None:
        self._network = _descriptor(config.network).to(device)
        self._template = config.template

    def __call__(self, restored: Tensor, hq: Tensor) -> Tensor:
        """Return the mean over the faces, 0 to 2; 0 for equal ones.

        Both are ``(n, 3, size, size)`` RGB in [0, 1].
        """
        with torch.no_grad():
            expected = self._network(self._tight(hq))
        alike: Tensor = (self._network(self._tight(restored)) * expected).sum(dim=1)
        return (1 - alike).mean()

    def _tight(self, faces: Tensor) -> Tensor:
        return faces if self._template == "tight" else tight_part(faces)


def tight_part(faces: Tensor) -> Tensor:
    """Return what the template ``tight`` shows of faces aligned as ``ffhq``.

    ``(n, 3, size, size)`` gives ``(n, 3, part, part)``: 320 of 512 pixels, to the pixel.
    """
    size = faces.shape[2]
    part = round(size / TIGHT_ZOOM)
    left, top = (round(size * centre - part / 2) for centre in TIGHT_CENTRE)
    return faces[:, :, top : top + part, left : left + part]


def _descriptor(name_or_path: str) -> FaceDescriptor:
    """Return the descriptor that Relume brings, or that of a file."""
    if name_or_path in DESCRIPTORS:
        return shipped_descriptor(name_or_path)
    path = Path(name_or_path)
    if path.suffix != ".safetensors":
        path = cache_folder() / f"{name_or_path}.safetensors"
    if not path.is_file():
        raise TrainingError(
            f"the identity loss needs {path}, which is not there: say {' or '.join(DESCRIPTORS)} "
            "or the path of a face descriptor's .safetensors as identity: network, or leave "
            "identity out"
        )
    return load_descriptor(path)

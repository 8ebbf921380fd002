"""The identity loss: the restored face is to be the same person, says a network that judges none.

The judge of identity is dlib's descriptor; whatever is loaded here must be another network.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from zoo.networks.face_descriptor import load_descriptor
from zoo.training.config import IdentityConfig, TrainingError
from zoo.weights import cache_folder

__all__ = ["IdentityLoss"]


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
    WeightsRefused
        The file holds something else.
    """

    def __init__(self, config: IdentityConfig, device: torch.device) -> None:
        path = Path(config.network)
        if path.suffix != ".safetensors":
            path = cache_folder() / f"{config.network}.safetensors"
        if not path.is_file():
            raise TrainingError(
                f"the identity loss needs {path}, which is not there: give the path of a face "
                "descriptor's .safetensors as identity: network, or leave identity out"
            )
        self._network = load_descriptor(path).to(device)

    def __call__(self, restored: Tensor, hq: Tensor) -> Tensor:
        """Return the mean over the faces, 0 to 2; 0 for equal ones.

        Both are ``(n, 3, size, size)`` RGB in [0, 1].
        """
        with torch.no_grad():
            wanted = self._network(hq)
        alike: Tensor = (self._network(restored) * wanted).sum(dim=1)
        return (1 - alike).mean()

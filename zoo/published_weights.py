"""The table of weights that others publish: where, with which checksum, under which licence.

Fetches and reads nothing; `zoo.weights` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["KNOWN_WEIGHTS", "WeightFile"]


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One published file of weights.

    Attributes
    ----------
    name
        What a person types: ``zoo fetch NAME``.
    filename
        Its name in the cache folder.
    url
        Where it is published.
    sha256
        The digest in hexadecimal, or its first digits where no more is published.
    licence
        What the weights may be used for, one sentence.
    size
        Bytes; 0 when unknown.
    """

    name: str
    filename: str
    url: str
    sha256: str
    licence: str
    size: int


# The first eight digits of each digest stand in the published file name (the convention of
# torch.hub's `check_hash`); the full digests are those that mirrors of the same files publish.
KNOWN_WEIGHTS: Mapping[str, WeightFile] = MappingProxyType(
    {
        weight_file.name: weight_file
        for weight_file in (
            WeightFile(
                name="alexnet",
                filename="alexnet-owt-7be5be79.pth",
                url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
                sha256="7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
                licence="BSD-3-Clause (torchvision); trained on ImageNet, research use",
                size=244_408_911,
            ),
            WeightFile(
                name="vgg16",
                filename="vgg16-397923af.pth",
                url="https://download.pytorch.org/models/vgg16-397923af.pth",
                sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
                licence="BSD-3-Clause (torchvision); trained on ImageNet, research use",
                size=553_433_881,
            ),
            WeightFile(
                name="fid-inception",
                filename="pt_inception-2015-12-05-6726825d.pth",
                url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
                "pt_inception-2015-12-05-6726825d.pth",
                sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
                licence="Apache-2.0 (pytorch-fid, TensorFlow); trained on ImageNet, research use",
                size=95_628_359,
            ),
        )
    }
)

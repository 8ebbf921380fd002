"""The face descriptors that come with Relume."""

from __future__ import annotations

from zoo.networks.faces.face_descriptor import FaceDescriptor, load_descriptor
from zoo.weights.builtin import shipped_card, weights_path
from zoo.weights.download import sha256_of
from zoo.weights.files import WeightsMissing, WeightsRefused

__all__ = ["DESCRIPTORS", "shipped_descriptor"]

DESCRIPTORS = ("arcface-small",)
"""Their names."""


def shipped_descriptor(name: str) -> FaceDescriptor:
    """Return one of `DESCRIPTORS`, frozen, on the CPU.

    Raises
    ------
    WeightsMissing
        Its file is gone from Relume's folder of weights.
    WeightsRefused
        Its file is not the one that its card tells of.
    """
    path = weights_path(name)
    if not path.is_file():
        raise WeightsMissing(f"{path} is not there: install relume again")
    told = shipped_card(name).card.sha256
    if sha256_of(path) != told:
        raise WeightsRefused(f"{path} is not the file of its card: install relume again")
    return load_descriptor(path)

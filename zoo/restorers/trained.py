"""Restorers that `zoo train` made: a file of weights, checked, behind the one call."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from degrade.errors import ImageError
from degrade.planner.plan import Plan
from zoo.networks.restoration.designs import DESIGNS, RestorerConfig, build_network
from zoo.networks.restoration.style import LABELS
from zoo.networks.stored import stored_network
from zoo.restorer import Card, Image
from zoo.restorers.face_by_face import check_face
from zoo.restorers.mask_gate import as_mask, fits_face
from zoo.restorers.placement import HERE, Placement, exactly, filled_batches, filled_up
from zoo.weights.files import WeightsRefused
from zoo.weights.header import TrainedFile

__all__ = ["TrainedRestorer", "load_network"]

_MOST_PARAMETERS = 100_000_000
"""The design for 512 pixels has 2 million."""


class TrainedRestorer:
    """A trained network, on the CPU until `placed`; deterministic, whatever else is in the batch.

    Parameters
    ----------
    card
        Of the weights.
    file
        The weights.

    Attributes
    ----------
    network
        In float32; takes and returns tensors, see
        `zoo.networks.restoration.style.StyleRestorer.forward`.
    side
        Of its faces, in pixels.
    masked
        Whether it looks at masks.
    placement
        Where it computes, and how many faces at once.

    Raises
    ------
    WeightsRefused
        The file is not the one of the card (sha256), is damaged, or does not fit its network.

    Notes
    -----
    Faces go through the network one at a time unless more are asked for: in a batch of another
    size the last bits of the convolutions differ. On one core a batch takes between 5 % more and
    14 % less time a face (measured at 128 pixels, batches of 2 to 32); it is made for GPUs.
    """

    def __init__(self, card: Card, file: TrainedFile) -> None:
        if card.sha256 and card.sha256 != file.sha256:
            raise WeightsRefused(
                f"{file.path} has sha256 {file.sha256[:16]}…, its card says "
                f"{card.sha256[:16]}…: install relume again"
            )
        config, network = load_network(file)
        if card.input_size != (config.size, config.size):
            raise WeightsRefused(
                f"{file.path} is for faces of {config.size} pixels, its card says "
                f"{card.input_size}: install relume again"
            )
        # Convolutions take two thirds of the time so; values differ in the last bits.
        self.network = network.to(memory_format=torch.channels_last)
        self.side, self.masked, self.card = config.size, config.masked, card
        self.placement = HERE

    def placed(self, placement: Placement) -> TrainedRestorer:
        """Return the same restorer on another device; see `DeviceRestorer`."""
        other = copy.copy(self)
        if placement.device != self.placement.device:
            other.network = copy.deepcopy(self.network).to(placement.device)
        other.placement = placement
        return other

    def computed_for(self, faces: Sequence[Image]) -> int:
        """Return their number, filled up to whole batches."""
        return filled_up(len(faces), self.placement.batch)

    def restore(
        self,
        faces: Sequence[Image],
        masks: Sequence[NDArray[np.float32] | None] | None = None,
        plans: Sequence[Plan | None] | None = None,
    ) -> list[Image]:
        """Return the restored faces; see `zoo.restorer.Restorer.restore`.

        Parameters
        ----------
        masks
            ``(19, size, size)`` in [0, 1] each, the channels of a pixel summing to 1 or, where
            nothing is known of it, to less; or a label map, uint8 ``(size, size)``. None restores
            without, and so does one that cannot be a face's, see `fits_face`.

        Raises
        ------
        ImageError
            A face of another size than the card's.
        WeightsRefused
            The network computes values that are not finite.
        ValueError
            A mask of another shape, or another number of masks than of faces.
        """
        chosen = [None] * len(faces) if masks is None else masks
        given = [None if mask is None else as_mask(mask) for mask in chosen]
        for face, mask in zip(faces, given, strict=True):
            self._check(face, mask)
        pairs = [(face, self._fitting(mask)) for face, mask in zip(faces, given, strict=True)]
        batches = filled_batches(pairs, self.placement.batch)
        return [face for batch, count in batches for face in self._restored(batch)[:count]]

    @torch.inference_mode()
    def _restored(self, pairs: Sequence[tuple[Image, NDArray[np.float32] | None]]) -> list[Image]:
        faces = np.stack([face.transpose(2, 0, 1) for face, _ in pairs])
        pixels = (torch.from_numpy(faces.astype(np.float32)) / 255).to(self.placement.device)
        known = self._known([mask for _, mask in pairs])
        with exactly(self.placement.device):
            restored = self.network(pixels.contiguous(memory_format=torch.channels_last), known)
        if not bool(torch.isfinite(restored).all()):
            raise WeightsRefused(
                f"{self.card.name} computes values that are not finite (NaN or infinite): its "
                "weights overflow, take others"
            )
        levels = (restored * 255).round_().clamp_(0, 255).byte().permute(0, 2, 3, 1)
        return [np.ascontiguousarray(face) for face in levels.cpu().numpy()]

    def _fitting(self, mask: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
        if mask is None or not self.masked:
            return None
        return mask if fits_face(mask, self.card.template or "ffhq") else None

    def _known(self, masks: Sequence[NDArray[np.float32] | None]) -> Tensor | None:
        """Return the masks as one tensor; a face without has zeros, which say as little."""
        if not self.masked or all(mask is None for mask in masks):
            return None
        nothing = np.zeros((LABELS, self.side, self.side), np.float32)
        whole = np.stack([nothing if mask is None else mask for mask in masks])
        return torch.from_numpy(whole.astype(np.float32, copy=False)).to(self.placement.device)

    def _check(self, face: Image, mask: NDArray[np.float32] | None) -> None:
        side = self.side
        if check_face(face).shape[:2] != (side, side):
            raise ImageError(
                f"{self.card.name} takes aligned faces of {side} × {side} pixels, not "
                f"{face.shape[0]} × {face.shape[1]}: align and resize it first"
            )
        if mask is not None and mask.shape != (LABELS, side, side):
            raise ValueError(f"a mask is ({LABELS}, {side}, {side}), not {mask.shape}")


def load_network(file: TrainedFile) -> tuple[RestorerConfig, nn.Module]:
    """Return the sizes and the network of a file of weights; errors as `stored_network`'s."""
    return stored_network(file, DESIGNS, build_network, "restorer", _MOST_PARAMETERS)

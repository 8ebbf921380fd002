"""Run a network that spandrel describes on pictures, in the size it was made for.

How a network is fed is `zoo.restorers.spandrel.forward`'s affair. Nothing here reads a file.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from degrade.planner.plan import Plan
from zoo.restorer import Card, Image
from zoo.restorers.face_by_face import check_face
from zoo.restorers.placement import CPU, HERE, Placement, filled_batches, filled_up
from zoo.restorers.spandrel.forward import FIDELITY, RestorationError, forwarded
from zoo.restorers.tiles import Tiling, in_tiles

if TYPE_CHECKING:
    from spandrel import ImageModelDescriptor

__all__ = ["FIDELITY", "RestorationError", "SpandrelNetwork", "levels_through", "resized"]

_WHOLE = 512 * 512
"""Pictures of more pixels go through a network for any size in tiles: its memory is bounded."""
_TILING = Tiling(side=256, margin=32, feather=32)


@dataclass(frozen=True, slots=True, eq=False)
class SpandrelNetwork:
    """A restorer around any network of spandrel's; what it returns has the size it was given."""

    card: Card  # what a person must know
    network: ImageModelDescriptor[Any]  # spandrel's descriptor, on the device of ``placement``
    # Side in pixels of the squares that the network takes: faces of other sizes are resampled to it
    # and back. None for networks that take any size.
    side: int | None = None
    # For networks of any size: the picture is reduced by this first (the mean of pixels), as suits
    # a super-resolver, which was trained on small pictures
    shrink: int = 1
    # CodeFormer's weight of the input's features, 0 to 1; other networks have none
    fidelity: float = FIDELITY
    # Where it computes, and how many faces of one size at once; tiles go through one by one
    placement: Placement = HERE

    def placed(self, placement: Placement) -> SpandrelNetwork:
        """Return the same restorer on another device; see `DeviceRestorer`."""
        if placement.device == self.placement.device:
            return replace(self, placement=placement)
        network = copy.deepcopy(self.network)
        network.to(placement.device)
        return replace(self, network=network, placement=placement)

    def computed_for(self, faces: Sequence[Image]) -> int:
        """Return their number, those of each size filled up to whole batches; tiled ones are not.

        See `zoo.restorers.placement.DeviceRestorer`.
        """
        return sum(
            len(alike) if self._is_tiled(alike[0]) else filled_up(len(alike), self.placement.batch)
            for alike in _of_equal_size(faces)
        )

    def restore(
        self,
        faces: Sequence[Image],
        masks: Sequence[NDArray[np.float32] | None] | None = None,
        plans: Sequence[Plan | None] | None = None,
    ) -> list[Image]:
        """Return the faces as the network restores them, of the same sizes.

        Raises
        ------
        RestorationError
            A face that is not square for a network that takes squares, or a result that is not
            finite or has another size than the network's description says.
        """
        for face in faces:
            self._check(face)
        restored: list[Image] = []
        for alike in _of_equal_size(faces):
            restored += self._of_one_size(alike)
        return restored

    def _check(self, face: Image) -> None:
        height, width = check_face(face).shape[:2]
        if self.side is not None and height != width:
            raise RestorationError(
                f"{self.card.name} takes square faces, this one has {height} × {width} pixels: "
                "align it first"
            )

    def _is_tiled(self, face: Image) -> bool:
        height, width = face.shape[:2]
        return self.side is None and self.shrink == 1 and height * width > _WHOLE

    def _of_one_size(self, faces: list[Image]) -> list[Image]:
        if self._is_tiled(faces[0]):
            return [in_tiles(face, lambda tile: self._levels([tile])[0], _TILING) for face in faces]
        batches = filled_batches(faces, self.placement.batch)
        levels = [each for batch, count in batches for each in self._levels(batch)[:count]]
        return [np.clip(np.rint(each), 0, 255).astype(np.uint8) for each in levels]

    def _levels(self, faces: Sequence[Image]) -> list[NDArray[np.float32]]:
        """Return float32 levels, (height, width, 3), of the pictures' own size; all have one."""
        height, width = faces[0].shape[:2]
        size = self.side, self.side
        if self.side is None:
            size = max(1, round(height / self.shrink)), max(1, round(width / self.shrink))
        taken = [resized(face.astype(np.float32), size) for face in faces]  # type: ignore[arg-type]
        restored = _batch_through(
            self.network, taken, self.card.name, self.fidelity, self.placement.device
        )
        return [resized(each, (height, width)) for each in restored]


def _of_equal_size(faces: Sequence[Image]) -> Iterator[list[Image]]:
    """Yield runs of faces that have one size."""
    for _, alike in itertools.groupby(faces, lambda face: face.shape):
        yield list(alike)


def levels_through(
    network: ImageModelDescriptor[Any],
    levels: NDArray[np.float32],
    name: str,
    *,
    fidelity: float = FIDELITY,
) -> NDArray[np.float32]:
    """Return a picture as the network gives it on the CPU, larger by the network's scale.

    Deterministic: GFPGAN's noise is that of its weights, and what other networks draw comes
    from a generator seeded here and put back as it was.

    Parameters
    ----------
    levels
        float32 (height, width, 3), RGB, 0 to 255.
    name
        What errors call the network.
    fidelity
        See `SpandrelNetwork`.

    Returns
    -------
    ndarray
        float32 (height · scale, width · scale, 3), 0 to 255, not rounded.

    Raises
    ------
    RestorationError
        It cannot take the size, or returned another size or values that are not finite.
    """
    (restored,) = _batch_through(network, [levels], name, fidelity, CPU)
    return restored


def _batch_through(
    network: ImageModelDescriptor[Any],
    levels: Sequence[NDArray[np.float32]],
    name: str,
    fidelity: float,
    device: str,
) -> list[NDArray[np.float32]]:
    """Do what `levels_through` does for several pictures of one size, on a device."""
    planes = [np.ascontiguousarray(each.transpose(2, 0, 1)) / np.float32(255.0) for each in levels]
    output, drew = forwarded(network, np.stack(planes), name, fidelity, device)
    if drew and len(levels) > 1:
        # Its neighbours would decide what a picture is given of that.
        alone = [forwarded(network, each[None], name, fidelity, device)[0] for each in planes]
        output = np.concatenate(alone)
    height, width = (side * network.scale for side in levels[0].shape[:2])
    if output.shape != (len(levels), 3, height, width):
        raise RestorationError(f"{name} returned a picture of another size: not used")
    if not np.isfinite(output).all():
        raise RestorationError(f"{name} returned values that are not finite: use other weights")
    scaled = np.clip(output, 0.0, 1.0) * np.float32(255.0)
    return [np.ascontiguousarray(each.transpose(1, 2, 0), dtype=np.float32) for each in scaled]


def resized(levels: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return float32 levels at ``(height, width)``: area means down, OpenCV's bicubic up."""
    height, width = size
    if levels.shape[:2] == size:
        return levels
    smaller = height * width < levels.shape[0] * levels.shape[1]
    way = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(levels, (width, height), interpolation=way), np.float32)

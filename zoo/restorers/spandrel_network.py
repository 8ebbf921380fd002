"""Run a network that spandrel describes on a picture, in the range and the size it was made for.

spandrel feeds levels in [0, 1]. Some networks were trained on [-1, 1]; they are fed here, past
spandrel's own call. Nothing here reads a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from degrade.errors import UserError
from degrade.planning import Plan
from zoo.portrait.tiles import Tiling, in_tiles
from zoo.restorer import Card, Image
from zoo.restorers.face_by_face import restore_each

if TYPE_CHECKING:
    from spandrel import ImageModelDescriptor
    from torch import Tensor

__all__ = ["FIDELITY", "RestorationError", "SpandrelNetwork", "levels_through", "resized"]

FIDELITY = 0.5
"""CodeFormer's ``w`` where none is asked for: its authors' default (inference_codeformer.py)."""

_WHOLE = 512 * 512
"""Pictures of more pixels go through a network for any size in tiles: its memory is bounded."""
_TILING = Tiling(side=256, margin=32, feather=32)


class RestorationError(UserError):
    """A network that cannot take this picture, or returned what is no picture."""


@dataclass(frozen=True, slots=True, eq=False)
class SpandrelNetwork:
    """A restorer around any network of spandrel's; what it returns has the size it was given.

    Attributes
    ----------
    card
        What a person must know.
    network
        spandrel's descriptor, on the CPU.
    side
        Side in pixels of the squares that the network takes: faces of other sizes are resampled
        to it and back. None for networks that take any size.
    shrink
        For networks of any size: the picture is reduced by this first (the mean of pixels), as
        suits a super-resolver, which was trained on small pictures.
    fidelity
        CodeFormer's weight of the input's features, 0 to 1; other networks have none.
    """

    card: Card
    network: ImageModelDescriptor[Any]
    side: int | None = None
    shrink: int = 1
    fidelity: float = FIDELITY

    def restore(
        self,
        faces: Sequence[Image],
        masks: Sequence[NDArray[np.float32] | None] | None = None,
        plans: Sequence[Plan | None] | None = None,
    ) -> list[Image]:
        """Return the faces as the network restores them, each alone, of the same size.

        Raises
        ------
        RestorationError
            A face that is not square for a network that takes squares, or a result that is not
            finite or has another size than the network's description says.
        """
        return restore_each(faces, self._restore)

    def _restore(self, face: Image) -> Image:
        height, width = face.shape[:2]
        if self.side is not None and height != width:
            raise RestorationError(
                f"{self.card.name} takes square faces, this one has {height} × {width} pixels: "
                "align it first"
            )
        if self.side is None and self.shrink == 1 and height * width > _WHOLE:
            return in_tiles(face, self._at_own_size, _TILING)
        levels = self._at_own_size(face)
        return np.clip(np.rint(levels), 0, 255).astype(np.uint8)

    def _at_own_size(self, face: Image) -> NDArray[np.float32]:
        """Return float32 levels, (height, width, 3), of the picture's own size."""
        height, width = face.shape[:2]
        size = self.side, self.side
        if self.side is None:
            size = max(1, round(height / self.shrink)), max(1, round(width / self.shrink))
        taken = resized(face.astype(np.float32), size)  # type: ignore[arg-type]
        restored = levels_through(self.network, taken, self.card.name, fidelity=self.fidelity)
        return resized(restored, (height, width))


def levels_through(
    network: ImageModelDescriptor[Any],
    levels: NDArray[np.float32],
    name: str,
    *,
    fidelity: float = FIDELITY,
) -> NDArray[np.float32]:
    """Return a picture as the network gives it, larger by the network's scale.

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
    import torch

    planes = np.ascontiguousarray(levels.transpose(2, 0, 1)) / np.float32(255.0)
    tensor = torch.from_numpy(planes)
    # A network for grey pictures sees the three channels one after another.
    parts = tensor[None] if network.input_channels == 3 else tensor[:, None]
    forward = _FORWARD.get(str(network.architecture.id), _as_spandrel)
    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)  # of the CPU alone; other devices' stay
        try:
            restored = torch.cat([forward(network, part[None], fidelity) for part in parts])
        except RuntimeError as error:
            height, width = levels.shape[:2]
            reason = str(error).splitlines()[0] if str(error) else "no reason given"
            raise RestorationError(
                f"{name} cannot take {height} × {width} pixels: {reason}"
            ) from error
    height, width = (side * network.scale for side in levels.shape[:2])
    found = restored.float().numpy().reshape(-1, *restored.shape[-2:])
    if found.shape != (3, height, width):
        raise RestorationError(f"{name} returned a picture of another size: not used")
    if not np.isfinite(found).all():
        raise RestorationError(f"{name} returned values that are not finite: use other weights")
    scaled = np.clip(found, 0.0, 1.0) * np.float32(255.0)
    return np.ascontiguousarray(scaled.transpose(1, 2, 0), dtype=np.float32)


def resized(levels: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return float32 levels at ``(height, width)``: area means down, OpenCV's bicubic up."""
    height, width = size
    if levels.shape[:2] == size:
        return levels
    smaller = height * width < levels.shape[0] * levels.shape[1]
    way = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(levels, (width, height), interpolation=way), np.float32)


Forward = Callable[["ImageModelDescriptor[Any]", "Tensor", float], "Tensor"]
"""A network, (1, channels, height, width) in [0, 1] and a fidelity to a picture in [0, 1]."""


def _as_spandrel(network: ImageModelDescriptor[Any], picture: Tensor, fidelity: float) -> Tensor:
    restored: Tensor = network(picture)
    return restored


# The four below were trained on [-1, 1], in and out: `normalize(face, (0.5,) * 3, (0.5,) * 3)` and
# `tensor2img(..., min_max=(-1, 1))` in GFPGAN's gfpgan/utils.py and CodeFormer's
# inference_codeformer.py; `output * 0.5 + 0.5` in MixDehazeNet's predict.py, whose output is its
# input and a correction. spandrel 0.4.2 feeds GFPGAN, CodeFormer and MixDehazeNet [0, 1], and
# takes what the first two return for [0, 1] as well; it is right about RestoreFormer, which is
# fed here all the same, so that none depends on spandrel's version.


def _gfpgan(network: ImageModelDescriptor[Any], picture: Tensor, fidelity: float) -> Tensor:
    # The noise stored with the weights, instead of a fresh draw at every call.
    restored: Tensor = network.model(picture * 2 - 1, return_rgb=False, randomize_noise=False)[0]
    return (restored + 1) / 2


def _codeformer(network: ImageModelDescriptor[Any], picture: Tensor, fidelity: float) -> Tensor:
    restored: Tensor = network.model(picture * 2 - 1, weight=fidelity)[0]
    return (restored + 1) / 2


def _restoreformer(network: ImageModelDescriptor[Any], picture: Tensor, fidelity: float) -> Tensor:
    restored: Tensor = network.model(picture * 2 - 1)[0]
    return (restored + 1) / 2


def _mixdehazenet(network: ImageModelDescriptor[Any], picture: Tensor, fidelity: float) -> Tensor:
    import torch

    height, width = picture.shape[-2:]
    more_wide, more_high = network.size_requirements.get_padding(width, height)
    padded = torch.nn.functional.pad(picture, (0, more_wide, 0, more_high), mode="replicate")
    restored: Tensor = network.model(padded * 2 - 1)
    return (restored[..., :height, :width] + 1) / 2


_FORWARD: Mapping[str, Forward] = MappingProxyType(
    {
        "GFPGAN": _gfpgan,
        "CodeFormer": _codeformer,
        "RestoreFormer": _restoreformer,
        "MixDehazeNet": _mixdehazenet,
    }
)

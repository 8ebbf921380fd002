"""Clean the background by anybody's network: a file of weights whose architecture spandrel knows.

The file is read in ways that cannot run code. What the network invents there is its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from degrade.errors import UserError
from zoo.registry.user import added_network, verified_weights
from zoo.restorer import Image
from zoo.restorers.face_by_face import check_face
from zoo.restorers.spandrel.architectures import architecture_facts
from zoo.restorers.spandrel.network import levels_through, resized
from zoo.restorers.spandrel.weights import SUFFIXES, read_network
from zoo.restorers.tiles import Progress, Tiling, in_tiles
from zoo.weights.files import KNOWN_WEIGHTS, locate
from zoo.weights.licences import require_consent

if TYPE_CHECKING:
    from spandrel import ImageModelDescriptor

__all__ = ["BackgroundModel", "BackgroundModelError", "load_background_model"]

_LARGEST_SCALE = 4
_TILING = Tiling(side=256, margin=32, feather=32)
"""Small, since a network holds some hundred planes of a tile at once."""


class BackgroundModelError(UserError):
    """A name or a file of which no background can be made."""


@dataclass(frozen=True, slots=True, eq=False)
class BackgroundModel:
    """A network for whole photos; call it with a photo and a strength."""

    path: Path  # where it came from
    network: ImageModelDescriptor[Any]  # spandrel's descriptor

    @property
    def architecture(self) -> str:
        """Return the architecture's name, such as ``SCUNet``."""
        return str(self.network.architecture.name)

    @property
    def scale(self) -> int:
        """Return by how much it enlarges, 1 to 4; what it returns is reduced again."""
        return int(self.network.scale)

    @property
    def notice(self) -> str:
        """Return what a person must know before using it, one sentence."""
        facts = architecture_facts(str(self.network.architecture.id))
        return (
            f"{self.path.name} is a {self.architecture} network (scale {self.scale}); licence of "
            f"the architecture: {facts.licence_code}; the licence of the weights is for you to "
            "look up where they came from"
        )

    def __call__(
        self, photo: Image, strength: float = 1.0, *, on_progress: Progress | None = None
    ) -> Image:
        """Return the photo as the network cleans it, tile by tile, of the same size.

        Parameters
        ----------
        photo
            uint8 (height, width, 3) RGB; not written to.
        strength
            The share of the change, from 0 (the photo, exactly) to 1.
        on_progress
            Called with the tiles done and in all.

        Raises
        ------
        RestorationError
            The network returned values that are not finite, or another size than it says.
        """
        check_face(photo)
        if not 0.0 <= strength <= 1.0:
            raise ValueError(f"the strength is a number from 0 to 1, not {strength:g}")
        if strength == 0.0:
            return photo.copy()

        def work(tile: Image) -> NDArray[np.float32]:
            before = tile.astype(np.float32)
            return before + np.float32(strength) * (self._restored(before) - before)

        return in_tiles(photo, work, _TILING, on_progress)

    def _restored(self, tile: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the tile, float32 levels, through the network and back at its own size."""
        large = levels_through(self.network, tile, str(self.path))
        # The mean over whole pixels: antialiased, and centred as the photo is.
        return resized(large, (tile.shape[0], tile.shape[1]))


def load_background_model(path: Path) -> BackgroundModel:
    """Read a network for backgrounds; all reading from disk happens here.

    Parameters
    ----------
    path
        A ``.safetensors``, ``.pth`` or ``.ckpt`` file of an architecture that spandrel knows:
        1× denoisers, deblurrers and JPEG cleaners, or super-resolution up to 4×. Or the name of
        such a network that was added by ``zoo add``.

    Raises
    ------
    BackgroundModelError
        No such file or name, or a network for something else.
    NetworkFileError
        Another kind of file, or one that holds no network.
    ConsentError
        An architecture whose licence must be agreed to first.
    WeightsRefused
        The file is damaged, or would run code when opened.
    DependencyError
        spandrel is not installed.
    """
    path = _file_of(path)
    network = read_network(path)
    if network.purpose == "FaceSR":
        raise BackgroundModelError(
            f"{path} is a network for faces, not for whole photos: take one for restoration or "
            "super-resolution"
        )
    if network.scale > _LARGEST_SCALE:
        raise BackgroundModelError(
            f"{path} enlarges by {network.scale}: a background takes 1 to {_LARGEST_SCALE} times"
        )
    architecture = str(network.architecture.id)
    require_consent(architecture_facts(architecture).consent, f"{path}, a {architecture} network,")
    return BackgroundModel(path, network)


def _file_of(path: Path) -> Path:
    """Return the file itself, or that of the network which was added under this name."""
    if path.is_file():
        return path
    if str(path) in KNOWN_WEIGHTS and KNOWN_WEIGHTS[str(path)].filename.endswith(SUFFIXES):
        return locate(KNOWN_WEIGHTS[str(path)])
    added = added_network(str(path))
    if added is None:
        raise BackgroundModelError(
            f"no background is called {str(path)!r}, nor is a file there: choose none, clean, the "
            "path of a model, or the name of one added by `zoo add`"
        )
    return verified_weights(added)

"""Clean the background by anybody's network: a file of weights whose architecture spandrel knows.

The file is read in ways that cannot run code. What the network invents there is its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from degrade.errors import DependencyError, UserError
from zoo.portrait.tiles import Progress, Tiling, in_tiles
from zoo.restorer import Image
from zoo.restorers.face_by_face import check_face
from zoo.weights import load_checkpoint, load_safetensors

if TYPE_CHECKING:
    from spandrel import ImageModelDescriptor

__all__ = ["BackgroundModel", "BackgroundModelError", "load_background_model"]

_SUFFIXES = (".safetensors", ".pth", ".ckpt")
_LARGEST_SCALE = 4
_TILING = Tiling(side=256, margin=32, feather=32)
"""Small, since a network holds some hundred planes of a tile at once."""


class BackgroundModelError(UserError):
    """A file that holds no network which can clean a background."""


@dataclass(frozen=True, slots=True, eq=False)
class BackgroundModel:
    """A network for whole photos; call it with a photo and a strength.

    Attributes
    ----------
    path
        Where it came from.
    network
        spandrel's descriptor.
    """

    path: Path
    network: ImageModelDescriptor[Any]

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
        return (
            f"{self.path.name} is a {self.architecture} network (scale {self.scale}): spandrel "
            "carries architectures under permissive licences alone (MIT, Apache 2.0, public "
            "domain); the licence of the weights is for you to look up where they came from"
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
        BackgroundModelError
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
        import torch

        height, width = tile.shape[:2]
        levels = torch.from_numpy(np.ascontiguousarray(tile.transpose(2, 0, 1))) / 255.0
        # A network for grey pictures sees the three channels one after another.
        parts = levels[None] if self.network.input_channels == 3 else levels[:, None]
        restored = torch.cat([self.network(part[None]) for part in parts])
        planes = restored.numpy().reshape(-1, *restored.shape[-2:])
        if planes.shape != (3, height * self.scale, width * self.scale):
            raise BackgroundModelError(f"{self.path} returned a picture of another size: not used")
        if not np.isfinite(planes).all():
            raise BackgroundModelError(
                f"{self.path} returned values that are not finite: use other weights"
            )
        large = np.ascontiguousarray(planes.transpose(1, 2, 0)) * np.float32(255.0)
        if self.scale == 1:
            return np.asarray(large, np.float32)
        # The mean over whole pixels: antialiased, and centred as the photo is.
        small = cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.float32)


def load_background_model(path: Path) -> BackgroundModel:
    """Read a network for backgrounds; all reading from disk happens here.

    Parameters
    ----------
    path
        A ``.safetensors``, ``.pth`` or ``.ckpt`` file of an architecture that spandrel knows:
        1× denoisers, deblurrers and JPEG cleaners, or super-resolution up to 4×.

    Raises
    ------
    BackgroundModelError
        No such file, another kind of file, or a network for something else.
    WeightsRefused
        The file is damaged, or would run code when opened.
    DependencyError
        spandrel is not installed.
    """
    if not path.is_file():
        raise BackgroundModelError(
            f"no background is called {str(path)!r}, nor is a file there: choose none, clean, or "
            "the path of a model"
        )
    if path.suffix.lower() not in _SUFFIXES:
        raise BackgroundModelError(
            f"{path} is no model: a background takes {', '.join(_SUFFIXES)} files"
        )
    network = _identified(path, _read(path))
    network.eval()
    return BackgroundModel(path, network)


def _read(path: Path) -> dict[str, Any]:
    """Return the state dict, out of what trainers wrap it in."""
    try:
        import spandrel
    except ImportError as error:
        raise DependencyError(
            "spandrel is not installed: run `pip install 'relume[zoo]'`"
        ) from error
    content: Any = (
        load_safetensors(path) if path.suffix.lower() == ".safetensors" else load_checkpoint(path)
    )
    if not isinstance(content, dict):
        raise BackgroundModelError(f"{path} holds no state dict: not loaded")
    unwrapped: dict[str, Any] = spandrel.canonicalize_state_dict(content)
    return unwrapped


def _identified(path: Path, state: dict[str, Any]) -> ImageModelDescriptor[Any]:
    """Return the network that the weights belong to, if it can clean a photo."""
    import spandrel

    try:
        network = spandrel.ModelLoader(device="cpu").load_from_state_dict(state)
    except spandrel.UnsupportedModelError as error:
        raise BackgroundModelError(
            f"{path} is of no architecture that spandrel {_version()} knows: take another model"
        ) from error
    except (RuntimeError, KeyError, ValueError) as error:
        # What its detectors and torch raise for weights that miss parts.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BackgroundModelError(f"{path} does not fit its architecture: {reason}") from error
    if not isinstance(network, spandrel.ImageModelDescriptor) or network.purpose == "FaceSR":
        raise BackgroundModelError(
            f"{path} is a network for {network.purpose}, not for whole photos: take one for "
            "restoration or super-resolution"
        )
    channels = network.input_channels, network.output_channels
    if channels not in ((3, 3), (1, 1)) or not 1 <= network.scale <= _LARGEST_SCALE:
        raise BackgroundModelError(
            f"{path} takes {channels[0]} channels, gives {channels[1]} and enlarges by "
            f"{network.scale}: a background takes grey or RGB both ways, and 1 to 4 times"
        )
    return network


def _version() -> str:
    from importlib.metadata import version

    return version("spandrel")

"""The parsing masks that restorers are given with aligned faces: none, right ones or wrong ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.suite.suite import SuiteError
from degrade.dataset.keys import pair_key
from degrade.dataset.sources import ImageSource
from degrade.errors import ImageError
from zoo.portrait.align.alignment import template_of
from zoo.portrait.parse.mesh_parser import MeshParser, load_mesh_parser

__all__ = ["Masks", "open_masks"]


@dataclass(frozen=True, slots=True)
class Masks:
    """Makes the mask of each face of a data set.

    Attributes
    ----------
    kind
        ``right`` (of the clean face), ``wrong-face`` (of the next face in the alphabet, clean) or
        ``predicted`` (of the degraded face, as users have it).
    parser
        Makes the masks.
    source
        The clean faces.
    """

    kind: str
    parser: MeshParser
    source: ImageSource

    def of(
        self, photograph: str, hq: NDArray[np.uint8], lq: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Return the mask for a face, ``(19, size, size)`` float32.

        Parameters
        ----------
        photograph
            Its name, as `bench.store.images.photographs` gives it.
        hq, lq
            uint8 (size, size, 3) RGB: the clean face, and the degraded one as the restorer gets it.
        """
        face = {"right": hq, "predicted": lq}.get(self.kind)
        if face is None:
            face = self._next_face(photograph)
        return self.parser.parse(face).probabilities

    def _next_face(self, photograph: str) -> NDArray[np.uint8]:
        keys = sorted(self.source.keys, key=lambda key: pair_key(key, 0, 1))
        names = [pair_key(key, 0, 1) for key in keys]
        start = names.index(photograph) + 1
        for key in [*keys[start:], *keys[: start - 1]]:
            try:
                return self.source.read(key)
            except ImageError:
                continue
        raise ImageError(f"{self.source.name} holds no other face that can be read")


def open_masks(kind: str, source: ImageSource) -> Masks | None:
    """Return the masks of a data set of aligned faces; None for the kind ``none``.

    Raises
    ------
    SuiteError
        The weights of the face mesh are not on this machine, or the set has one face and the
        masks are to be those of others.
    UserError
        The file that says how the faces are aligned is damaged.
    """
    if kind == "none":
        return None
    if kind == "wrong-face" and len(source.keys) < 2:
        raise SuiteError(
            f"{source.name} has one face, and a wrong face's mask needs two: add faces"
        )
    folder = source.storage.local
    parser = load_mesh_parser("tight" if folder is None else template_of(Path(folder)))
    if not isinstance(parser, MeshParser):
        raise SuiteError(
            "masks are made by the face mesh, whose weights are not here: run `zoo fetch "
            "face-mesh`, or run with --masks none"
        )
    return Masks(kind, parser, source)

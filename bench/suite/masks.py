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


@dataclass(frozen=True, slots=True)
class Masks:
    """Makes the mask of each face of a data set, of a kind that `Suite` explains."""

    kind: str
    parser: MeshParser
    source: ImageSource

    def of(
        self, photograph: str, hq: NDArray[np.uint8], lq: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Return a face's mask, ``(19, size, size)`` float32, of uint8 (size, size, 3) RGB halves.

        ``photograph`` is its name, as `bench.store.images.photographs` gives it.
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

    SuiteError where the weights of the face mesh are not on this machine, or the set has one face
    and the masks are to be those of others; UserError for a damaged alignment file.
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

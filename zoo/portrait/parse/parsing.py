"""What a parsing mask is, and the parsers that make one, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from degrade.errors import UserError
from degrade.lazy import load_attribute
from zoo.labels import LABELS
from zoo.restorer import Image

__all__ = ["LABELS", "PARSERS", "FaceMask", "Parser", "load_parser"]

_PARSE = "zoo.portrait.parse"
_LOADERS: Mapping[str, str] = MappingProxyType(
    {
        "template": f"{_PARSE}.template_parser:TemplateParser",
        "mesh": f"{_PARSE}.mesh_parser:load_mesh_parser",
        "bisenet": f"{_PARSE}.network_parser:load_bisenet_parser",
    }
)
PARSERS = tuple(_LOADERS)


@dataclass(frozen=True, slots=True, eq=False)
class FaceMask:
    """Which region each pixel of an aligned crop belongs to."""

    # ``(19, height, width)`` float32 in the order of `LABELS`; sums to 1 over the regions
    probabilities: NDArray[np.float32]
    confidence: float  # how far to trust the mask, 0 to 1; see `zoo.portrait.parse.mask_confidence`
    parser: str  # the name of the parser that made it
    # What a person must be told of it, such as why it is not the mask that was asked for; or the
    # empty string
    note: str = ""


class Parser(Protocol):
    """Anything that says which region each pixel of an aligned crop belongs to."""

    @property
    def name(self) -> str:
        """Its name, such as ``template``."""

    def parse(self, crop: Image) -> FaceMask:
        """Return the mask of an aligned crop, uint8 (size, size, 3) RGB, of the same size."""


def load_parser(name: str, template: str = "ffhq", *, offline: bool | None = None) -> Parser:
    """Return the parser called ``name`` for crops aligned to ``template``.

    Parameters
    ----------
    name
        ``template``, the mean mask; ``mesh``, from the face mesh and colours, which is the
        template where the mesh's weights are not on this machine; or ``bisenet``, the published
        network, which needs its weights.
    template
        ``ffhq`` or ``tight``.
    offline
        As in `zoo.weights.files.locate`.

    Raises
    ------
    UserError
        A parser or a template of another name.
    WeightsMissing, WeightsRefused, DependencyError
        What the parser needs is not on this machine, or must not be used.
    """
    if name not in _LOADERS:
        raise UserError(f"unknown parser {name!r}: choose {', '.join(PARSERS)}")
    options = {"offline": offline} if name == "bisenet" else {"template": template}
    parser: Parser = load_attribute(_LOADERS[name])(**options)
    return parser

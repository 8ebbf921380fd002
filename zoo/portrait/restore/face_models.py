"""Which restorer a face gets: one for all, or the one that suits its size.

Each restorer comes with the alignment and the parser that it was trained with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.portrait.parse.parsing import Parser, load_parser
from zoo.registry.registry import load, names
from zoo.restorer import Card, Restorer
from zoo.restorers.placement import DeviceRestorer, Placement, parse_device, require_device

__all__ = ["BY_SIZE", "FROM_WIDTH", "FaceModel", "load_face_models", "model_for", "model_of_crop"]

BY_SIZE = "auto"
"""The name that stands for all of `FROM_WIDTH` that are here."""

FROM_WIDTH = {"style-128": 0.0, "style-256": 24.0, "style-512": 200.0}
"""From which width of a face's box, pixels of the result, a restorer is the better one.

``python studies/measure_model_sizes.py``, 24 held-out photos, faces of 24 to 240 pixels, recipes
``gfpgan`` and ``kuaishou``: style-256 has the lower perceptual distance by both judges at every
size; style-128 changes clean faces of 24 pixels less (38.3 and 36.7 dB). style-512 is not trained.
"""


@dataclass(frozen=True, slots=True, eq=False)
class FaceModel:
    """A restorer, and how its faces are cut and parsed."""

    restorer: Restorer
    parser: Parser
    template: str  # ``ffhq`` or ``tight``
    from_width: float = 0.0  # of a face's box, pixels: from here on it is the better one

    @property
    def name(self) -> str:
        """The restorer's name."""
        return self.restorer.card.name


def load_face_models(
    model: str | Restorer,
    *,
    parser: str | Parser = "auto",
    template: str | None = None,
    device: str = "cpu",
    offline: bool | None = None,
) -> tuple[FaceModel, ...]:
    """Load a restorer, or all that `BY_SIZE` chooses from, those for small faces first.

    Parameters
    ----------
    model
        `BY_SIZE`, or as `zoo.registry.registry.load`; or a restorer.
    parser
        By name or an object; ``auto`` takes the one whose masks each was trained with.
    template
        None takes the one each was trained with, ``ffhq`` where any will do.
    device
        ``cpu``, ``cuda``, ``cuda:1``; classical restorers stay on the processor.
    """
    if model == BY_SIZE:
        here = set(names())
        chosen = [(name, width) for name, width in FROM_WIDTH.items() if name in here]
        restorers = [(load(name), width) for name, width in chosen]
    else:
        restorers = [(load(model) if isinstance(model, str) else model, 0.0)]
    parsers: dict[tuple[str, str], Parser] = {}
    models = []
    for restorer, width in restorers:
        card = restorer.card
        chosen_template = template or card.template or "ffhq"
        if isinstance(parser, str):
            key = _parser_for(card) if parser == "auto" else parser, chosen_template
            if key not in parsers:
                parsers[key] = load_parser(*key, offline=offline)
        found = parsers[key] if isinstance(parser, str) else parser
        models.append(FaceModel(_placed(restorer, device), found, chosen_template, width))
    return tuple(models)


def model_for(models: Sequence[FaceModel], width: float) -> FaceModel:
    """Return the model for a face of that width; ``models`` as of `load_face_models`."""
    return next((model for model in reversed(models) if model.from_width <= width), models[0])


def model_of_crop(models: Sequence[FaceModel], side: int) -> FaceModel:
    """Return the smallest model that holds an aligned crop of that side, else the largest."""

    def holds(model: FaceModel) -> bool:
        size = model.restorer.card.input_size
        return size is None or size[0] >= side

    return next((model for model in models if holds(model)), models[-1])


def _placed(restorer: Restorer, device: str) -> Restorer:
    place = parse_device(device)
    if place == "cpu" or not isinstance(restorer, DeviceRestorer):
        return restorer
    require_device(place)
    return restorer.placed(Placement(place))


def _parser_for(card: Card) -> str:
    """Return the name of the parser whose masks are most like those a restorer was trained on."""
    # Networks that learned from masks of 68 landmarks, without hair, do a little worse with the
    # mesh's than with none (style-128: docs/portrait.md).
    return "mesh" if "hair" in card.regions else "template"

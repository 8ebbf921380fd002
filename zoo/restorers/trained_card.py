"""The card of weights that `zoo train` wrote, as far as their header can tell; imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from zoo.labels import LABELS
from zoo.restorer import Card
from zoo.templates import TEMPLATES
from zoo.weights.builtin import RESTORER
from zoo.weights.files import WeightsRefused
from zoo.weights.header import TrainedFile, loss_networks_of

__all__ = ["REGIONS", "card_of_file", "length_of", "training_facts"]

REGIONS = ("skin", "nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip")
"""Labels of the masks that files of earlier versions were trained with;
the face mesh has all of them."""
_OWN_LINES = ("name", "network", "families", "steps", "generator")
"""Keys of a configuration that stand elsewhere on the card."""


@dataclass(frozen=True, slots=True)
class _Design:
    """What the card of a network says of its design; kinds as in `zoo.weights.builtin`."""

    summary: str
    source: str
    kind: str = RESTORER
    limits: str = "Not measured: score it with `bench run`."


_DESIGNS: Mapping[str, _Design] = MappingProxyType(
    {
        "style": _Design(
            "Image → style maps → image: a generator modulated by the face and its mask.",
            "The design of the Kuaishou Y-Tech article; SPADE, Park et al. 2019 (1903.07291).",
        ),
        "unet": _Design(
            "A plain U-Net without a mask, trained with L1: the baseline of the style restorer.",
            "Ronneberger, Fischer and Brox 2015 (1505.04597), residual to the input.",
        ),
        "stylegan2": _Design(
            "Noise → style codes → faces: a generator, for `zoo synth` and the inversions.",
            "Karras et al. 2019 (1812.04948) and 2020 (1912.04958).",
            "generator",
            "Not measured: `bench generator FILE --real FACES`.",
        ),
        "psp": _Design(
            "A face → the style codes of a generator, for psp and stylegan-encoder.",
            "Richardson et al. 2021 (2008.00951); written from the paper.",
            "encoder",
            "Not measured: it is used through the restorers psp and stylegan-encoder.",
        ),
        "descriptor": _Design(
            "A face → 128 numbers: whether a restored face is still that of its image.",
            "ArcFace's loss, Deng et al. 2019 (1801.07698), between two views of an image.",
            "descriptor",
            "Not measured: its cosine is a metric of `bench`.",
        ),
        "parser": _Design(
            "An aligned face, degraded or not → which of 19 regions each pixel belongs to.",
            "A U-Net (Ronneberger et al. 2015, 1505.04597) with group norms; written here.",
            "parser",
            "Not measured: `zoo restore --parser`.",
        ),
    }
)
_UNKNOWN = _Design("A trained network.", "its file does not say")


def card_of_file(file: TrainedFile) -> Card:
    """Return the card of a file of weights, named after the file.

    Raises
    ------
    WeightsRefused
        Its header does not say what size of faces it takes, or names a template that is not known.
    """
    network: Mapping[str, Any] = file.config["network"]
    size, name = network.get("size"), _design_name(file.config)
    if type(size) is not int:
        raise WeightsRefused(
            f"{file.path} does not say what size of faces it takes: it was not written by "
            "`zoo train`"
        )
    if file.template not in TEMPLATES:
        raise WeightsRefused(
            f"{file.path} takes faces aligned as {file.template!r}, which this version of relume "
            "does not know: use the version that wrote it"
        )
    design = _DESIGNS.get(name, _UNKNOWN)
    masked = name == "style" and network.get("masked", True) is True
    own = loss_networks_of(file.config)
    return Card(
        name=file.path.stem,
        kind=design.kind,
        summary=design.summary,
        licence_code="MIT",
        licence_weights="that of the faces it was trained on; the file does not say which",
        source=design.source,
        input_size=(size, size),
        trained_on=f"faces its file does not name, {length_of(file)}",
        loss_networks=tuple(dict.fromkeys([*file.loss_networks, *own])),
        sha256=file.sha256,
        blind=True,
        limits=design.limits,
        template=file.template,
        regions=_regions(file) if masked else (),
    )


def training_facts(file: TrainedFile) -> dict[str, Any]:
    """Return what the header tells of the training, for the long card; tables in one line each."""
    config = file.config
    families = config.get("families")
    facts: dict[str, Any] = {"steps": file.steps, "image passes": _passes(file)}
    if isinstance(families, Mapping):
        facts["recipes"] = ", ".join(f"{name} × {share:g}" for name, share in families.items())
    if file.begun_from:
        facts["begun from weights with sha256"] = file.begun_from
    for name, value in config.items():
        if value and name not in _OWN_LINES:
            facts[name.replace("_", " ")] = _in_one_line(value)
    return facts


def length_of(file: TrainedFile) -> str:
    """Return how long it was trained, in words."""
    before = ", after those of other weights" if file.begun_from else ""
    return f"{file.steps} steps, {_passes(file)} image passes{before}"


def _design_name(config: Mapping[str, Any]) -> str:
    """Return the design of a configuration's network; some have one only and do not name it."""
    design = config["network"].get("design")
    if "augmentation" in config:
        return "descriptor"
    return "parser" if "dice" in config else str(design or "style")


def _regions(file: TrainedFile) -> tuple[str, ...]:
    return REGIONS if file.parser in ("", "none") else LABELS


def _in_one_line(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return ", ".join(f"{key} {_in_one_line(each)}" for key, each in value.items())


def _passes(file: TrainedFile) -> int:
    size = file.config.get("batch_size")
    return file.steps * size if isinstance(size, int) else 0

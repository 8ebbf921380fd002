"""The card of weights that `zoo train` wrote, as far as their header can tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.portrait.align.templates import TEMPLATES
from zoo.portrait.parse.labels import LABELS
from zoo.restorer import Card
from zoo.weights.builtin import RESTORER
from zoo.weights.files import WeightsRefused
from zoo.weights.header import TrainedFile

__all__ = ["REGIONS", "card_of_file", "length_of", "loss_networks_of", "training_facts"]

REGIONS = ("skin", "nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip")
"""Labels of the masks that files of earlier versions were trained with;
the face mesh has all of them."""
_TOLD_APART = ("name", "network", "families", "steps")
_SUMMARIES = {
    "style": "Image → style maps → image: a generator modulated by the face and its mask.",
    "stylegan2": "Noise → style codes → faces: a generator, for `zoo synth`.",
    "psp": "A face → the style codes of a generator.",
    "unet": "A plain U-Net without a mask, trained with L1: the baseline of the style restorer.",
}
_KINDS = {"stylegan2": "generator", "psp": "encoder"}
"""Designs that restore nothing: the kind of their card, see `zoo.weights.builtin`."""
_ADVICE = {
    "generator": "Not measured: `bench generator FILE --real FACES`.",
    "encoder": "Not measured: it is used through the restorers psp and stylegan-encoder.",
}
_SOURCES = {
    "style": "The design of the Kuaishou Y-Tech article; SPADE, Park et al. 2019 (1903.07291).",
    "stylegan2": "Karras et al. 2019 (1812.04948) and 2020 (1912.04958).",
    "psp": "Richardson et al. 2021 (2008.00951).",
    "unet": "Ronneberger, Fischer and Brox 2015 (1505.04597), residual to the input.",
}


def card_of_file(file: TrainedFile) -> Card:
    """Return the card of a file of weights, named after the file.

    Raises
    ------
    WeightsRefused
        Its header does not say what size of faces it takes, or names a template that is not known.
    """
    config = file.config
    network: Mapping[str, Any] = config["network"]
    size, design = network.get("size"), str(network.get("design", "style"))
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
    kind = _KINDS.get(design, RESTORER)
    masked = design == "style" and network.get("masked", True) is True
    return Card(
        name=file.path.stem,
        kind=kind,
        summary=_SUMMARIES.get(design, "A trained network."),
        licence_code="MIT",
        licence_weights="that of the faces it was trained on; the file does not say which",
        source=_SOURCES.get(design, "its file does not say"),
        input_size=(size, size),
        trained_on=f"faces its file does not name, {length_of(file)}",
        loss_networks=tuple(dict.fromkeys([*file.loss_networks, *loss_networks_of(config)])),
        sha256=file.sha256,
        blind=True,
        limits=_ADVICE.get(kind, "Not measured: score it with `bench run`."),
        template=file.template,
        regions=_regions(file) if masked else (),
    )


def _regions(file: TrainedFile) -> tuple[str, ...]:
    return REGIONS if file.parser in ("", "none") else LABELS


def training_facts(file: TrainedFile) -> dict[str, Any]:
    """Return what the header tells of the training, for the long card."""
    config = file.config
    families = config.get("families")
    shares = families if isinstance(families, Mapping) else {}
    facts: dict[str, Any] = {
        "steps": file.steps,
        "image passes": _passes(file),
        "recipes": ", ".join(f"{name} × {share:g}" for name, share in shares.items()),
    }
    if file.begun_from:
        facts["begun from weights with sha256"] = file.begun_from
    others = {name: config[name] for name in config if name not in _TOLD_APART}
    return facts | {name.replace("_", " "): value for name, value in others.items() if value}


def length_of(file: TrainedFile) -> str:
    """Return how long it was trained, in words."""
    before = ", after those of other weights" if file.begun_from else ""
    return f"{file.steps} steps, {_passes(file)} image passes{before}"


def _passes(file: TrainedFile) -> int:
    size = file.config.get("batch_size")
    return file.steps * size if isinstance(size, int) else 0


def loss_networks_of(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the networks that a run's configuration trains against, as `bench` names judges."""
    found = []
    if config.get("perceptual") or config.get("region_style"):
        found.append(str(config.get("perceptual_network", "efficientnet-lite0")))
    identity = config.get("identity")
    if isinstance(identity, Mapping) and identity.get("weight"):
        found.append(Path(str(identity.get("network"))).stem)
    return tuple(found)

"""The card of a descriptor's weights, and putting both among those that Relume brings.

``python -m zoo.training.tasks.embedder.cards RUN/arcface-small.safetensors --hardware "one CPU
core" --date 2026-11-22``; for those who work on Relume.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.networks.faces.face_descriptor import load_descriptor
from zoo.restorer import Card
from zoo.weights.builtin import FOLDER
from zoo.weights.folder import FACES, LICENCE, OPEN, put_in, shipping_command
from zoo.weights.header import TrainedFile, read_trained_file

__all__ = ["KIND", "ship_descriptor"]

KIND = "descriptor"
"""Of its card, see `zoo.weights.builtin`."""
_LICENCE = (
    "Research, non-commercial use: see the file LICENSE beside the weights. It says nothing of "
    "who someone is: it never saw two photographs of one person."
)


def ship_descriptor(
    source: Path, *, hardware: str, date: str, faces: str = FACES, folder: Path = FOLDER
) -> Path:
    """Copy a run's descriptor into the folder, write or renew its card, and return its path.

    What a person wrote on the card stays while the weights are the same.

    Parameters
    ----------
    source
        What `zoo train` wrote.
    hardware, date, faces
        What the file does not know: on what, when (YYYY-MM-DD) and from which faces.
    folder
        Where to.

    Raises
    ------
    WeightsMissing, WeightsRefused
        The file cannot be read, or holds no descriptor.
    """
    file = read_trained_file(source)
    load_descriptor(source)
    name = str(file.config["name"])
    card = _card(file, name, faces)
    training = _training(file, faces, hardware, date)
    return put_in(file, card, training, folder, {"licence": _LICENCE})


def _card(file: TrainedFile, name: str, faces: str) -> Card:
    size = int(file.config["network"]["size"])
    before = ", after those of other weights" if file.begun_from else ""
    return Card(
        name=name,
        kind=KIND,
        summary="A face → 128 numbers: whether a restored face is still that of its photograph.",
        licence_code="MIT",
        licence_weights=LICENCE,
        source="ArcFace's loss, Deng et al. 2019 (1801.07698), between two views of a photograph.",
        input_size=(size, size),
        trained_on=f"{faces}; {file.steps} steps of {file.config['batch_size']} faces{before}",
        loss_networks=(),
        sha256=file.sha256,
        blind=True,
        limits=OPEN,
        template=file.template,
    )


def _training(file: TrainedFile, faces: str, hardware: str, date: str) -> dict[str, Any]:
    told = dict(file.config)
    shares = dict(told.pop("families"))
    recipes = ", ".join(f"{name} × {share:g}" for name, share in shares.items())
    told |= {**told.pop("network"), **told.pop("augmentation")}
    facts: dict[str, Any] = {"steps": file.steps, "recipes": recipes}
    if file.begun_from:
        facts["begun from weights with sha256"] = file.begun_from
    facts |= {
        key.replace("_", " "): value for key, value in told.items() if key not in ("name", "steps")
    }
    return {**facts, "faces": faces, "hardware": hardware, "date": date}


if __name__ == "__main__":
    shipping_command(ship_descriptor, "a descriptor")()

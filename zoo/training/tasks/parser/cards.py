"""The card of a parser's weights, and putting both among those that Relume brings.

``python -m zoo.training.tasks.parser.cards RUN/parse-128.safetensors --hardware "one CPU core"
--date 2026-11-30 --faces "…"``; for those who work on Relume.
"""

from __future__ import annotations

from pathlib import Path

from zoo.portrait.parse.network_parser import load_network_parser
from zoo.registry.trained_card import length_of, training_facts
from zoo.restorer import Card
from zoo.weights.builtin import FOLDER
from zoo.weights.folder import FACES, LICENCE, OPEN, put_in, shipping_command
from zoo.weights.header import TrainedFile, read_trained_file

__all__ = ["KIND", "ship_parser"]

KIND = "parser"
"""Of its card, see `zoo.weights.builtin`."""
_LICENCE = "Research, non-commercial use: see the file LICENSE beside the weights."


def ship_parser(
    source: Path, *, hardware: str, date: str, faces: str = FACES, folder: Path = FOLDER
) -> Path:
    """Copy a run's parser into the folder, write or renew its card, and return its path.

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
        The file cannot be read, or holds no parser.
    """
    file = read_trained_file(source)
    load_network_parser(file)
    training = {**training_facts(file), "faces": faces, "hardware": hardware, "date": date}
    return put_in(file, _card(file, faces), training, folder, {"licence": _LICENCE})


def _card(file: TrainedFile, faces: str) -> Card:
    size = int(file.config["network"]["size"])
    return Card(
        name=str(file.config["name"]),
        kind=KIND,
        summary="An aligned face, degraded or not → which of 19 regions each pixel belongs to.",
        licence_code="MIT",
        licence_weights=LICENCE,
        source="A U-Net (Ronneberger et al. 2015, 1505.04597) with group norms; written here.",
        input_size=(size, size),
        trained_on=f"{faces}; label maps by the parser {file.parser}; {length_of(file)}",
        loss_networks=(),
        sha256=file.sha256,
        blind=True,
        limits=OPEN,
        template=file.template,
    )


if __name__ == "__main__":
    shipping_command(ship_parser, "a parser")()

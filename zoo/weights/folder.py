"""Putting a network's file and its card among those that Relume brings, whatever it is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from degrade.errors import UserError
from degrade.images import atomic_file
from zoo.registry.model_card import ModelCard, card_as_yaml, read_model_card
from zoo.restorer import Card
from zoo.weights.header import TrainedFile

__all__ = ["FACES", "LICENCE", "OPEN", "put_in", "shipping_command"]

FACES = (
    "3 061 aligned faces: UTKFace crops (non-commercial research use) and official portraits of "
    "members of the US Congress (public domain)"
)
"""What the weights of this repository were trained on."""
LICENCE = "research, non-commercial: zoo/weights/LICENSE"
"""Of the weights of this repository."""
OPEN = "Not measured yet."
"""Stands on a card until somebody has measured it."""


def put_in(
    file: TrainedFile,
    card: Card,
    training: Mapping[str, Any],
    folder: Path,
    new: Mapping[str, str] | None = None,
) -> Path:
    """Copy the weights, write or renew their card, and return its path.

    What a person wrote on the card stays while the weights are the same.

    Parameters
    ----------
    file
        The weights.
    card
        Theirs; its limits are those of the card that is there.
    training
        What is told under that heading.
    folder
        Where to.
    new
        Headings that a card of new weights has, besides its figures.
    """
    place = folder / f"{card.name}.yaml"
    before = read_model_card(place) if place.is_file() else None
    more: dict[str, Any] = {"training": dict(training)}
    if before is not None and before.card.sha256 == file.sha256:
        card = replace(card, limits=before.card.limits)
        more = {**before.more, **more}
    else:
        more |= {"figures": OPEN, "what the figures do not show": OPEN, **(new or {})}
    with atomic_file(folder / f"{card.name}.safetensors") as stream:
        stream.write(file.content)
    with atomic_file(place) as stream:
        stream.write(card_as_yaml(ModelCard(card, more)).encode())
    return place


def shipping_command(ship: Callable[..., Path], what: str) -> click.Command:
    """Return the command line of a function that ships ``what``.

    Parameters
    ----------
    ship
        Takes the source, and by keyword hardware, date and faces.
    what
        Such as ``a generator``.
    """

    @click.command(help=f"Put WEIGHTS of {what} among those that Relume brings.")
    @click.argument("source", metavar="WEIGHTS", type=click.Path(path_type=Path))
    @click.option("--hardware", required=True, help="What the run ran on.")
    @click.option("--date", required=True, metavar="YYYY-MM-DD", help="When it ended.")
    @click.option("--faces", default=FACES, help="What it was trained on.")
    def main(source: Path, hardware: str, date: str, faces: str) -> None:
        try:
            click.echo(f"wrote {ship(source, hardware=hardware, date=date, faces=faces)}")
        except UserError as error:
            raise click.ClickException(str(error)) from None

    return main

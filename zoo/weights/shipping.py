"""Put the weights of a finished run among those that Relume brings, with their card.

``python -m zoo.weights.shipping RUN/style-128.safetensors --hardware "two CPU cores" --date
2026-11-22`` copies the weights into ``zoo/weights`` and writes the card beside them. What a person
wrote into a card that is there stays, but what was measured of other weights: that is open again,
unless ``--keep-figures`` says that it holds. For those who work on Relume; everybody else loads a
run's weights by their path.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from degrade.errors import UserError
from degrade.images import atomic_file
from zoo.registry.model_card import ModelCard, card_as_yaml, read_model_card
from zoo.registry.trained_card import card_of_file, length_of, training_facts
from zoo.weights.builtin import FOLDER
from zoo.weights.files import WeightsRefused
from zoo.weights.folder import FACES, LICENCE, OPEN
from zoo.weights.header import TrainedFile, read_trained_file

__all__ = ["ship"]

_MEASURED = ("figures", "what the figures do not show", "known failures")
"""Headings of the long card that hold of one file of weights only, as the card's limits do."""


def ship(
    source: Path,
    *,
    hardware: str,
    date: str,
    faces: str = FACES,
    name: str | None = None,
    folder: Path = FOLDER,
    keep_figures: bool = False,
) -> Path:
    """Copy a run's weights into the folder, write or renew their card, and return its path.

    Parameters
    ----------
    source
        What `zoo train` wrote, see `zoo.training.tasks.restorer.run.export_weights`.
    hardware, date, faces
        What the file does not know: on what, when (YYYY-MM-DD) and with which faces.
    name
        Of the restorer; None takes that of the run's configuration.
    folder
        Where to.
    keep_figures
        Keep what the card says of weights with another sha256 about figures, failures and limits.

    Raises
    ------
    WeightsMissing, WeightsRefused
        The file cannot be read, or holds no network that can be loaded.
    """
    from zoo.restorers.trained import load_network

    file = read_trained_file(source)
    load_network(file)
    name = name or str(file.config.get("name"))
    if Path(name).name != name:
        raise WeightsRefused(f"{name!r}, of {source}, is no name for a file: give another --name")
    place = folder / f"{name}.yaml"
    before = read_model_card(place) if place.is_file() else _new(file, name)
    training = {**training_facts(file), "faces": faces, "hardware": hardware, "date": date}
    told = card_of_file(file)
    stale = before.card.sha256 != file.sha256 and not keep_figures
    more = {**before.more, **(dict.fromkeys(_MEASURED, OPEN) if stale else {})}
    card = replace(
        before.card,
        sha256=file.sha256,
        limits=OPEN if stale else before.card.limits,
        template=told.template,
        regions=told.regions,
        input_size=told.input_size,
        trained_on=f"{faces}; {length_of(file)}",
        loss_networks=told.loss_networks,
    )
    with atomic_file(folder / f"{name}.safetensors") as stream:
        stream.write(file.content)
    with atomic_file(place) as stream:
        text = card_as_yaml(ModelCard(card, {**more, "training": training}))
        stream.write(text.encode())
    return place


def _new(file: TrainedFile, name: str) -> ModelCard:
    """Return the card of a restorer that has none, with its headings to be filled."""
    more: dict[str, Any] = {
        "training": {},
        **dict.fromkeys(_MEASURED, OPEN),
        "licence": (
            "Research, non-commercial use: see the file LICENSE beside the weights. Restored "
            "detail is invented; it is no evidence of who someone is."
        ),
    }
    card = replace(card_of_file(file), name=name, licence_weights=LICENCE, limits=OPEN)
    return ModelCard(card, more)


@click.command()
@click.argument("source", metavar="WEIGHTS", type=click.Path(path_type=Path))
@click.option("--hardware", required=True, help="What the run ran on.")
@click.option("--date", required=True, metavar="YYYY-MM-DD", help="When it ended.")
@click.option("--faces", default=FACES, help="What it was trained on.")
@click.option("--name", help="Of the restorer; without it, that of the run.")
@click.option("--keep-figures", is_flag=True, help="What was measured of other weights holds.")
def main(
    source: Path, hardware: str, date: str, faces: str, name: str | None, keep_figures: bool
) -> None:
    """Put WEIGHTS, which `zoo train` wrote, among those that Relume brings."""
    try:
        card = ship(
            source,
            hardware=hardware,
            date=date,
            faces=faces,
            name=name,
            keep_figures=keep_figures,
        )
        click.echo(f"wrote {card}")
    except UserError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()

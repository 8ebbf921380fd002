"""Put the weights of a finished run among those that Relume brings, with their card.

``python tools/ship_weights.py RUN/style-128.safetensors --hardware "two CPU cores" --date
2026-11-22`` copies the weights of a restorer, generator, encoder, descriptor or parser into
``zoo/weights`` and writes the card beside them. What a person wrote into a card that is there
stays, but what was measured of other weights: that is open again, unless ``--keep-figures`` says
that it holds. For those who work on Relume; everybody else loads a run's weights by their path.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from degrade.errors import UserError
from degrade.images import atomic_file
from zoo.model_card import ModelCard, card_as_yaml, read_model_card
from zoo.restorers.trained_card import card_of_file, length_of, training_facts
from zoo.weights.builtin import FOLDER, weights_path
from zoo.weights.files import WeightsRefused
from zoo.weights.header import TrainedFile, read_trained_file

FACES = (
    "3 061 aligned faces: UTKFace crops (non-commercial research use) and official portraits of "
    "members of the US Congress (public domain)"
)
"""What the weights of this repository were trained on."""
LICENCE = "research, non-commercial: zoo/weights/LICENSE"
"""Of the weights of this repository."""
OPEN = "Not measured yet."
"""Stands on a card until somebody has measured it."""
MEASURED = ("figures", "what the figures do not show", "known failures")
"""Headings of the long card that hold of one file of weights only, as the card's limits do."""
LICENCES = {
    "network": "Restored detail is invented; it is no evidence of who someone is.",
    "descriptor": "It says nothing of who someone is: it never saw two images of one person.",
}
"""What the card's licence heading adds, by kind."""


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
        What `zoo train` wrote.
    hardware, date, faces
        What the file does not know: on what, when (YYYY-MM-DD) and with which faces.
    name
        Of the network; None takes that of the run's configuration.
    folder
        Where to.
    keep_figures
        Keep what the card says of weights with another sha256 about figures, failures and limits.

    Raises
    ------
    WeightsMissing, WeightsRefused
        The file cannot be read, or holds no network that can be loaded.
    """
    file = read_trained_file(source)
    own = card_of_file(file)
    check_loads(file, own.kind)
    name = name or str(file.config.get("name"))
    if Path(name).name != name:
        raise WeightsRefused(f"{name!r}, of {source}, names no file: give another --name")
    path = folder / f"{name}.yaml"
    before = read_model_card(path) if path.is_file() else new_card(file, name)
    stale = before.card.sha256 != file.sha256 and not keep_figures
    open_again = {key: OPEN for key in MEASURED if key in before.more} if stale else {}
    generator = file.config.get("generator")
    drawn = f", and faces drawn by {Path(str(generator)).stem}" if generator else ""
    parser = f"; label maps by the parser {file.parser}" if own.kind == "parser" else ""
    card = replace(
        before.card,
        sha256=file.sha256,
        limits=OPEN if stale else before.card.limits,
        template=own.template,
        regions=own.regions,
        input_size=own.input_size,
        trained_on=f"{faces}{drawn}{parser}; {length_of(file)}",
        loss_networks=own.loss_networks,
    )
    training = {**training_facts(file), "faces": faces, "hardware": hardware, "date": date}
    more = {**before.more, **open_again, "training": training}
    with atomic_file(folder / f"{name}.safetensors") as stream:
        stream.write(file.content)
    with atomic_file(path) as stream:
        stream.write(card_as_yaml(ModelCard(card, more)).encode())
    return path


def check_loads(file: TrainedFile, kind: str) -> None:
    """Raise WeightsRefused where the network of a file cannot be loaded."""
    from zoo.networks.faces.face_descriptor import load_descriptor
    from zoo.portrait.parse.network_parser import load_network_parser
    from zoo.restorers.inversion.psp import load_encoder
    from zoo.restorers.trained import load_network
    from zoo.synthesis.generators import load_generator

    if kind == "encoder":
        generator = Path(str(file.config.get("generator"))).stem
        load_encoder(file, load_generator(weights_path(generator)))
    elif kind == "parser":
        load_network_parser(file)
    elif kind == "network":
        load_network(file)
    else:
        {"generator": load_generator, "descriptor": load_descriptor}[kind](file.path)


def new_card(file: TrainedFile, name: str) -> ModelCard:
    """Return the card of weights that have none, with its headings to be filled."""
    card = replace(card_of_file(file), name=name, licence_weights=LICENCE, limits=OPEN)
    licence = "Research, non-commercial use: see the file LICENSE beside the weights."
    more: dict[str, Any] = {
        "training": {},
        **dict.fromkeys(MEASURED, OPEN),
        "licence": f"{licence} {LICENCES.get(card.kind, '')}".rstrip(),
    }
    return ModelCard(card, more)


@click.command(help=__doc__)
@click.argument("source", metavar="WEIGHTS", type=click.Path(path_type=Path))
@click.option("--hardware", required=True, help="What the run ran on.")
@click.option("--date", required=True, metavar="YYYY-MM-DD", help="When it ended.")
@click.option("--faces", default=FACES, help="What it was trained on.")
@click.option("--name", help="Of the network; without it, that of the run.")
@click.option("--keep-figures", is_flag=True, help="What was measured of other weights holds.")
def main(source: Path, **options: Any) -> None:
    """Ship and say where."""
    try:
        click.echo(f"wrote {ship(source, **options)}")
    except UserError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()

"""The card of a generator's weights, and putting both among those that Relume brings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from degrade.errors import UserError
from degrade.images import atomic_file
from zoo.generating.loading import KIND, load_generator
from zoo.model_card import ModelCard, card_as_yaml, read_model_card
from zoo.restorer import Card
from zoo.shipped import FOLDER
from zoo.shipping import FACES
from zoo.weights_header import TrainedFile, read_trained_file

__all__ = ["ship_generator"]

_OPEN = "Not measured yet."
_ABOUT = {
    "demodulated": (
        "Noise → style codes → faces: StyleGAN2's generator, for `zoo synth` and the inversions.",
        "Karras et al. 2020 (1912.04958), 2020 (2006.06676); written from the papers.",
    ),
    "adain": (
        "Noise → style codes → faces: the StyleGAN of 2019, with AdaIN, for `zoo synth`.",
        "Karras et al. 2019 (1812.04948), without progressive growing; written from the paper.",
    ),
}


def ship_generator(
    source: Path,
    *,
    hardware: str,
    date: str,
    faces: str = FACES,
    name: str | None = None,
    folder: Path = FOLDER,
) -> Path:
    """Copy a run's generator into the folder, write or renew its card, and return its path.

    What a person wrote on the card stays while the weights are the same.

    Parameters
    ----------
    source
        What `zoo train` wrote.
    hardware, date, faces
        What the file does not know: on what, when (YYYY-MM-DD) and from which faces.
    name
        None takes that of the run's configuration.
    folder
        Where to.

    Raises
    ------
    WeightsMissing, WeightsRefused
        The file cannot be read, or holds no generator.
    """
    load_generator(source)
    file = read_trained_file(source)
    name = name or str(file.config["name"])
    place = folder / f"{name}.yaml"
    before = read_model_card(place) if place.is_file() else None
    card = _card(file, name, faces)
    more: dict[str, Any] = {"training": _training(file, faces, hardware, date)}
    if before is not None and before.card.sha256 == file.sha256:
        card = replace(card, limits=before.card.limits)
        more = {**before.more, **more}
    else:
        more |= {"figures": _OPEN, "what the figures do not show": _OPEN}
    with atomic_file(folder / f"{name}.safetensors") as stream:
        stream.write(file.content)
    with atomic_file(place) as stream:
        stream.write(card_as_yaml(ModelCard(card, more)).encode())
    return place


def _card(file: TrainedFile, name: str, faces: str) -> Card:
    network = file.config["network"]
    summary, source = _ABOUT[network["modulation"]]
    shown = file.steps * int(file.config["batch_size"])
    return Card(
        name=name,
        kind=KIND,
        summary=summary,
        licence_code="MIT",
        licence_weights="research, non-commercial: zoo/weights/LICENSE",
        source=source,
        input_size=(network["size"], network["size"]),
        trained_on=f"{faces}; {file.steps} steps, {shown} faces shown",
        loss_networks=(),
        sha256=file.sha256,
        blind=True,
        limits=_OPEN,
        template=file.template,
    )


def _training(file: TrainedFile, faces: str, hardware: str, date: str) -> dict[str, Any]:
    told = {key: value for key, value in file.config.items() if key not in ("name", "network")}
    network = dict(file.config["network"])
    network["channels"] = ", ".join(f"{s}: {w}" for s, w in network["channels"].items())
    facts = {"steps": file.steps, "faces shown": file.steps * int(file.config["batch_size"])}
    facts |= {key.replace("_", " "): value for key, value in told.items() if key != "steps"}
    return {**facts, **network, "faces": faces, "hardware": hardware, "date": date}


@click.command()
@click.argument("source", metavar="WEIGHTS", type=click.Path(path_type=Path))
@click.option("--hardware", required=True, help="What the run ran on.")
@click.option("--date", required=True, metavar="YYYY-MM-DD", help="When it ended.")
@click.option("--faces", default=FACES, help="What it was trained on.")
@click.option("--name", help="Of the generator; without it, that of the run.")
def main(source: Path, hardware: str, date: str, faces: str, name: str | None) -> None:
    """Put WEIGHTS of a generator among those that Relume brings."""
    try:
        place = ship_generator(source, hardware=hardware, date=date, faces=faces, name=name)
        click.echo(f"wrote {place}")
    except UserError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()

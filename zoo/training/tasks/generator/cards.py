"""The card of a generator's weights, and putting both among those that Relume brings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.restorer import Card
from zoo.synthesis.generators import KIND, load_generator
from zoo.weights.builtin import FOLDER
from zoo.weights.folder import FACES, LICENCE, OPEN, put_in, shipping_command
from zoo.weights.header import TrainedFile, read_trained_file

__all__ = ["ship_generator"]

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
    folder
        Where to.

    Raises
    ------
    WeightsMissing, WeightsRefused
        The file cannot be read, or holds no generator.
    """
    load_generator(source)
    file = read_trained_file(source)
    name = str(file.config["name"])
    card = _card(file, name, faces)
    return put_in(file, card, _training(file, faces, hardware, date), folder)


def _card(file: TrainedFile, name: str, faces: str) -> Card:
    network = file.config["network"]
    summary, source = _ABOUT[network["modulation"]]
    shown = file.steps * int(file.config["batch_size"])
    return Card(
        name=name,
        kind=KIND,
        summary=summary,
        licence_code="MIT",
        licence_weights=LICENCE,
        source=source,
        input_size=(network["size"], network["size"]),
        trained_on=f"{faces}; {file.steps} steps, {shown} faces shown",
        loss_networks=(),
        sha256=file.sha256,
        blind=True,
        limits=OPEN,
        template=file.template,
    )


def _training(file: TrainedFile, faces: str, hardware: str, date: str) -> dict[str, Any]:
    told = {key: value for key, value in file.config.items() if key not in ("name", "network")}
    network = dict(file.config["network"])
    network["channels"] = ", ".join(f"{s}: {w}" for s, w in network["channels"].items())
    facts = {"steps": file.steps, "faces shown": file.steps * int(file.config["batch_size"])}
    facts |= {key.replace("_", " "): value for key, value in told.items() if key != "steps"}
    return {**facts, **network, "faces": faces, "hardware": hardware, "date": date}


if __name__ == "__main__":
    shipping_command(ship_generator, "a generator")()

"""The card of an encoder's weights, and putting both among those that Relume brings.

``python -m zoo.training.tasks.encoder.cards RUN/psp-64.safetensors --hardware "one CPU core"
--date 2026-11-22``; for those who work on Relume.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.registry.trained_card import length_of, training_facts
from zoo.restorer import Card
from zoo.restorers.inversion.stored_encoder import GENERATOR_KEY, KIND, load_encoder
from zoo.synthesis.generators import load_generator
from zoo.weights.builtin import FOLDER, weights_path
from zoo.weights.folder import FACES, LICENCE, OPEN, put_in, shipping_command
from zoo.weights.header import TrainedFile, read_trained_file

__all__ = ["ship_encoder"]


def ship_encoder(
    source: Path, *, hardware: str, date: str, faces: str = FACES, folder: Path = FOLDER
) -> Path:
    """Copy a run's encoder into the folder, write or renew its card, and return its path.

    What a person wrote on the card stays while the weights are the same.

    Parameters
    ----------
    source
        What `zoo train` wrote; its generator must be shipped already.
    hardware, date, faces
        What the file does not know: on what, when (YYYY-MM-DD) and from which faces.
    folder
        Where to.

    Raises
    ------
    WeightsMissing, WeightsRefused
        The file cannot be read, holds no encoder, or was trained on other weights than the
        shipped generator's.
    """
    file = read_trained_file(source)
    generator = Path(str(file.config.get("generator"))).stem
    load_encoder(file, load_generator(weights_path(generator)))
    name = str(file.config["name"])
    card = _card(file, name, generator, faces)
    training = {**_facts(file), "faces": faces, "hardware": hardware, "date": date}
    return put_in(file, card, training, folder)


def _card(file: TrainedFile, name: str, generator: str, faces: str) -> Card:
    size = file.config["network"]["size"]
    return Card(
        name=name,
        kind=KIND,
        summary=f"A face → style codes of {generator}, for psp and stylegan-encoder.",
        licence_code="MIT",
        licence_weights=LICENCE,
        source="Richardson et al. 2021 (2008.00951); written from the paper.",
        input_size=(size, size),
        trained_on=f"{faces}, and faces drawn by {generator}; {length_of(file)}",
        loss_networks=file.loss_networks,
        sha256=file.sha256,
        blind=True,
        limits=OPEN,
        template=file.template,
    )


def _facts(file: TrainedFile) -> dict[str, Any]:
    """Return the facts of the training, small tables as one line."""
    facts = training_facts(file)
    facts[GENERATOR_KEY.replace("_", " ")] = file.config[GENERATOR_KEY]
    facts.pop("generator", None)
    return {
        name: ", ".join(f"{key} {each}" for key, each in value.items())
        if isinstance(value, dict)
        else value
        for name, value in facts.items()
    }


if __name__ == "__main__":
    shipping_command(ship_encoder, "an encoder")()

"""What ``bench generator`` does; imported when it is used."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.stats.generated import GeneratorScore as Comparison
    from degrade.dataset.sources import ImageSource
    from zoo.restorer import Image
    from zoo.synthesis.generators import LoadedGenerator

_FACES = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--real", type=_FACES, required=True, help="The aligned faces it learned from.")
@click.option("--held-out", type=_FACES, help="Aligned faces it did not learn from.")
@click.option("--truncation", type=click.FloatRange(0, 1), default=1.0, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def generator(
    model: str,
    real: Path,
    held_out: Path | None,
    truncation: float,
    seed: int,
    as_json: bool,
) -> None:
    """Say how far the faces that MODEL draws are from real ones, as `zoo synth` would draw them.

    Fréchet and kernel distance, precision and recall, on EfficientNet-Lite2's features; each
    beside the same figure of real faces, so that nobody takes a generator for more than it is.
    As many faces are drawn as half of the real ones are.

    \b
    Examples:
      bench generator stylegan2-64 --real faces-64/train --held-out faces-64/val
      bench generator runs/mine/mine.safetensors --real faces-64/train --truncation 0.7
    """
    from bench.stats.generated import describe, halves_comparison, held_out_comparison
    from degrade.dataset.sources import open_source
    from degrade.terminal import Progress
    from zoo.synthesis.drawing import draw_faces
    from zoo.synthesis.generators import load_generator

    loaded = load_generator(model)
    size = loaded.network.config.size
    sets: dict[str, tuple[int, Iterator[Image]]] = {}
    for name, folder in (("real", real), ("held-out", held_out)):
        if folder is not None:
            source = open_source(str(folder))
            sets[name] = (len(source), _fitted(source, size))
    count = max(sets["real"][0] // 2, sets.get("held-out", (0,))[0])
    sets["drawn"] = (count, draw_faces(loaded.network, range(count), seed, truncation))
    features = {}
    for name, (length, faces) in sets.items():
        with Progress(length, f"{name} faces", "face") as shown:
            features[name] = describe(faces, shown.advance)
    table = list(halves_comparison(features["drawn"], features["real"], seed))
    if "held-out" in features:
        table += held_out_comparison(
            features["drawn"], features["real"], features["held-out"], seed
        )
    _tell(loaded, table, truncation, seed, as_json)


def _fitted(source: ImageSource, size: int) -> Iterator[Image]:
    """Yield the faces of a folder at the size of the drawn ones."""
    import cv2
    import numpy as np

    for key in source.keys:
        face = source.read(key)
        if face.shape[0] != size:
            small = cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA)
            face = np.asarray(small, np.uint8)
        yield face


def _tell(
    loaded: LoadedGenerator,
    table: Sequence[Comparison],
    truncation: float,
    seed: int,
    as_json: bool,
) -> None:
    from degrade.terminal import columns

    about = {
        "generator": loaded.name,
        "sha256": loaded.sha256,
        "truncation": truncation,
        "seed": seed,
        "features": "EfficientNet-Lite2, pooled",
    }
    if as_json:
        click.echo(json.dumps({**about, "rows": [asdict(row) for row in table]}, indent=1))
        return
    heads = ("FACES", "AGAINST", "N", "FD", "KD", "PRECISION", "RECALL")
    rows = [heads] + [
        (row.faces, row.against, str(row.count), f"{row.fd:.2f}", f"{row.kd:.4f}",
         f"{row.precision:.2f}", f"{row.recall:.2f}")
        for row in table
    ]  # fmt: skip
    for line in columns(rows):
        click.echo(line)
    click.echo(f"truncation {truncation:g}, seed {seed}; fd grows as n falls, kd does not")

"""Measure quality against the error of the mask.

``python studies/measure_mask_errors.py FACES RESTORER [RESTORER …]``.

FACES is a folder of `zoo align`; a RESTORER is a name or a weights file. Prints one Markdown table
a recipe: the judge's perceptual distance and dlib's identity with the right mask, that of the
clean face, and how much each error of the mask changes both, in per cent and in cosine.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray

import degrade
import zoo
from bench.metrics.identity.identity_dlib import load_identity
from bench.metrics.metric import Sample
from bench.metrics.perceptual.feature_distance import load_perceptual
from degrade.dataset.sources import open_source
from zoo.labels import LABELS, UNKNOWN, label_map, one_hot
from zoo.mean_mask import template_mask
from zoo.portrait.align.alignment import template_of
from zoo.portrait.parse.parsing import Parser, load_parser
from zoo.training.data.mask_errors import dilated, eroded, relabelled, shifted

RECIPES = ("kuaishou-128", "gfpgan-128")
EYES, LIPS = (LABELS.index("l_eye"), LABELS.index("r_eye")), (11, 12)

Mask = NDArray[np.float32]
Draw = Callable[[int], Mask | None]


def errors(
    right: Sequence[NDArray[np.uint8]], lqs: Sequence[np.ndarray], parser: Parser, template: str
) -> dict[str, Draw]:
    """Return what becomes of face i's mask under each error, from none to the worst."""
    maps = torch.from_numpy(np.stack(right))
    order = torch.linspace(0, 1, len(LABELS))[None]
    lost, mistaken = (torch.arange(256, dtype=torch.uint8)[None].clone() for _ in range(2))
    lost[0, [*EYES, *LIPS]] = UNKNOWN
    mistaken[0, [*EYES, *LIPS]] = torch.tensor([*LIPS, *EYES], dtype=torch.uint8)

    def of(change: Callable[[torch.Tensor], torch.Tensor]) -> Draw:
        return lambda i: one_hot(change(maps[i : i + 1])[0].numpy())

    def moved(pixels: int) -> Draw:
        def draw(i: int) -> Mask:
            way = torch.tensor([[(-pixels, pixels)[i % 2], (-pixels, pixels)[i // 2 % 2]]])
            return one_hot(shifted(maps[i : i + 1], way)[0].numpy())

        return draw

    two = torch.tensor([2])
    return {
        "right": lambda i: one_hot(right[i]),
        "predicted from LQ": lambda i: parser.parse(lqs[i]).probabilities,
        **{f"shifted {pixels} px": moved(pixels) for pixels in (1, 2, 4, 8, 16, 32)},
        "eroded 2 px": of(lambda labels: eroded(labels, two)),
        "dilated 2 px": of(lambda labels: dilated(labels, two, order)),
        "eyes and lips dropped": of(lambda labels: relabelled(labels, lost)),
        "eyes and lips swapped": of(lambda labels: relabelled(labels, mistaken)),
        "mean face": lambda i: template_mask(template, right[i].shape[0]),
        "another face's": lambda i: one_hot(right[(i + 1) % len(right)]),
        "none": lambda i: None,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("restorers", nargs="+")
    parser.add_argument("--limit", type=int, default=240)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    source, template = open_source(options.faces), template_of(options.faces)
    parser_of_faces = load_parser("mesh", template)
    keys = source.keys[:: max(1, len(source) // options.limit)][: options.limit]
    hqs = [source.read(key) for key in keys]
    truths = [Sample(hq) for hq in hqs]
    right = [label_map(parser_of_faces.parse(hq).probabilities) for hq in hqs]
    perceptual, identity = load_perceptual(), load_identity()
    for recipe_name in RECIPES:
        recipe = degrade.load_recipe(recipe_name)
        lqs = [
            degrade.apply(
                degrade.plan(recipe, seed=options.seed, image_id=key, size=hq.shape[:2]), hq
            )
            for key, hq in zip(keys, hqs, strict=True)
        ]
        for name in options.restorers:
            restorer = zoo.load(name)
            click.echo(f"\n{name}, {recipe_name}, n = {len(keys)}, seed {options.seed}\n")
            click.echo(
                "| mask | perceptual ↓ | change | identity ↑ | change |\n|---|---|---|---|---|"
            )
            first: tuple[float, float] | None = None
            for error, mask in errors(right, lqs, parser_of_faces, template).items():
                restored = restorer.restore(lqs, masks=[mask(i) for i in range(len(keys))])
                samples = [Sample(face) for face in restored]
                far = np.mean(
                    [perceptual.measure(s, t).value for s, t in zip(samples, truths, strict=True)]
                )
                near = [identity.measure(s, t).value for s, t in zip(samples, truths, strict=True)]
                same = np.mean([value for value in near if value is not None])
                first = first or (far, same)
                click.echo(
                    f"| {error} | {far:.4f} | {100 * (far / first[0] - 1):+.1f} % "
                    f"| {same:.4f} | {same - first[1]:+.4f} |",
                )


if __name__ == "__main__":
    main()

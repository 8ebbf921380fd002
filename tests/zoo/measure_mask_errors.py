"""Quality against the error of the mask: ``measure_mask_errors.py FACES RESTORER [RESTORER …]``.

FACES is a folder of `zoo align`, landmarks included; a RESTORER is a name or a weights file. Prints
one Markdown table a recipe: the judge's perceptual distance and dlib's identity with the right
mask, and how much each error of the mask changes both, in per cent and in cosine.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import numpy as np

import degrade
import zoo
from bench.metrics.identity_dlib import load_identity
from bench.metrics.metric import Sample
from bench.metrics.perceptual_efficientnet import load_perceptual
from degrade.images import read_image
from zoo.portrait.labels import LABELS
from zoo.portrait.landmark_regions import landmark_regions
from zoo.training.alignment import LANDMARKS_FILE
from zoo.training.mask_errors import Mask, dropped_regions, eroded, shifted, swapped
from zoo.training.wrong_masks import predicted_mask

RECIPES = ("kuaishou-128", "gfpgan-128")
EYES, LIPS = (LABELS.index("l_eye"), LABELS.index("r_eye")), (11, 12)

Draw = Callable[[int], Mask | None]


def errors(right: Sequence[Mask], lqs: Sequence[np.ndarray]) -> dict[str, Draw]:
    """Return what becomes of face i's mask under each error, from none to the worst."""
    mean = np.mean(right, axis=0, dtype=np.float32)
    moved = {
        f"shifted {pixels} px": lambda i, pixels=pixels: shifted(
            right[i], (-pixels, pixels)[i % 2], (-pixels, pixels)[i // 2 % 2]
        )
        for pixels in (1, 2, 4, 8, 16, 32)
    }
    return {
        "right": lambda i: right[i],
        "predicted from LQ": lambda i: predicted_mask(lqs[i], "tight"),
        **moved,
        "eroded 2 px": lambda i: eroded(right[i], 2),
        "dilated 2 px": lambda i: eroded(right[i], -2),
        "eyes and lips dropped": lambda i: dropped_regions(right[i], [*EYES, *LIPS]),
        "eyes and lips swapped": lambda i: swapped(
            swapped(right[i], EYES[0], LIPS[0]), EYES[1], LIPS[1]
        ),
        "mean face": lambda i: mean,
        "another face's": lambda i: right[(i + 1) % len(right)],
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
    with np.load(options.faces / LANDMARKS_FILE, allow_pickle=False) as stored:
        landmarks = dict(zip(stored["keys"].tolist(), stored["landmarks"], strict=True))
    keys = sorted(landmarks)[:: max(1, len(landmarks) // options.limit)][: options.limit]
    hqs = [read_image(options.faces / key) for key in keys]
    truths = [Sample(hq) for hq in hqs]
    right = [landmark_regions(landmarks[key], hqs[0].shape[0]) for key in keys]
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
            for error, mask in errors(right, lqs).items():
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

"""Which mask to give a restorer for a photo: ``python studies/measure_given_masks.py FACES``.

FACES holds clean aligned faces, as `zoo align` writes them. Each is degraded, and restored with
the regions that the restorer knows of: the clean face's mask, the degraded face's, the template's
and another face's; and with none. Perceptual distance by EfficientNet-Lite2, never a loss.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

import degrade
import zoo
from bench.metrics.metric import Sample
from bench.metrics.perceptual.feature_distance import load_perceptual
from degrade.images import read_image
from degrade.terminal import progress
from zoo.labels import keep_regions
from zoo.mean_mask import template_mask
from zoo.portrait.parse.parsing import load_parser
from zoo.registry.registry import DEFAULT

Mask = NDArray[np.float32]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--recipe", default="gfpgan-128")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=5)
    return parser.parse_args()


def main() -> None:
    wanted = options()
    model, judge = zoo.load(wanted.model), load_perceptual()
    regions, template = model.card.regions, model.card.template
    parser, recipe = load_parser("mesh", template), degrade.load_recipe(wanted.recipe)
    paths = sorted(wanted.faces.rglob("*.png"))
    paths = paths[:: max(1, len(paths) // wanted.count)][: wanted.count]
    names = [path.relative_to(wanted.faces).as_posix() for path in paths]
    before = parser.parse(read_image(paths[-1])).probabilities
    distances: dict[str, list[float]] = {}
    errors: dict[str, list[float]] = {}
    for name in progress(names, "restoring"):
        hq = read_image(wanted.faces / name)
        side, own = hq.shape[0], parser.parse(hq).probabilities
        plan = degrade.plan(recipe, seed=wanted.seed, image_id=name, size=(side, side))
        lq = degrade.apply(plan, hq)
        masks: dict[str, Mask | None] = {
            "none": None,
            "clean face": keep_regions(own, regions),
            "degraded face": keep_regions(parser.parse(lq).probabilities, regions),
            "template": keep_regions(template_mask(template, side), regions),
            "another face's": keep_regions(before, regions),
        }
        before = own
        restored = model.restore([lq] * len(masks), list(masks.values()))
        truth = Sample(hq)
        for kind, face in zip(masks, restored, strict=True):
            value = judge.measure(Sample(face), truth).value
            assert value is not None
            distances.setdefault(kind, []).append(value)
            error = float(np.mean((face.astype(float) - hq) ** 2))
            errors.setdefault(kind, []).append(10 * np.log10(255**2 / max(error, 1e-9)))
    click.echo(f"{wanted.recipe}, n = {len(names)}; difference to none with 95 % interval")
    for kind, values in distances.items():
        apart = np.subtract(values, distances["none"])
        room = 1.96 * apart.std() / len(apart) ** 0.5
        click.echo(
            f"{kind:24} PSNR {np.mean(errors[kind]):.2f} dB  distance {np.mean(values):.4f}"
            f"  {apart.mean():+.4f} ± {room:.4f}"
        )


if __name__ == "__main__":
    main()

"""Which mask to give a restorer for a photo: ``python tests/zoo/measure_given_masks.py FACES``.

FACES holds clean aligned faces with their ``landmarks68.npz``, as `zoo align` writes them. Each
is degraded, and restored with: the mask of its own clean landmarks, that of landmarks found in
the degraded face, what the parser ``geometric`` makes of the degraded face and of it the regions
that the restorer knows, the same of ``template``, none, and another face's mask. Needs
consent to ibug-68. Perceptual distance by EfficientNet-Lite2, never a loss.
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
from bench.metrics.perceptual_efficientnet import load_perceptual
from degrade.images import read_image
from degrade.terminal import progress
from zoo.portrait.geometric_mask import GeometricParser
from zoo.portrait.labels import place
from zoo.portrait.landmark_regions import landmark_regions
from zoo.portrait.template_mask import template_mask
from zoo.registry import DEFAULT

Mask = NDArray[np.float32]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--recipe", default="gfpgan-128")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=5)
    return parser.parse_args()


def landmarks_of(folder: Path, count: int) -> dict[str, NDArray[np.float32]]:
    with np.load(folder / "landmarks68.npz", allow_pickle=False) as stored:
        found = sorted(zip(stored["keys"].tolist(), stored["landmarks"], strict=True))
    return dict(found[:: max(1, len(found) // count)][:count])


def kept(mask: Mask, regions: tuple[str, ...]) -> Mask:
    known = [place(name) for name in regions]
    result = np.zeros_like(mask)
    result[known] = mask[known]
    return result


def main() -> None:
    wanted = options()
    model, judge = zoo.load(wanted.model), load_perceptual()
    regions, parser = model.card.regions, GeometricParser(model.card.template)
    recipe, landmarks = degrade.load_recipe(wanted.recipe), landmarks_of(wanted.faces, wanted.count)
    names = list(landmarks)
    distances: dict[str, list[float]] = {}
    errors: dict[str, list[float]] = {}
    for number, name in enumerate(progress(names, "restoring")):
        hq = read_image(wanted.faces / name)
        side = hq.shape[0]
        plan = degrade.plan(recipe, seed=wanted.seed, image_id=name, size=(side, side))
        lq = degrade.apply(plan, hq)
        masks: dict[str, Mask | None] = {
            "none": None,
            "own landmarks": landmark_regions(landmarks[name], side),
            "landmarks of the input": landmark_regions(parser.landmarks(lq), side),
            "geometric, its regions": kept(parser.parse(lq).probabilities, regions),
            "template, its regions": kept(template_mask(model.card.template, side), regions),
            "another face's": landmark_regions(landmarks[names[number - 1]], side),
        }
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

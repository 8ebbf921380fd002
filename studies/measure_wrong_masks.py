"""What wrong masks cost: ``python studies/measure_wrong_masks.py FACES MODEL --count 24``.

Faces (aligned as the model's) are degraded and restored without a mask, with the mask of the
degraded face, and with ten wrong ones. A row a mask: mean PSNR less that without, the perceptual
distance over that without, the confidence in the mask, and how far the mask moves the result (root
mean square, of what the model changes without it: median, 95 %).
"""

from __future__ import annotations

from pathlib import Path

import click
import cv2
import numpy as np
import torch

import degrade
import zoo
from degrade.images import decode_image
from zoo.labels import LABELS, label_index, one_hot
from zoo.networks.features.perceptual import UnitFeatures
from zoo.portrait.parse.mask_confidence import mask_confidence
from zoo.portrait.parse.parsing import load_parser


def wrong_masks(mask, other, generator):
    """Return ten masks that do not fit, by name, (19, side, side) each."""
    side = mask.shape[1]
    labels = mask.argmax(axis=0).astype(np.uint8)
    noise = generator.integers(0, len(LABELS), (side, side)).astype(np.uint8)
    blocks = generator.integers(0, len(LABELS), (8, 8)).astype(np.uint8)
    shifted = np.roll(mask, (side // 8, side // 8), axis=(1, 2))

    def all_of(name):
        return one_hot(np.full((side, side), label_index(name), np.uint8))

    return {
        "all hair": all_of("hair"),
        "all skin": all_of("skin"),
        "all background": all_of("background"),
        "all eyes": all_of("l_eye"),
        "permuted labels": mask[(np.arange(len(LABELS)) + 7) % len(LABELS)],
        "inverted": (1 - mask) / (len(LABELS) - 1),
        "upside down": mask[:, ::-1].copy(),
        "moved": shifted,
        "another face's": other,
        "noise": one_hot(noise),
        "blocks": one_hot(cv2.resize(blocks, (side, side), interpolation=cv2.INTER_NEAREST)),
        "labels + 1": one_hot((labels + 1) % len(LABELS)),
    }


@click.command()
@click.argument("faces", type=click.Path(path_type=Path))
@click.argument("model")
@click.option("--count", default=24)
@click.option("--recipe", default="gfpgan-256")
def main(faces, model, count, recipe):
    """Print the table."""
    torch.set_num_threads(1)
    restorer = zoo.load(model)
    judge = UnitFeatures("efficientnet-lite2", 5, torch.device("cpu"))
    parser = load_parser("mesh", restorer.card.template)
    paths = sorted(faces.glob("*.png"))
    paths = paths[:: max(1, len(paths) // count)][:count]
    drawn = degrade.load_recipe(recipe)
    generator = np.random.default_rng(7)
    hq = [decode_image(path.read_bytes(), path.name) for path in paths]
    lq = [
        degrade.apply(degrade.plan(drawn, seed=7, image_id=p.name, size=face.shape[:2]), face)
        for p, face in zip(paths, hq, strict=True)
    ]
    masks = [parser.parse(face).probabilities for face in lq]
    rows = {}

    def tensor(image):
        return torch.from_numpy(np.moveaxis(image, 2, 0)[None].astype(np.float32) / 127.5 - 1)

    @torch.inference_mode()
    def score(result, truth):
        error = np.square(result.astype(float) - truth).mean()
        distance = judge.distance(judge.maps(tensor(result)), judge.maps(tensor(truth)))
        return 10 * np.log10(255**2 / error), float(distance)

    for number, (face, truth, mask) in enumerate(zip(lq, hq, masks, strict=True)):
        (without,) = restorer.restore([face])
        psnr, perceptual = score(without, truth)
        change = np.sqrt(np.square(without.astype(float) - face).mean())
        tried = {"right": mask, **wrong_masks(mask, masks[number - 1], generator)}
        for name, tried_mask in tried.items():
            (result,) = restorer.restore([face], masks=[tried_mask.astype(np.float32)])
            mine = score(result, truth)
            moved = np.sqrt(np.square(result.astype(float) - without).mean()) / max(change, 1)
            sure = mask_confidence(face, tried_mask)
            row = (mine[0] - psnr, mine[1] / perceptual, sure, moved)
            rows.setdefault(name, []).append(row)
    click.echo(f"{len(paths)} faces, {recipe}, {model}: dB, perceptual, confidence, moved")
    for name, row in rows.items():
        db, ratio, sure, moved = np.mean(row, axis=0)
        spread = np.percentile([one[3] for one in row], [5, 95])
        worst = np.min(row, axis=0)[0], np.max(row, axis=0)[1]
        click.echo(
            f"{name:16s} {db:+6.2f} dB  x{ratio:5.3f}  {sure:4.2f}  {moved:5.3f} "
            f"({spread[0]:.3f} to {spread[1]:.3f})  worst {worst[0]:+.2f} dB, x{worst[1]:.2f}"
        )


if __name__ == "__main__":
    main()

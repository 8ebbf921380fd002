"""Draw docs/inversion.md's picture: ``python studies/draw_inversions.py docs/inversion.png``.

Three faces that the generator draws, and scikit-image's astronaut, degraded by ``gfpgan-64``. A
column a face; from the top: degraded, the four restorers, the truth. PSNR of each is printed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import cv2
import numpy as np
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

import degrade
import zoo
from degrade.images import write_png
from zoo.portrait.align.alignment import align
from zoo.portrait.align.warping import extract
from zoo.portrait.detect.detection import load_detector
from zoo.restorers.inversion.entries import GENERATOR
from zoo.synthesis.drawing import draw_faces
from zoo.synthesis.generators import load_generator

RESTORERS = ("psp", "stylegan-encoder", "image2stylegan", "image2stylegan-plan")
SIDE, SHOWN, DRAWN, SEED = 64, 88, 3, 7


def astronaut() -> np.ndarray:
    """Return her face, aligned as the generator's are."""
    photo = data.astronaut()
    face = max(load_detector().detect(photo), key=lambda face: face.box[2] - face.box[0])
    crop = extract(photo, align(face.landmarks, face.scheme, SIDE, "tight"))
    return np.clip(np.rint(crop), 0, 255).astype(np.uint8)


def main() -> None:
    """Restore and draw."""
    network = load_generator(GENERATOR).network
    truths = [*draw_faces(network, range(DRAWN), SEED), astronaut()]
    restorers = [zoo.load(name) for name in RESTORERS]
    recipe = degrade.load_recipe("gfpgan-64")
    columns = []
    for place, truth in enumerate(truths):
        plan = degrade.plan(recipe, seed=SEED, image_id=f"{place}.png", size=truth.shape[:2])
        lq = degrade.apply(plan, truth)
        column = [lq, *(each.restore([lq], None, [plan])[0] for each in restorers), truth]
        told = zip(("input", *RESTORERS), column, strict=False)
        scores = (f"{name} {peak_signal_noise_ratio(truth, image):.1f}" for name, image in told)
        click.echo(f"{place}: {', '.join(scores)} dB")
        columns.append(
            np.vstack(
                [cv2.resize(each, (SHOWN,) * 2, interpolation=cv2.INTER_CUBIC) for each in column]
            )
        )
    write_png(Path(sys.argv[1]), np.hstack(columns))


if __name__ == "__main__":
    main()

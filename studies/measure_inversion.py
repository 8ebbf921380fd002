"""Measure what descent finds of faces that a generator can make: no other error is in the way.

``python studies/measure_inversion.py --count 8``: drawn faces, whole, and under a Gaussian blur
of 2 pixels with the blur told and not. PSNR to the face that was drawn: lowest, median, highest.
"""

from __future__ import annotations

import time

import click
import numpy as np
import torch
from skimage.metrics import peak_signal_noise_ratio

import degrade
import zoo
from degrade.planner.plan import Plan, Step
from zoo.restorers.inversion.entries import GENERATOR
from zoo.synthesis.drawing import draw_faces
from zoo.synthesis.generators import load_generator

BLUR = {"sigma_x": 2.0, "sigma_y": 2.0, "angle": 0.0, "kernel_size": 0}


def told(name: str, found: list[float]) -> None:
    """Print one line."""
    low, middle, high = np.quantile(found, [0, 0.5, 1])
    click.echo(f"{name:34} {low:5.1f}  {middle:5.1f}  {high:5.1f} dB  n = {len(found)}")


@click.command()
@click.option("--count", default=8, show_default=True)
@click.option("--seed", default=21, show_default=True)
def main(count: int, seed: int) -> None:
    """Invert and print."""
    torch.set_num_threads(1)
    blind, oracle = zoo.load("image2stylegan"), zoo.load("image2stylegan-plan")
    faces = list(draw_faces(load_generator(GENERATOR).network, range(count), seed))
    plan = Plan("blur", "0" * 64, 0, "a.png", 0, (64, 64), (Step("gaussian_blur", 0, "lq", BLUR),))
    found: dict[str, list[float]] = {}
    start = time.process_time()
    for face in faces:
        blurred = degrade.apply(plan, face)
        results = {
            "drawn, image2stylegan": blind.restore([face])[0],
            "blurred, input": blurred,
            "blurred, image2stylegan": blind.restore([blurred])[0],
            "blurred, image2stylegan-plan": oracle.restore([blurred], None, [plan])[0],
        }
        for name, image in results.items():
            found.setdefault(name, []).append(float(peak_signal_noise_ratio(face, image)))
    for name, values in found.items():
        told(name, values)
    click.echo(f"{(time.process_time() - start) / (3 * count):.1f} s of CPU a descent, one thread")


if __name__ == "__main__":
    main()

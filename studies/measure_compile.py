"""Time a training step's network eagerly, compiled, and in both memory layouts.

``python studies/measure_compile.py [--device cuda]`` prints milliseconds an image, forward and
backward, medians of interleaved steps.
"""

from __future__ import annotations

import time

import click
import numpy as np
import torch

from zoo.networks.restoration.designs import build_network
from zoo.training.tasks.registry import load_training


@click.command(help=__doc__)
@click.option("--config", "name", default="style-256", show_default=True)
@click.option("--batch", default=4, show_default=True)
@click.option("--steps", default=5, show_default=True)
@click.option("--device", default="cpu", show_default=True)
def main(name, batch, steps, device):
    """Measure and print."""
    torch.set_num_threads(1)
    config = load_training(name)
    size = config.network.size
    faces = torch.rand(batch, 3, size, size, device=device)
    mask = torch.zeros(batch, 19, size // 2, size // 2, device=device)
    runs = {}
    for layout in ("contiguous", "channels_last"):
        network = build_network(config.network).to(device)
        images = faces
        if layout == "channels_last":
            network = network.to(memory_format=torch.channels_last)
            images = faces.contiguous(memory_format=torch.channels_last)
        runs[layout] = (network, images)
        runs[f"{layout}, compiled"] = (torch.compile(network), images)

    def step(network, images):
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            network(images, mask).square().mean().backward()
        if device == "cuda":
            torch.cuda.synchronize()

    for each in runs.values():
        step(*each)
    spent = {label: [] for label in runs}
    for _ in range(steps):
        for label, each in runs.items():
            start = time.perf_counter()
            step(*each)
            spent[label].append((time.perf_counter() - start) * 1000 / batch)
    for label, values in spent.items():
        click.echo(f"{label:26} {np.median(values):7.1f} ms an image")


if __name__ == "__main__":
    main()

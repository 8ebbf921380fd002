"""Measure the CPU time of the training's data path.

``python studies/measure_data_path.py FACES [--sizes 128 256 512]``.

FACES is a folder of aligned faces of the largest size or more, as `zoo align` writes them. They are
packed, and batches of 16 are made of them in this process on one thread, as a worker makes them.
Prints a Markdown table, CPU milliseconds an image: reading from the pack, degrading, the whole
batch; and what 16 cores would then make (extrapolated from this one). Last what the device does,
here on the same core, without and with wrong masks.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
import cv2
import numpy as np
import torch

from degrade.dataset.sources import open_source
from degrade.images import write_png
from zoo.portrait.align.alignment import ALIGNMENT_FILE
from zoo.portrait.parse.parsing import PARSERS
from zoo.training.data.batches import FaceBatches
from zoo.training.data.device_batch import DeviceBatches
from zoo.training.data.face_pack import FacePack
from zoo.training.data.packing import PackOptions, pack_faces
from zoo.training.tasks.registry import load_training

CONFIGS = {128: "style-128", 256: "style-256", 512: "style-512-ffhq"}
BATCH = 16


def cpu_time(make: Callable[[int], object], steps: int, images: int) -> float:
    """Return the median CPU milliseconds an image over so many calls, after one that warms up."""
    make(0)
    spent = []
    for step in range(1, steps + 1):
        start = time.process_time()
        make(step)
        spent.append(1000 * (time.process_time() - start) / images)
    return float(np.median(spent))


def measure(pack: FacePack, size: int, steps: int) -> None:
    """Print the rows of one pack."""
    config = dataclasses.replace(load_training(CONFIGS[size]), batch_size=BATCH, mask_errors=0.6)
    # gfpgan alone, the five families of kuaishou, and both as the configuration mixes them.
    shares = {
        "gfpgan": {k: v for k, v in config.families.items() if k.startswith("gfpgan")},
        "kuaishou": {k: v for k, v in config.families.items() if k.startswith("kuaishou")},
        "both, as configured": dict(config.families),
    }
    read = cpu_time(lambda step: pack.hq(step % len(pack)), 40, 1)
    for name, families in shares.items():
        batches = FaceBatches(dataclasses.replace(config, families=families), pack)
        for step in range(len(families)):  # compiles and warms every recipe
            batches[1000 + step]
        pool = cpu_time(batches._pool.__getitem__, steps, BATCH)
        whole = cpu_time(batches.__getitem__, steps, BATCH)
        click.echo(
            f"| {size} | {pack.index.codec} | {name} | {read:.2f} | {pool - read:.2f} | "
            f"{whole:.2f} | {16_000 / whole:,.0f} |"
        )


def measure_device(pack: FacePack, size: int, steps: int) -> str:
    """Return the row of what the device does, measured on the CPU."""
    times = []
    for errors in (0.0, 0.6):
        config = dataclasses.replace(load_training(CONFIGS[size]), mask_errors=errors)
        batch = FaceBatches(config, pack)[0]
        to_device = DeviceBatches(config, pack.template, torch.device("cpu"))
        times.append(cpu_time(lambda _, m=to_device, b=batch: m(b), steps, BATCH))
    return f"| {size} | {times[0]:.2f} | {times[1]:.2f} |"


def main() -> None:
    """Pack, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256, 512])
    parser.add_argument("--limit", type=int, default=64, help="faces, evenly chosen")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--parser", choices=PARSERS, default="template")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    source = open_source(options.faces)
    keys = source.keys[:: max(1, len(source) // options.limit)][: options.limit]
    click.echo("| px | codec | recipes | read ms | degrade ms | batch ms | images/s, 16 cores |")
    click.echo("|---|---|---|---|---|---|---|")
    device = []
    with tempfile.TemporaryDirectory() as folder:
        faces = Path(folder) / "faces"
        for index, key in enumerate(keys):
            write_png(faces / f"{index:03d}.png", source.read(key))
        alignment = options.faces / ALIGNMENT_FILE
        if alignment.is_file():
            (faces / ALIGNMENT_FILE).write_bytes(alignment.read_bytes())
        for size in options.sizes:
            for codec in ("raw", "jpeg"):
                out = Path(folder) / f"{size}-{codec}.pack"
                asked = PackOptions(size=size, parser=options.parser, codec=codec)
                pack = pack_faces([faces], out, asked)
                measure(pack, size, options.steps)
            device.append(measure_device(pack, size, options.steps))
    click.echo("\n| px | device ms, right masks | with 60 % wrong ones |\n|---|---|---|")
    click.echo("\n".join(device))


if __name__ == "__main__":
    main()

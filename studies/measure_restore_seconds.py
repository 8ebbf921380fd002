"""Seconds by stage of `zoo.restore_photo`: ``python studies/measure_restore_seconds.py PHOTO …``.

Each photo is restored three times by a warm pipeline, with one thread; the fastest is shown. A
scene of 12 megapixels with three faces of 400, 200 and 60 pixels is made of the first photo.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import click
import cv2
import numpy as np
import torch

from degrade.images import decode_image
from zoo.portrait.detect.detection import load_detector
from zoo.portrait.pipeline import load_pipeline


def scene(photo):
    """Return 3000 × 4000 pixels of soft noise with the photo three times in it."""
    rng = np.random.default_rng(1)
    small = rng.integers(60, 180, (30, 40, 3)).astype(np.uint8)
    out = cv2.resize(small, (4000, 3000), interpolation=cv2.INTER_CUBIC)
    face = max(load_detector().detect(photo), key=lambda face: face.width)
    for width, (x, y) in ((400, (100, 100)), (200, (2000, 300)), (60, (3000, 2000))):
        scale = width / face.width
        copy = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        copy = copy[: 3000 - y, : 4000 - x]
        out[y : y + copy.shape[0], x : x + copy.shape[1]] = copy
    return out


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", default="auto")
def main(paths, model):
    """Print a line a photo."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    start = time.perf_counter()
    pipeline = load_pipeline(model)
    click.echo(f"loading {time.perf_counter() - start:.1f} s; {pipeline.name}")
    photos = {path.name: decode_image(path.read_bytes(), path.name) for path in paths}
    photos["12 megapixels"] = scene(next(iter(photos.values())))
    for name, photo in photos.items():
        best = None
        for _ in range(3):
            start = time.perf_counter()
            result = pipeline.restore(photo)
            seconds = time.perf_counter() - start
            if best is None or seconds < best[0]:
                best = seconds, result
        stages = ", ".join(f"{k} {v:.2f}" for k, v in asdict(best[1].seconds).items() if v > 0.005)
        size = "x".join(str(side) for side in photo.shape[1::-1])
        click.echo(f"{name} {size}, {len(best[1].faces)} faces: {best[0]:.2f} s ({stages})")


if __name__ == "__main__":
    main()

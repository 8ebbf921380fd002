"""Which restorer suits which size: ``python studies/measure_model_sizes.py PHOTOS A B …``.

Photos are resized until their face has a given width, degraded, and restored by the portrait
pipeline with each model. A row a size and recipe: PSNR and the perceptual distances of the face's
crop (256 pixels, ``tight``), the mean over photos; ``input`` is the degraded photo itself.
"""

from __future__ import annotations

from pathlib import Path

import click
import cv2
import numpy as np
import torch

import degrade
from degrade.images import decode_image
from zoo.networks.features.perceptual import UnitFeatures
from zoo.portrait.align.alignment import align
from zoo.portrait.align.warping import extract
from zoo.portrait.detect.detection import load_detector
from zoo.portrait.pipeline import load_pipeline
from zoo.weights.files import is_present, known_weights

SIDE = 256


class Given:
    """A detector that was told where the face is."""

    name = "given"

    def __init__(self) -> None:
        self.face = None

    def detect(self, image):
        """Return the face."""
        return (self.face,)


def judges():
    """Return the perceptual distances whose weights are here."""
    names = ["efficientnet-lite2"]
    if is_present(known_weights("mobilenet-v2")):
        names.append("mobilenet-v2")
    return [UnitFeatures(name, 5, torch.device("cpu")) for name in names]


def sized(photo, face, width):
    """Return the photo and its face, shrunk until that is ``width`` pixels wide."""
    scale = width / face.width
    size = round(photo.shape[1] * scale), round(photo.shape[0] * scale)
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    return small, face.scaled(size[0] / photo.shape[1], size[1] / photo.shape[0])


def crop(photo, face):
    """Return the face's aligned crop."""
    found = extract(photo, align(face.landmarks, face.scheme, SIDE, "tight"))
    return np.clip(np.rint(found), 0, 255).astype(np.uint8)


@torch.inference_mode()
def scores(restored, truth, networks):
    """Return PSNR and the perceptual distances of two crops."""
    error = np.square(restored.astype(float) - truth).mean()
    a, b = (
        torch.from_numpy(np.moveaxis(each, 2, 0)[None].astype(np.float32) / 127.5 - 1)
        for each in (restored, truth)
    )
    distances = [float(one.distance(one.maps(a), one.maps(b))) for one in networks]
    return [10 * np.log10(255**2 / max(error, 1e-6)), *distances]


@click.command()
@click.argument("photos", type=click.Path(path_type=Path))
@click.argument("models", nargs=-1)
@click.option("--count", default=40)
@click.option("--widths", default="48,96,160,240")
@click.option("--recipes", default="gfpgan,kuaishou,clean")
def main(photos, models, count, widths, recipes):
    """Print the table."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    given, networks = Given(), judges()
    pipelines = {name: load_pipeline(name, detector=given) for name in models}
    finder = load_detector()
    paths = sorted(path for path in photos.rglob("*") if path.suffix in (".jpg", ".png"))
    paths = paths[:: max(1, len(paths) // count)][:count]
    loaded = []
    for path in paths:
        photo = decode_image(path.read_bytes(), path.name)
        if faces := finder.detect(photo):
            loaded.append((photo, max(faces, key=lambda face: face.width)))
    click.echo(f"{len(loaded)} photos; PSNR in dB, then {len(networks)} perceptual distances")
    for width in (int(one) for one in widths.split(",")):
        for recipe in recipes.split(","):
            rows = {name: [] for name in ("input", *pipelines)}
            for number, (photo, face) in enumerate(loaded):
                if face.width < width:
                    continue
                hq, given.face = sized(photo, face, width)
                lq = hq
                if recipe != "clean":
                    drawn = degrade.plan(
                        degrade.load_recipe(recipe),
                        seed=7,
                        image_id=str(number),
                        size=hq.shape[:2],
                    )
                    lq = degrade.apply(drawn, hq)
                truth = crop(hq, given.face)
                rows["input"].append(scores(crop(lq, given.face), truth, networks))
                for name, pipeline in pipelines.items():
                    restored = pipeline.restore(lq).photo
                    rows[name].append(scores(crop(restored, given.face), truth, networks))
            for name, row in rows.items():
                means = "  ".join(f"{value:7.3f}" for value in np.mean(row, axis=0))
                click.echo(f"{width:4d} {recipe:12s} {name[-28:]:28s} n={len(row):3d}  {means}")


if __name__ == "__main__":
    main()

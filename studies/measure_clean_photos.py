"""How clean photographs stay: ``python studies/measure_clean_photos.py``.

Official portraits, undegraded, shrunk or enlarged so that their faces are of several widths, and
scikit-image's astronaut; through the whole pipeline. PSNR against the input over the middle 7/10
of each face's box, where neither hair nor background helps.
"""

from __future__ import annotations

import argparse
import itertools
from collections import defaultdict
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from degrade.images import read_image
from degrade.terminal import progress
from zoo.portrait.face import FaceRecord
from zoo.portrait.pipeline import load_pipeline
from zoo.registry.registry import DEFAULT

PORTRAITS = Path(__file__).parents[2] / "shared" / "faces" / "congress"
SCALES = (0.6, 1.0, 2.0)
BANDS = (0, 100, 150, 200, 300, 1000)
"""Widths of faces in pixels, from one to below the next."""

Photo = NDArray[np.uint8]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--photos", type=Path, default=PORTRAITS)
    parser.add_argument("--count", type=int, default=30, help="portraits, evenly spread")
    parser.add_argument("--parser", default="auto")
    return parser.parse_args()


def photographs(folder: Path, count: int) -> list[Photo]:
    files = sorted(folder.glob("*.jpg"))
    some = files[:: max(1, len(files) // count)][:count]
    return [data.astronaut()[20:250, 110:340], *(read_image(file) for file in some)]


def at_scale(photo: Photo, scale: float) -> Photo:
    if scale == 1:
        return photo
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(photo, None, fx=scale, fy=scale, interpolation=way), np.uint8)


def psnr(photo: Photo, restored: Photo, record: FaceRecord) -> float:
    left, top, right, bottom = record.box
    room = 0.15 * (right - left)
    rows = slice(max(0, round(top + room)), round(bottom - room))
    columns = slice(max(0, round(left + room)), round(right - room))
    error = np.mean((restored[rows, columns].astype(float) - photo[rows, columns]) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def main() -> None:
    wanted = options()
    pipeline = load_pipeline(wanted.model, parser=wanted.parser)
    found: defaultdict[int, list[float]] = defaultdict(list)
    work = [(p, s) for p in photographs(wanted.photos, wanted.count) for s in SCALES]
    for original, scale in progress(work, "restoring clean photos"):
        photo = at_scale(original, scale)
        result = pipeline.restore(photo)
        for record in result.faces:
            if record.status in ("restored", "blended"):
                band = max(edge for edge in BANDS if edge <= record.size)
                found[band].append(psnr(photo, result.photo, record))
    click.echo("face width   n  lowest  median  PSNR in dB")
    for band, after in itertools.pairwise(BANDS):
        if values := found[band]:
            low, middle = min(values), float(np.median(values))
            click.echo(f"{band:>4} to {after:<4} {len(values):>3}  {low:6.1f}  {middle:6.1f}")


if __name__ == "__main__":
    main()

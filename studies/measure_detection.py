"""How many faces are found, how well, how fast: ``python studies/measure_detection.py``.

Reads portraits with one face each (../shared/faces, or --photos), degrades them by recipes and
compares what is found with what is found on the clean portrait. Not a test: it prints a table.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import click
import cv2
import numpy as np

import degrade
from degrade.images import decode_image
from zoo.portrait.detect.detection import DETECTORS, Detector, judge, load_detector
from zoo.portrait.face import Face

HEADER = "recipe          found  refused  false  landmarks: median  95th  within 10%  s/photo"
ROOT = Path(__file__).parents[2] / "shared" / "faces"


@dataclass(frozen=True, slots=True)
class Tally:
    """What was found on one photo: the face, its landmarks' error, false faces, CPU seconds."""

    found: bool
    refused: bool
    error: float
    false: int
    seconds: float


def main() -> None:
    """Print one row a recipe."""
    options = read_options()
    cv2.setNumThreads(1)
    detector = load_detector(options.detector, smallest=options.smallest)
    photos = [decode_image(path.read_bytes(), path.name) for path in choose(options)]
    clean = [reference(detector, photo) for photo in photos]
    click.echo(f"{len(photos)} portraits, detector {detector.name}, smallest {options.smallest}")
    click.echo(HEADER)
    for name in ("clean", *options.recipes):
        recipe = None if name == "clean" else degrade.load_recipe(name)
        rows = []
        for number, (photo, face) in enumerate(zip(photos, clean, strict=True)):
            lq = photo
            if recipe is not None:
                plan = degrade.plan(
                    recipe, seed=options.seed, image_id=str(number), size=photo.shape[:2]
                )
                lq = degrade.apply(plan, photo)
            rows.append(measure(detector, lq, face))
        click.echo(line(name, rows))


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, nargs="+", default=[ROOT / "congress"])
    parser.add_argument("--count", type=int, default=300, help="portraits, evenly spread")
    parser.add_argument("--recipes", nargs="*", default=["kuaishou", "gfpgan", "codeformer-2"])
    parser.add_argument("--detector", choices=DETECTORS, default="auto")
    parser.add_argument("--smallest", type=int, default=None)
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def choose(options: argparse.Namespace) -> list[Path]:
    """Return ``count`` portraits of each folder, evenly spread."""
    chosen = []
    for folder in options.photos:
        paths = sorted(folder.glob("*.jpg"))
        places = np.linspace(0, len(paths), min(options.count, len(paths)), endpoint=False)
        chosen += [paths[int(place)] for place in places]
    return chosen


def reference(detector: Detector, photo: np.ndarray) -> Face | None:
    """Return the face of a clean portrait: the best that can be used."""
    usable = (face for face in detector.detect(photo) if not judge(face, photo.shape[:2]))
    return next(usable, None)


def measure(detector: Detector, photo: np.ndarray, expected: Face | None) -> Tally:
    """Compare what is found on ``photo`` with the face of the clean portrait."""
    before = time.process_time()
    faces = detector.detect(photo)
    seconds = time.process_time() - before
    good = [face for face in faces if not judge(face, photo.shape[:2])]
    hits = [face for face in good if expected is not None and same(face, expected)]
    refused = not hits and any(
        expected is not None and same(face, expected) for face in faces if face not in good
    )
    error = off(hits[0], expected) if hits and expected is not None else np.nan
    return Tally(bool(hits), refused, error, len(good) - len(hits), seconds)


def same(face: Face, expected: Face) -> bool:
    """Tell whether a box holds the middle of the expected landmarks and is of like width."""
    x, y = expected.landmarks.mean(axis=0)
    left, top, right, bottom = face.box
    return left < x < right and top < y < bottom and 0.5 < face.width / expected.width < 2


def off(face: Face, expected: Face) -> float:
    """Return the rms distance of the landmarks in shares of the distance of the eyes."""
    points = expected.landmarks
    if expected.scheme == "dlib5":
        eyes = np.linalg.norm((points[0] + points[1] - points[2] - points[3]) / 2)
    else:
        eyes = np.linalg.norm(points[1] - points[0])
    apart = np.sum((face.landmarks - points) ** 2, axis=1)
    return float(np.sqrt(apart.mean()) / eyes)


def line(name: str, rows: list[Tally]) -> str:
    """Return one row of the table."""
    count = len(rows)
    errors = np.array([row.error for row in rows if row.found])
    median, high = np.percentile(errors, [50, 95]) if errors.size else (np.nan, np.nan)
    near = np.mean(errors <= 0.1) if errors.size else np.nan
    return (
        f"{name:<14} {sum(row.found for row in rows):>4}/{count:<4}"
        f"{sum(row.refused for row in rows):>6} {sum(row.false for row in rows):>7}"
        f"{median:>17.1%} {high:>7.1%} {near:>10.0%} {np.median([r.seconds for r in rows]):>8.2f}"
    )


if __name__ == "__main__":
    main()

"""The images that the tables are measured on: crops of scikit-image's photographs, 512 × 512."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from degrade.images import Image
from degrade.random import Stream, StreamKey

SIDE, SEED = 512, 7


def astronaut() -> Image:
    """Return the astronaut, 512 × 512."""
    import skimage.data

    image: Image = skimage.data.astronaut()  # type: ignore[no-untyped-call]  # has no types
    return np.ascontiguousarray(image)


def astronaut_crops(count: int) -> Iterator[Image]:
    """Yield crops of the astronaut enlarged to 768 pixels, each at a place of its own."""
    import cv2

    large = np.asarray(cv2.resize(astronaut(), (768, 768), interpolation=cv2.INTER_CUBIC), np.uint8)
    for number in range(count):
        stream = Stream(StreamKey(SEED, number, 0), 0)
        top, left = (stream.integer(0, large.shape[0] - SIDE) for _ in range(2))
        yield np.ascontiguousarray(large[top : top + SIDE, left : left + SIDE])


def photograph_crops(count: int) -> Iterator[Image]:
    """Yield crops of four photographs, rolled so that each is another, every second mirrored."""
    photographs = _photographs()
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        stream = Stream(StreamKey(SEED, number, 0), 0)
        down, right = (stream.integer(0, side - 1) for side in photograph.shape[:2])
        crop = np.roll(photograph, (down, right), (0, 1))[:SIDE, :SIDE]
        yield np.ascontiguousarray(crop[:, :: -1 if number % 2 else 1])


def _photographs() -> list[Image]:
    import cv2
    import skimage.data

    images = []
    for name in ("astronaut", "coffee", "chelsea", "rocket"):
        image = getattr(skimage.data, name)()
        scale = SIDE / min(image.shape[:2])
        height, width = (max(SIDE, round(side * scale)) for side in image.shape[:2])
        images.append(np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)))
    return images

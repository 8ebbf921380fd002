"""A photograph that is clean already comes back as it was, to what no eye can tell."""

import cv2
import numpy as np
import pytest
from skimage import data

pytest.importorskip("torch")
pytest.importorskip("dlib")
pytest.importorskip("face_recognition_models")

from degrade.images import read_image
from zoo.portrait.pipeline import load_pipeline

LEAST = 35.0
"""dB, over the middle 7/10 of the face's box: no hair, no background."""


@pytest.fixture(scope="module")
def pipeline():
    return load_pipeline()


def at_scale(photo, scale):
    if scale == 1:
        return photo
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(photo, None, fx=scale, fy=scale, interpolation=way)


def widths_and_psnr(pipeline, photo):
    """Of each face that went through the network: the width of its box, and dB in its middle."""
    result = pipeline.restore(photo)
    for record in result.faces:
        if record.status != "restored":
            continue
        left, top, right, bottom = record.box
        room = 0.15 * (right - left)
        place = np.s_[round(top + room) : round(bottom - room),
                      round(left + room) : round(right - room)]  # fmt: skip
        error = np.mean((result.photo[place].astype(float) - photo[place]) ** 2)
        assert error > 0, "the network changed nothing: was it run?"
        yield record.size, 10 * np.log10(255**2 / error)


@pytest.mark.parametrize(("scale", "width"), [(1, 93), (2, 190), (4, 400)])
def test_the_astronaut_is_left_as_she_is(pipeline, scale, width):
    head = data.astronaut()[20:250, 110:340]
    ((found, psnr),) = widths_and_psnr(pipeline, at_scale(head, scale))
    assert abs(found / width - 1) < 0.25
    assert psnr >= LEAST


@pytest.mark.parametrize("scale", [0.7, 1, 2])
def test_portraits_are_left_as_they_are(pipeline, scale, shared):
    files = sorted(shared("faces/congress").glob("val_*.jpg"))
    some = files[:: max(1, len(files) // 6)][:6]
    found = [
        told
        for file in some
        for told in widths_and_psnr(pipeline, at_scale(read_image(file), scale))
    ]
    assert len(found) >= 4
    assert min(psnr for _, psnr in found) >= LEAST

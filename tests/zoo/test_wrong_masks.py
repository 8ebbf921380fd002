"""Wrong masks for training faces are drawn by the stream, each kind as likely as the others."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("dlib")

from degrade.random import FEEDING, Stream, StreamKey
from zoo.licences import ConsentError, accept_licence, agreements
from zoo.portrait.landmark_regions import landmark_regions
from zoo.training.wrong_masks import KINDS, WrongMasks, predicted_mask

SIDE = 64
FACE = np.random.default_rng(2).uniform(12, 52, (3, 68, 2)).astype(np.float32)
LANDMARKS = {f"{number}.png": points for number, points in enumerate(FACE)}
RIGHT, RIGHT_OF_1 = (landmark_regions(points, SIDE) for points in FACE[:2])
MEAN = np.mean([landmark_regions(points, SIDE) for points in FACE], axis=0, dtype=np.float32)
LQ = np.random.default_rng(3).integers(0, 255, (SIDE, SIDE, 3), np.uint8)


def drawn(number: int, *, predict: bool = False) -> np.ndarray:
    masks = WrongMasks(LANDMARKS, MEAN, predict=predict)
    return masks.draw("0.png", RIGHT, LQ, Stream(StreamKey(1, number, 0), 8, FEEDING))


def test_the_same_state_of_the_stream_draws_the_same_mask() -> None:
    for number in range(20):
        assert np.array_equal(drawn(number), drawn(number))


def test_every_kind_is_drawn_about_as_often_as_any_other() -> None:
    """Three kinds are told by their values: nothing, the mean, another face's."""
    counts: Counter[str] = Counter()
    others = [landmark_regions(points, SIDE) for points in FACE[1:]]
    for number in range(800):
        mask = drawn(number)
        if not mask.any():
            counts["dropped"] += 1
        elif np.array_equal(mask, MEAN):
            counts["template"] += 1
        elif any(np.array_equal(mask, other) for other in others):
            counts["wrong-face"] += 1
    kinds = len(KINDS) - 1
    deviation = (800 / kinds * (1 - 1 / kinds)) ** 0.5
    assert abs(counts["template"] - 800 / kinds) < 4 * deviation
    assert abs(counts["wrong-face"] - 800 / kinds) < 4 * deviation
    assert abs(counts["dropped"] - 800 / kinds) < 4 * deviation


def test_another_faces_mask_is_never_the_faces_own() -> None:
    faces = {name: LANDMARKS[name] for name in ("0.png", "1.png")}
    wrong = WrongMasks(faces, MEAN, predict=False)
    for number in range(100):
        stream = Stream(StreamKey(1, number, 0), 8, FEEDING)
        assert not np.array_equal(wrong.draw("1.png", RIGHT_OF_1, LQ, stream), RIGHT_OF_1)


def test_where_there_is_no_other_face_an_error_of_another_kind_is_drawn() -> None:
    alone = WrongMasks({"0.png": FACE[0]}, MEAN, predict=False)
    kinds: set[bool] = set()
    for number in range(100):
        mask = alone.draw("0.png", RIGHT, LQ, Stream(StreamKey(1, number, 0), 8, FEEDING))
        assert not np.array_equal(mask, RIGHT)
        kinds.add(np.array_equal(mask, MEAN))
    assert kinds == {False, True}


def test_a_mask_is_predicted_only_where_that_was_asked_for(monkeypatch) -> None:
    asked = []

    def told(lq: np.ndarray, template: str) -> np.ndarray:
        asked.append(template)
        return MEAN

    monkeypatch.setattr("zoo.training.wrong_masks.predicted_mask", told)
    for number in range(60):
        drawn(number)
    assert not asked
    for number in range(60):
        drawn(number, predict=True)
    assert 1 < len(asked) < 20


def test_a_mask_predicted_from_a_sharp_face_covers_the_face(tmp_path, monkeypatch) -> None:
    from degrade.sources import open_source
    from zoo.portrait.alignment import align
    from zoo.portrait.detection import load_detector
    from zoo.portrait.warping import extract

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    accept_licence("ibug-68")
    source = open_source("sample-photos")
    photo = source.read(next(key for key in source.keys if "astronaut" in key))
    face = load_detector().detect(photo)[0]
    crop = extract(photo, align(face.landmarks, face.scheme, 128, "tight"))
    mask = predicted_mask(np.clip(np.rint(crop), 0, 255).astype(np.uint8), "tight")
    assert 0.3 < mask.sum(axis=0).mean() < 0.9
    assert all(mask[label].any() for label in (1, 2, 4, 5, 11, 12))
    # An agreement that was taken back counts no more, though the model is loaded by now.
    agreements().unlink()
    with pytest.raises(ConsentError, match="--accept-licence ibug-68"):
        predicted_mask(LQ, "tight")

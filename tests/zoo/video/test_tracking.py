"""Faces through a clip: matched, put where they were missed, and held still."""

import dataclasses

import numpy as np
import pytest
from portrait_stand_ins import face_at

from zoo.video.clip_reader import ClipFrame
from zoo.video.tracking import OneEuroFilter, follow, intersection_over_union

RATE = 25


def frames(count, levels=None):
    for number in range(count):
        level = 100 if levels is None else levels[number]
        yield ClipFrame(np.full((60, 80, 3), level, np.uint8), number, 1)


def followed(detections, levels=None, smooth=False):
    detected = iter(detections)
    return list(
        follow(frames(len(detections), levels), lambda _: next(detected), 1 / RATE, smooth=smooth)
    )


def centres(tracked, track):
    """Return the left edge of a track's box in each frame, None where it is not there."""
    return [
        dict(zip(one.tracks, (face.box[0] for face in one.faces), strict=True)).get(track)
        for one in tracked
    ]


def test_two_faces_keep_their_tracks_when_the_detector_swaps_them():
    one, other = face_at(20, 30, 20), face_at(60, 30, 20)
    tracked = followed([(one, other), (other, one), (one, other)])
    assert [frame.tracks for frame in tracked] == [[0, 1], [1, 0], [0, 1]]


def test_a_face_that_is_missed_is_put_on_the_line_between():
    detections = [(face_at(20 + i, 30, 20),) if i not in (3, 4, 5, 6) else () for i in range(10)]
    tracked = followed(detections)
    assert centres(tracked, 0) == pytest.approx([10 + i for i in range(10)])
    landmarks = [frame.faces[0].landmarks for frame in tracked]
    np.testing.assert_allclose(landmarks[5] - landmarks[0], [[5, 0]] * 5)


def test_a_face_that_is_away_longer_is_another_track():
    detections = [(face_at(20, 30, 20),) if i not in range(3, 8) else () for i in range(10)]
    tracked = followed(detections)
    assert [frame.tracks for frame in tracked] == [[0]] * 3 + [[]] * 5 + [[1]] * 2


def test_no_face_is_put_across_a_cut_and_tracks_begin_anew_after_it():
    detections = [(face_at(20, 30, 20),) if i != 3 else () for i in range(6)]
    tracked = followed(detections, [50, 50, 50, 50, 150, 150])
    assert [frame.cut for frame in tracked] == [False] * 4 + [True, False]
    assert [frame.tracks for frame in tracked] == [[0], [0], [0], [], [1], [1]]


def test_a_face_at_another_place_is_another():
    tracked = followed([(face_at(20, 30, 20),), (face_at(36, 30, 20),)])
    assert [frame.tracks for frame in tracked] == [[0], [1]]


def test_frames_come_out_once_in_order_with_all_that_was_detected():
    detections = [(face_at(20, 30, 20), face_at(60, 30, 12)) for _ in range(3)]
    tracked = followed(detections)
    assert [frame.frame.pts for frame in tracked] == [0, 1, 2]
    assert all(len(frame.faces) == 2 for frame in tracked)
    assert followed([]) == []


def test_the_landmarks_of_a_still_face_shake_less():
    random = np.random.default_rng(3)
    still = face_at(40, 30, 100)
    shaken = [
        dataclasses.replace(still, landmarks=still.landmarks + random.normal(0, 1, (5, 2)))
        for _ in range(60)
    ]
    detected = np.stack([face.landmarks for face in shaken])
    smooth = np.stack([f.faces[0].landmarks for f in followed([(f,) for f in shaken], smooth=True)])
    shaking, left = (np.diff(x[10:], axis=0).std() for x in (detected, smooth))
    assert left < 0.4 * shaking
    assert np.abs(smooth[10:].mean(axis=0) - still.landmarks).max() < 0.5


def test_a_moving_face_lags_by_a_few_hundredths_of_its_width():
    # 100 pixels wide, half its width a second, and three widths a second
    for step in (2, 12):
        faces = [face_at(100 + step * i, 30, 100) for i in range(40)]
        tracked = followed([(face,) for face in faces], smooth=True)
        lag = [a.landmarks - b.faces[0].landmarks for a, b in zip(faces, tracked, strict=True)]
        assert np.abs(lag[5:]).max() < 4.0
        assert np.abs(lag).max() < 7.0  # in the first frames, until the speed is known


def test_one_euro_is_a_first_order_low_pass_where_beta_is_0():
    step, cutoff = 0.04, 2.0
    euro = OneEuroFilter(min_cutoff=cutoff, beta=0.0)
    euro(np.zeros(1), 0.0, 1.0)
    answers = [euro(np.ones(1), step * n, 1.0)[0] for n in range(1, 8)]
    share = 1 / (1 + 1 / (2 * np.pi * cutoff * step))
    np.testing.assert_allclose(answers, [1 - (1 - share) ** n for n in range(1, 8)])


def test_intersection_over_union_of_boxes():
    assert intersection_over_union((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert intersection_over_union((0, 0, 2, 2), (2, 0, 3, 2)) == 0.0
    assert intersection_over_union((0, 0, 0, 0), (0, 0, 0, 0)) == 0.0

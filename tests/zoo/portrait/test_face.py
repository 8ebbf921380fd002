import json

import numpy as np
import pytest

from zoo.portrait.face import Face, FaceRecord, Pose


def a_face(**changes):
    values = {
        "box": (10.123456, 20.0, 110.123456, 125.5),
        "landmarks": np.arange(10, dtype=np.float64).reshape(5, 2) / 3,
        "scheme": "dlib5",
        "score": 1.23456789,
        "pose": Pose(12.345, -3.21, 0.05),
        "detector": "dlib",
    }
    return Face(**(values | changes))


def test_a_record_says_what_was_found_and_what_was_done():
    record = FaceRecord.of(
        a_face(turned=90),
        "family.jpg",
        2,
        "blended",
        "blended back to 0.6 so that the identity holds",
        model="dejpeg",
        strength=0.8,
        identity=0.912345,
        blend=0.48,
        mask="template",
        mask_confidence=0.5,
    )
    line = json.loads(json.dumps(record.as_record(), allow_nan=False))
    assert line == {
        "photo": "family.jpg",
        "face": 2,
        "status": "blended",
        "box": [10.12, 20.0, 110.12, 125.5],
        "landmarks": [[0.0, 0.33], [0.67, 1.0], [1.33, 1.67], [2.0, 2.33], [2.67, 3.0]],
        "scheme": "dlib5",
        "pose": {"yaw": 12.3, "pitch": -3.2, "roll": 0.1},
        "size": 100.0,
        "score": 1.2346,
        "detector": "dlib",
        "model": "dejpeg",
        "strength": 0.8,
        "identity": 0.9123,
        "blend": 0.48,
        "mask": "template",
        "mask_confidence": 0.5,
        "reason": "blended back to 0.6 so that the identity holds",
        "turned": 90,
    }


def test_a_face_left_alone_has_nulls_where_nothing_was_measured():
    record = FaceRecord.of(a_face(), "a.png", 0, "skipped", "too small").as_record()
    assert record["identity"] is None and record["mask_confidence"] is None
    assert record["model"] == "" and record["blend"] == 0.0


def test_records_of_the_same_face_are_equal_and_hashable():
    one, other = (FaceRecord.of(a_face(), "a.png", 0, "skipped", "too small") for _ in range(2))
    assert one == other and len({one, other}) == 1


def test_a_status_of_another_name_is_a_bug():
    with pytest.raises(ValueError, match="restored, blended, skipped, failed"):
        FaceRecord.of(a_face(), "a.png", 0, "done", "")


def test_the_size_of_a_face_is_that_of_its_box():
    assert a_face().width == pytest.approx(100)
    assert a_face().area == pytest.approx(10550)
    assert a_face(box=(5.0, 5.0, 4.0, 9.0)).area == 0

import numpy as np
import pytest
from portrait_stand_ins import face_at, smooth_photo

from zoo.portrait.face import FaceRecord
from zoo.portrait.files.compare import compare


def record(face, number=0, reason="restored; because"):
    return FaceRecord.of(face, "a.png", number, "restored", reason)


@pytest.mark.parametrize("shape", [(90, 60), (90, 60, 2), (90, 60, 3), (90, 60, 4), (1300, 40, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_kind_of_photo_has_a_picture_of_before_and_after(shape, dtype):
    photo = np.full(shape, np.iinfo(dtype).max // 3, dtype)
    sheet = compare(photo, photo * 2, [record(face_at(30, 40, 20))], "a.png", "m")
    assert sheet.dtype == np.uint8 and sheet.shape[2] == 3
    assert (sheet == 85).all(axis=2).any() and (sheet == 170).all(axis=2).any()


def test_before_stands_on_the_left_and_after_on_the_right():
    before, after = np.full((50, 50, 3), (200, 0, 0), np.uint8), np.full((50, 50, 3), 7, np.uint8)
    sheet = compare(before, after, [], "a.png", "m")
    _, left = np.nonzero((sheet == (200, 0, 0)).all(axis=2))
    _, right = np.nonzero((sheet == 7).all(axis=2))
    assert left.max() < right.min()


def test_each_of_the_first_six_faces_has_a_row_also_beyond_the_border():
    photo = smooth_photo(120, 160)
    faces = [face_at(x, 60, 40) for x in (-20, 0, 80, 159, 200, 900, 80, 80)]
    heights = [
        compare(photo, photo, [record(face, n) for n, face in enumerate(faces[:count])], "a", "m")
        for count in range(9)
    ]
    sizes = [sheet.shape[0] for sheet in heights]
    assert all(np.diff(sizes[:7]) > 400) and sizes[6] == sizes[7] == sizes[8]

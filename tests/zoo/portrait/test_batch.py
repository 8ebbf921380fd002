import re

import numpy as np
import pytest
from portrait_stand_ins import Restorer, card, smooth_photo

from zoo.portrait.restore.batch import restore_faces

MASK = np.zeros((19, 32, 32), np.float32)
FACES = [smooth_photo(32, 32, seed) for seed in range(3)]


def broken_on_the_second(answer):
    def restore(face):
        return answer(face) if np.array_equal(face, FACES[1]) else face

    return Restorer(restore)


def raises(face):
    raise RuntimeError("no such face")


@pytest.mark.parametrize(
    "answer, told",
    [
        (raises, "raised RuntimeError: no such face"),
        (lambda face: np.full(face.shape, np.nan, np.float32), "not finite"),
        (lambda face: face[:16], r"uint8 of shape \(16, 32, 3\) for uint8 of \(32, 32, 3\)"),
        (lambda face: face.astype(np.float32), "float32 of shape"),
        (lambda face: face.astype(np.uint16), "uint16 of shape"),
        (lambda face: None, "NoneType, no array"),
    ],
)
def test_what_is_no_face_fails_that_face_alone_with_a_reason(answer, told):
    first, second, third = restore_faces(broken_on_the_second(answer), FACES, [MASK] * 3)
    np.testing.assert_array_equal(first.restored, FACES[0])
    np.testing.assert_array_equal(third.restored, FACES[2])
    assert second.restored is None

    assert re.search(told, second.error)
    assert not first.error and not third.error


def test_all_faces_go_in_one_batch_with_their_masks():
    restorer = Restorer(lambda face: face)
    restore_faces(restorer, FACES, [MASK] * 3)
    assert [len(faces) for faces, _, _ in restorer.calls] == [3]
    assert len(restorer.calls[0][1]) == 3
    assert restore_faces(restorer, [], []) == []
    assert len(restorer.calls) == 1


def test_too_few_faces_back_are_asked_for_one_by_one():
    class Forgetful:
        card = card()

        def restore(self, faces, masks=None, plans=None):
            return faces[:1]

    attempts = restore_faces(Forgetful(), FACES, [MASK] * 3)
    for attempt, face in zip(attempts, FACES, strict=True):
        np.testing.assert_array_equal(attempt.restored, face)


def test_a_restorer_cannot_write_into_the_crops():
    def paint(face):
        face[:] = 0
        return face

    before = FACES[0].copy()
    restore_faces(Restorer(paint), FACES, [MASK] * 3)
    np.testing.assert_array_equal(FACES[0], before)


def test_running_out_of_memory_is_not_taken_for_a_bad_face():
    def exhausted(face):
        raise MemoryError

    with pytest.raises(MemoryError):
        restore_faces(Restorer(exhausted), FACES, [MASK] * 3)

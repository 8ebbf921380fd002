"""A restorer at its place: batches, and what becomes of those that fail."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest

from bench.runner import restorer_runner as stations
from bench.runner.restorer_runner import RestorerInput, RestorerRunner, TracebackLog
from degrade.errors import UserError
from degrade.planner.plan import Plan
from zoo.restorers.placement import HERE, Placement, filled_up

PLAN = Plan("r", "d" * 64, 7, "a.png", 0, (8, 8), ())


class Batching:
    """Adds 1 to each face, as many at once as it is asked for; notes the sizes of its calls."""

    def __init__(self, card, placement=HERE, calls=None, act=None):
        self.card, self.placement = card, placement
        self.calls = [] if calls is None else calls
        self.act = act

    def placed(self, placement):
        return Batching(self.card, placement, self.calls, self.act)

    def computed_for(self, faces):
        return filled_up(len(faces), self.placement.batch)

    def restore(self, faces, masks=None, plans=None):
        self.calls.append((len(faces), self.placement.batch, masks, plans))
        if self.act:
            return self.act(faces, self.placement)
        return [face + np.uint8(1) for face in faces]


def jobs(count):
    return [
        RestorerInput(np.full((8, 8, 3), 10 * n, np.uint8), None, PLAN, f"image {n}")
        for n in range(count)
    ]


@pytest.fixture
def station(fakes, tmp_path):
    def made(act=None, batch=4, device="cpu", kind="network"):
        restorer = Batching(fakes.card("net", kind=kind), act=act)
        errors = TracebackLog(tmp_path / "errors.log")
        return RestorerRunner(restorer, Placement(device, batch), errors), restorer.calls

    return made


def test_a_restorer_gets_the_regions_of_a_mask_that_its_card_names(fakes, tmp_path):
    mask = np.full((19, 8, 8), 0.5, np.float32)
    given = [dataclasses.replace(job, mask=mask) for job in jobs(2)]
    for regions, kept in (((), range(19)), (("skin", "l_eye"), (1, 4))):
        card = dataclasses.replace(fakes.card("net", kind="network"), regions=regions)
        restorer = Batching(card)
        RestorerRunner(restorer, Placement("cpu", 4), TracebackLog(tmp_path / "e.log")).restore(
            given
        )
        ((_, _, masks, _),) = restorer.calls
        for one in masks:
            assert [place for place in range(19) if one[place].any()] == list(kept)


def sizes(calls):
    return [call[0] for call in calls]


def test_images_go_through_in_batches_and_come_back_in_order(station):
    here, calls = station()
    found = here.restore(jobs(10))
    assert sizes(calls) == [4, 4, 2]
    assert [int(each.image[0, 0, 0]) for each in found] == [10 * n + 1 for n in range(10)]
    assert (
        here.placement == Placement(batch=4)
        and here.computed(here.placement) == "cpu|batch4|float32"
    )


def test_without_a_batch_nothing_is_moved_and_nothing_enters_a_key(station):
    here, calls = station(batch=1)
    here.restore(jobs(2))
    assert sizes(calls) == [1, 1] and here.computed(here.placement) == "" and here.hardware == "cpu"


def test_what_cannot_take_several_is_given_one_at_a_time(fakes, tmp_path):
    plain = fakes.restorers()[1]
    here = RestorerRunner(plain, Placement("cuda:0", 8), TracebackLog(tmp_path / "e"))
    assert len(here.restore(jobs(3))) == plain.calls == 3
    assert here.placement == HERE and here.computed(here.placement) == "" and here.hardware == "cpu"


def test_masks_and_an_oracles_plans_go_with_their_faces(fakes, tmp_path):
    restorer = Batching(fakes.card("told", blind=False))
    mask = np.ones((19, 8, 8), np.float32)
    some = [dataclasses.replace(job, mask=mask if n else None) for n, job in enumerate(jobs(2))]
    RestorerRunner(restorer, Placement(batch=2), TracebackLog(tmp_path / "e")).restore(some)
    ((_, _, masks, plans),) = restorer.calls
    assert masks[0] is None and masks[1] is mask and plans == [PLAN, PLAN]


def test_an_image_that_makes_a_batch_fail_fails_alone(station, tmp_path):
    def act(faces, placement):
        if any(face[0, 0, 0] == 20 for face in faces):
            raise ValueError("no face")
        return list(faces)

    here, calls = station(act)
    found = here.restore(jobs(6))
    assert sizes(calls) == [4, 1, 1, 1, 1, 2]
    assert [each.detail for each in found] == ["", "", "ValueError: no face", "", "", ""]
    log = (tmp_path / "errors.log").read_text()
    assert log.count("--- net on image 2") == log.count("---") == 1


@pytest.mark.parametrize(
    ("spoil", "detail"),
    [
        (lambda face: face.astype(float) * np.nan, "gave NaN in a float64 array, not uint8"),
        (lambda face: face[:4], "gave uint8 (4, 8, 3), not uint8 (8, 8, 3)"),
        (lambda face: None, "gave a NoneType, not an array"),
    ],
)
def test_a_wrong_image_in_a_right_list_leaves_the_others_as_they_are(station, spoil, detail):
    here, calls = station(lambda faces, _: [spoil(f) if f[0, 0, 0] == 10 else f for f in faces])
    found = here.restore(jobs(4))
    assert sizes(calls) == [4, 1]
    assert [each.detail for each in found] == ["", detail, "", ""]


def test_a_list_of_another_length_is_asked_for_again_one_by_one(station):
    here, calls = station(lambda faces, _: list(faces) if len(faces) == 1 else list(faces[1:]))
    assert all(each.image is not None for each in here.restore(jobs(3)))
    assert sizes(calls) == [3, 1, 1, 1]
    nothing, _ = station(lambda faces, _: [])
    assert nothing.restore(jobs(1))[0].detail == "gave list, not a list of one image"


def room_for(count):
    def act(faces, placement):
        if placement.batch > count:
            raise MemoryError
        return list(faces)

    return act


def test_lack_of_room_halves_the_batch_from_then_on_and_is_told_once_a_halving(station, capsys):
    here, calls = station(room_for(2), batch=8)
    assert all(each.image is not None for each in here.restore(jobs(5)))
    assert [call[:2] for call in calls] == [(5, 8), (4, 4), (2, 2), (2, 2), (1, 2)]
    here.restore(jobs(3))
    assert here.placement.batch == 2 and here.computed(here.placement) == "cpu|batch2|float32"
    assert capsys.readouterr().err.splitlines() == [
        "net: cpu has no room for 8 faces at once, going on with 4",
        "net: cpu has no room for 4 faces at once, going on with 2",
    ]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("OutOfMemoryError", "CUDA out of memory"),
        ("AcceleratorError", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
        ("RuntimeError", "cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
)
def test_every_lack_of_room_on_a_gpu_is_known(station, capsys, monkeypatch, kind, words):
    torch = pytest.importorskip("torch")
    error = getattr(torch, kind, RuntimeError)
    emptied = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(1))
    monkeypatch.setattr(stations, "Meter", lambda device: Timer())

    def act(faces, placement):
        if placement.batch > 2:
            raise error(words)
        return list(faces)

    here, _ = station(act, device="cuda:1")
    assert all(each.image is not None for each in here.restore(jobs(2)))
    assert emptied == [1]
    assert "cuda:1 has no room for 4 faces" in capsys.readouterr().err


class Timer:
    """A meter that says 8 seconds and 100 bytes."""

    seconds, memory = 8.0, 100

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


def test_an_image_for_which_there_is_no_room_alone_is_an_error(station):
    here, _ = station(room_for(0), batch=2)
    found = here.restore(jobs(2))
    assert [each.detail for each in found] == ["MemoryError"] * 2
    assert here.placement.batch == 1


def test_weights_that_find_no_room_end_the_run_with_a_line(fakes, tmp_path):
    class TooLarge(Batching):
        def placed(self, placement):
            raise MemoryError

    here = RestorerRunner(
        TooLarge(fakes.card("net")), Placement("cuda:0", 2), TracebackLog(tmp_path / "e")
    )
    with pytest.raises(UserError, match="cuda:0 has no room for the weights of net"):
        here.restore(jobs(1))


@pytest.mark.parametrize(
    ("computed_for", "shares"),
    [(lambda faces: 4, [2, 2, 2, 2, 2]), (len, [2] * 4 + [8])],
    ids=["a network that fills up", "a program"],
)
def test_a_calls_time_is_shared_by_the_faces_that_it_computes(
    station, monkeypatch, computed_for, shares
):
    monkeypatch.setattr(stations, "Meter", lambda device: Timer())
    monkeypatch.setattr(Batching, "computed_for", lambda self, faces: computed_for(faces))
    here, _ = station()
    found = here.restore(jobs(5))
    assert [each.seconds for each in found] == shares
    assert {each.memory for each in found} == {100}


def test_the_time_of_a_real_call_is_that_of_the_batch_divided(station):
    here, _ = station(lambda faces, _: time.sleep(0.2) or list(faces))
    for each in here.restore(jobs(4)):
        assert 0.05 <= each.seconds < 0.15

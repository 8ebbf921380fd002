"""Workers that fit into the shared memory, and batches that are on the device ahead of use."""

import os

import pytest

torch = pytest.importorskip("torch")

from training_stand_ins import face_pack, small, write_faces  # noqa: E402

from zoo.training.base.worker_batches import batches_of, fitting_workers  # noqa: E402
from zoo.training.data.batches import FaceBatches  # noqa: E402
from zoo.training.data.device_batch import DeviceBatches  # noqa: E402


@pytest.fixture(scope="module")
def batches(tmp_path_factory):
    return FaceBatches(small(), face_pack(write_faces(tmp_path_factory.mktemp("here") / "faces")))


@pytest.fixture
def room(monkeypatch, tmp_path):
    """Return a folder that stands for shared memory, and what sets its free megabytes."""

    def set_free(megabytes):
        status = os.statvfs_result(
            (4096, 4096, 1, 1, int(megabytes * 1e6) // 4096, 0, 0, 0, 0, 255)
        )
        monkeypatch.setattr(os, "statvfs", lambda path: status)

    return tmp_path, set_free


def test_as_many_workers_are_used_as_their_batches_have_room_for(room):
    memory, set_free = room
    set_free(1000)
    assert fitting_workers(8, 25_000_000, memory=memory) == (8, "")
    set_free(400)
    fitting, note = fitting_workers(8, 25_000_000, memory=memory)
    # 360 of the 400 MB may be used: one batch that is learned from, two ahead of each worker.
    assert fitting == 6
    assert "has room for the batches of 6 of 8 workers" in note
    assert "0.5 GB" in note
    assert "--shm-size" in note
    assert fitting_workers(8, 25_000_000, processes=2, memory=memory)[0] == 3
    set_free(30)
    assert fitting_workers(8, 25_000_000, memory=memory)[0] == 0


def test_where_there_is_no_shared_memory_or_no_worker_nothing_is_checked(room):
    memory, set_free = room
    set_free(0)
    assert fitting_workers(4, 10**9, memory=memory / "none") == (4, "")
    assert fitting_workers(0, 10**9, memory=memory) == (0, "")


def test_the_bytes_of_a_batch_are_those_of_its_tensors(batches):
    total = []
    batches[0].mapped(lambda tensor: total.append(tensor.nbytes) or tensor)
    # The flips are a byte a face.
    assert batches.batch_bytes == sum(total) + 4


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_the_same_batches_arrive_in_order(batches):
    made = batches_of(batches, range(6), workers=1, pinned=True)
    on_gpu, on_cpu = (
        DeviceBatches(small(), "tight", torch.device(name)) for name in ("cuda", "cpu")
    )
    for step, batch in enumerate(on_gpu.stream(made)):
        expected = on_cpu(batches[step])
        assert batch.hq.device.type == "cuda"
        for name in ("hq", "lq", "mask", "right", "parts"):
            assert torch.equal(getattr(batch, name).cpu(), getattr(expected, name))
    assert step == 5

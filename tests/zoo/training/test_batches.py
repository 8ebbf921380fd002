import pickle
from collections import Counter

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training_stand_ins import face_pack, small, write_faces  # noqa: E402

from degrade.errors import ImageError  # noqa: E402
from zoo.networks.restoration.style import StyleConfig  # noqa: E402
from zoo.training.base.config import TrainingError  # noqa: E402
from zoo.training.base.worker_batches import batches_of  # noqa: E402
from zoo.training.data.batches import FaceBatches  # noqa: E402
from zoo.training.data.face_pack import FacePack  # noqa: E402

FIELDS = ("hq", "lq", "labels", "others", "parts", "flips")


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return face_pack(write_faces(tmp_path_factory.mktemp("here") / "faces"))


def same(one, other):
    tensors = all(torch.equal(getattr(one, field), getattr(other, field)) for field in FIELDS)
    return tensors and one.keys == other.keys


def test_batches_depend_on_the_step_alone(pack):
    one, two = FaceBatches(small(), pack), FaceBatches(small(), pack)
    _ = one[0], one[1]
    assert same(one[5], two[5])
    assert not same(one[5], one[6])


@pytest.mark.parametrize("changes", [{}, {"clean": 0.5}])
def test_the_parts_of_a_batch_put_together_are_the_batch(pack, changes):
    config = small(**changes)
    whole = FaceBatches(config, pack)
    parts = [FaceBatches(config, pack, range(first, first + 2)) for first in (0, 2)]
    for step in range(4):
        for field in FIELDS:
            joined = torch.cat([getattr(part[step], field) for part in parts])
            assert torch.equal(joined, getattr(whole[step], field)), field


def test_a_batch_has_what_the_pack_has_of_its_faces(pack):
    batch = FaceBatches(small(), pack)[2]
    assert {t.dtype for t in (batch.hq, batch.lq, batch.labels, batch.others)} == {torch.uint8}
    assert batch.hq.shape == batch.lq.shape == (4, 64, 64, 3)
    assert batch.labels.shape == (4, 32, 32)
    for place, key in enumerate(batch.keys):
        number = pack.index.keys.index(key)
        following = pack.index.keys.index(batch.keys[(place + 1) % 4])
        assert np.array_equal(batch.hq[place], pack.hq(number))
        assert np.array_equal(batch.labels[place], pack.labels(number))
        assert np.array_equal(batch.others[place], pack.labels(following))
        assert np.array_equal(batch.parts[place], pack.parts(number))


def test_half_of_the_faces_are_to_be_mirrored(pack):
    batches = FaceBatches(small(batch_size=16), pack)
    flips = torch.cat([batches[step].flips for step in range(20)])
    assert 0.4 < float(flips.float().mean()) < 0.6


def test_a_share_of_the_faces_comes_undegraded(pack):
    batches = FaceBatches(small(batch_size=16, clean=0.3), pack)
    untouched = torch.cat(
        [(b.hq == b.lq).flatten(1).all(dim=1) for b in (batches[step] for step in range(20))]
    )
    assert 0.22 < float(untouched.float().mean()) < 0.42
    before = FaceBatches(small(batch_size=16), pack)[3]
    assert torch.equal(before.hq, batches[3].hq)
    assert torch.equal(before.flips, batches[3].flips)


def test_a_face_of_weight_three_comes_three_times_a_pass_each_time_degraded_otherwise(tmp_path):
    first, second = (write_faces(tmp_path / name) for name in ("first", "second"))
    for path in second.glob("*.png"):
        path.unlink() if path.name > "04.png" else None
    from zoo.training.data.packing import PackOptions, pack_faces

    options = PackOptions(weights={second: 3})
    both = pack_faces([first, second], tmp_path / "both.pack", options)
    few = len([key for key in both.keys("train") if key.startswith("second/")])
    many = len(both.keys("train")) - few
    batches = FaceBatches(small(batch_size=many + 3 * few), both)
    batch = batches[0]
    counts = Counter(batch.keys)
    assert counts == {key: 1 + 2 * key.startswith("second/") for key in both.keys("train")}
    key = next(key for key in batch.keys if key.startswith("second/"))
    lqs = [batch.lq[place] for place, other in enumerate(batch.keys) if other == key]
    assert not torch.equal(lqs[0], lqs[1])
    assert not torch.equal(lqs[1], lqs[2])


def test_a_loader_worker_makes_the_same_bytes_and_its_mistakes_stay_one_line(tmp_path):
    folder = write_faces(tmp_path / "faces")
    pack = face_pack(folder, codec="jpeg")
    batches = FaceBatches(small(), pack)
    first, wanted = batches[0], batches[1]
    # Step 1 is the first with this face.
    key = min(set(wanted.keys) - set(first.keys))
    offset, length, _ = pack.index.records[pack.index.keys.index(key)]
    data = bytearray(pack.path.read_bytes())
    data[offset : offset + length] = bytes(length)
    pack.path.write_bytes(data)
    made = batches_of(FaceBatches(small(), FacePack(pack.path)), range(0, 2), workers=1)
    assert same(next(made), first)
    with pytest.raises(ImageError, match=rf"the JPEG of {key} is damaged") as caught:
        next(made)
    assert "Traceback" not in str(caught.value)


def test_without_workers_batches_are_made_when_they_are_asked_for(pack):
    batches = FaceBatches(small(), pack)
    made = list(batches_of(batches, range(3, 5)))
    assert len(made) == 2
    assert same(made[1], batches[4])


def test_batches_travel_to_other_processes_without_the_faces(pack):
    data = pickle.dumps(FaceBatches(small(), pack))
    assert len(data) < 50_000
    assert same(pickle.loads(data)[3], FaceBatches(small(), pack)[3])  # noqa: S301


def test_faces_of_another_size_are_one_line(pack):
    other = small(network=StyleConfig(128, {16: 8, 32: 8, 64: 8}))
    with pytest.raises(TrainingError, match=r"64 × 64, tiny takes 128: run `zoo align` or"):
        FaceBatches(other, pack)

"""Where restorers compute: several faces at once, and on a GPU, which is faked."""

import contextlib
import types

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from trained_weights import STYLE, UNET, trained_file  # noqa: E402

import zoo  # noqa: E402
from zoo.restorers.command import CommandRestorer  # noqa: E402
from zoo.restorers.placement import (  # noqa: E402
    HERE,
    DeviceError,
    DeviceRestorer,
    Placement,
    device_facts,
    exactly,
    filled_batches,
    filled_up,
    parse_device,
    require_device,
)
from zoo.restorers.spandrel import forward as spandrel_forward  # noqa: E402
from zoo.restorers.spandrel.network import SpandrelNetwork  # noqa: E402


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def faces(count, side=64):
    rng = np.random.default_rng(5)
    return [rng.integers(0, 256, (side, side, 3), np.uint8) for _ in range(count)]


@pytest.mark.parametrize(
    ("name", "device"),
    [("cpu", "cpu"), ("cuda", "cuda:0"), ("cuda:0", "cuda:0"), ("cuda:12", "cuda:12")],
)
def test_a_device_has_one_name(name, device):
    assert parse_device(name) == device


def test_a_batch_of_nothing_would_restore_nothing():
    for batch in (0, -3):
        with pytest.raises(ValueError, match=f"a batch has one face or more, not {batch}"):
            Placement(batch=batch)


@pytest.mark.parametrize(
    "name", ["", "gpu", "CUDA", "cuda:", "cuda:01", "cuda:x", "cuda:-1", "mps", "auto"]
)
def test_another_word_is_no_device(name):
    with pytest.raises(DeviceError, match="name cpu, cuda or"):
        parse_device(name)


def test_a_gpu_that_is_not_there_is_one_line(two_gpus):
    for device in ("cpu", "cuda:0", "cuda:1"):
        require_device(device)
    with pytest.raises(
        DeviceError, match=r"no device 'cuda:2' here, the GPUs are cuda:0 to cuda:1"
    ):
        require_device("cuda:2")


def test_without_any_gpu_the_processor_is_advised(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="there is no device 'cuda:0' here: use --device cpu"):
        require_device("cuda:0")


def test_a_gpu_is_told_with_the_versions_that_decide_its_values(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU at {device}")
    monkeypatch.setattr(torch.version, "cuda", "12.4")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 90100)
    assert device_facts("cuda:1") == "GPU at cuda:1, CUDA 12.4, cuDNN 90100"
    assert device_facts("cpu") == "cpu"


def test_the_last_batch_is_filled_up_with_its_last_item():
    assert list(filled_batches("abcde", 2)) == [
        (["a", "b"], 2), (["c", "d"], 2), (["e", "e"], 1)
    ]  # fmt: skip
    assert list(filled_batches("", 4)) == []
    for count in range(9):
        assert filled_up(count, 4) == sum(len(each) for each, _ in filled_batches("a" * count, 4))


def test_a_gpu_computes_in_whole_float32_and_is_left_as_it_was():
    def settings():
        cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
        return cudnn.allow_tf32, matmul.allow_tf32, cudnn.deterministic, cudnn.benchmark

    before = settings()
    with pytest.raises(KeyError), exactly("cuda:0"):
        assert settings() == (False, False, True, False)
        raise KeyError
    assert settings() == before
    with exactly("cpu"):
        assert settings() == before


@pytest.mark.parametrize("network", [STYLE, UNET])
def test_a_faces_bytes_depend_on_the_batch_and_on_no_neighbour(tmp_path, network):
    alone = zoo.load(str(trained_file(tmp_path / "a.safetensors", network)))
    assert isinstance(alone, DeviceRestorer) and alone.placement == HERE
    four = alone.placed(Placement(batch=4))
    assert (alone.placement, four.placement.batch) == (HERE, 4)
    rng = np.random.default_rng(6)
    given = faces(6)
    masks = [(rng.random((19, 64, 64)) / 19).astype(np.float32) for _ in range(5)] + [None]
    together = four.restore(given, masks)
    for number in range(6):
        (single,) = four.restore(given[number : number + 1], masks[number : number + 1])
        np.testing.assert_array_equal(single, together[number])
    backwards = four.restore(given[::-1], masks[::-1])[::-1]
    np.testing.assert_array_equal(backwards, together)
    # The contract: another batch may differ by one level on 0.01 % of the values.
    apart = np.abs(np.stack(together).astype(int) - np.stack(alone.restore(given, masks)))
    assert apart.max() <= 1 and (apart > 0).mean() <= 1e-3  # random weights amplify
    assert np.abs(np.stack(together).astype(int) - np.stack(given)).mean() > 1


def test_moving_to_a_gpu_copies_the_weights_once_and_leaves_the_first_where_it_was(
    tmp_path, monkeypatch
):
    moved = []

    def to(module, device=None, **options):
        moved.append((module, device))
        return module

    restorer = zoo.load(str(trained_file(tmp_path / "a.safetensors", UNET)))
    monkeypatch.setattr(torch.nn.Module, "to", to)
    there = restorer.placed(Placement("cuda:1", 8))
    fewer = there.placed(Placement("cuda:1", 4))
    assert [device for _, device in moved] == ["cuda:1"]
    assert there.network is not restorer.network and fewer.network is there.network
    assert (restorer.placement, fewer.placement) == (HERE, Placement("cuda:1", 4))


def test_psp_takes_several_faces_at_once():
    alone = zoo.load("psp")
    four = alone.placed(Placement(batch=4))
    given = [np.kron(face, np.ones((8, 8, 1), np.uint8)) for face in faces(5, 8)]
    together = four.restore(given)
    np.testing.assert_array_equal(four.restore(given[1:3]), together[1:3])
    apart = np.abs(np.stack(together).astype(int) - np.stack(alone.restore(given)))
    assert apart.max() <= 1 and (apart > 0).mean() <= 1e-3


class Doubled:
    """As spandrel describes a network: halves its picture's distance to white, may draw."""

    input_channels, scale = 3, 1
    architecture = types.SimpleNamespace(id="X")

    def __init__(self, draws=False, room=100):
        self.draws, self.room, self.sizes = draws, room, []

    def __call__(self, pictures):
        self.sizes.append(len(pictures))
        if len(pictures) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        noise = torch.rand_like(pictures) if self.draws else 0
        return (pictures + 1 + noise) / 3


def around(network, **options):
    return SpandrelNetwork(zoo.card("nlmeans"), network, **options)


def test_a_network_of_spandrels_takes_faces_of_one_size_at_once():
    network = Doubled()
    given = [*faces(3, 16), *faces(2, 24)]
    alone = around(network).restore(given)
    assert network.sizes == [1] * 5
    network.sizes.clear()
    pairs = around(network).placed(Placement(batch=2))
    together = pairs.restore(given)
    assert network.sizes == [2, 2, 2]
    assert pairs.computed_for(given) == sum(network.sizes)
    large = np.zeros((640, 640, 3), np.uint8)  # in tiles, one by one
    assert pairs.computed_for([large]) == 1
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_a_network_draws_does_not_depend_on_the_neighbours():
    network = Doubled(draws=True)
    given = faces(3, 16)
    alone = around(network).restore(given)
    together = around(network, placement=Placement(batch=3)).restore(given)
    np.testing.assert_array_equal(together, alone)
    assert np.abs(alone[0].astype(int) - around(Doubled()).restore(given)[0]).max() > 9


def test_lack_of_room_is_not_taken_for_a_picture_of_a_wrong_size():
    with pytest.raises(torch.OutOfMemoryError):
        around(Doubled(room=1), placement=Placement(batch=2)).restore(faces(2, 16))


def test_draws_on_a_gpu_are_seeded_there_too(monkeypatch):
    # A generator of the processor stands for the GPU's, and its tensors stay here.
    generator, forked = torch.Generator(), []
    monkeypatch.setattr(torch.cuda, "default_generators", (None, generator))
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, device: tensor)

    @contextlib.contextmanager
    def fork(devices):
        forked.append(devices)
        yield

    monkeypatch.setattr(torch.random, "fork_rng", fork)

    class Draws(Doubled):
        def __call__(self, pictures):
            return pictures * torch.rand(pictures.shape, generator=generator)

    planes = np.ones((1, 3, 4, 4), np.float32)
    found, drew = spandrel_forward.forwarded(Draws(), planes, "x", 0.5, "cuda:1")
    again, _ = spandrel_forward.forwarded(Draws(), planes, "x", 0.5, "cuda:1")
    assert drew and forked == [[1], [1]]
    np.testing.assert_array_equal(found, again)


def test_a_program_that_takes_folders_is_started_once_for_several_faces(tmp_path):
    words = ("sh", "-c", f"echo x >> {tmp_path}/starts; cp {{in}}/* {{out}}/")
    program = CommandRestorer(zoo.card("nlmeans"), words, tmp_path, 30)
    several = program.placed(Placement("cuda:0", 3))
    assert several.placement == Placement("cpu", 3)
    assert several.computed_for(faces(2)) == 2
    np.testing.assert_array_equal(several.restore(faces(3)), faces(3))
    assert (tmp_path / "starts").read_text().count("x") == 1
    each = CommandRestorer(zoo.card("nlmeans"), ("cp", "{in_file}", "{out_file}"), tmp_path, 30)
    assert each.placed(Placement(batch=3)).placement == HERE

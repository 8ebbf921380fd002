import pytest

torch = pytest.importorskip("torch")

from zoo.networks.face_descriptor import (  # noqa: E402
    DescriptorConfig,
    FaceDescriptor,
    load_descriptor,
    save_descriptor,
)
from zoo.weights import WeightsRefused  # noqa: E402

SMALL = DescriptorConfig(32, (8, 12), 16)


def test_faces_of_any_size_become_vectors_of_length_one():
    network = FaceDescriptor(SMALL)
    for side in (32, 64, 128):
        found = network(torch.rand(2, 3, side, side))
        assert found.shape == (2, 16)
        torch.testing.assert_close(found.norm(dim=1), torch.ones(2))


def test_a_saved_network_comes_back_frozen_and_the_same(tmp_path):
    network = FaceDescriptor(SMALL)
    save_descriptor(network, tmp_path / "a.safetensors")
    loaded = load_descriptor(tmp_path / "a.safetensors")
    faces = torch.rand(1, 3, 32, 32)
    assert torch.equal(loaded(faces), network(faces))
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_another_file_is_refused_in_one_line(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(WeightsRefused, match="no face descriptor"):
        load_descriptor(path)
    path.write_bytes(b"cut")
    with pytest.raises(WeightsRefused, match="no safetensors file"):
        load_descriptor(path)

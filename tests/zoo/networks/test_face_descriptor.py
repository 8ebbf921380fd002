import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from zoo.networks.config import network_config  # noqa: E402
from zoo.networks.faces.face_descriptor import (  # noqa: E402
    DescriptorConfig,
    FaceDescriptor,
    load_descriptor,
    save_descriptor,
)
from zoo.weights.files import WeightsRefused  # noqa: E402

SMALL = DescriptorConfig(32, (8, 12), 16)


def used(config=SMALL):
    """A network whose norms have seen faces."""
    torch.manual_seed(1)
    network = FaceDescriptor(config)
    for _ in range(3):
        network(torch.rand(8, 3, config.size, config.size))
    return network.eval()


def test_faces_of_any_size_become_vectors_of_length_one():
    network = used()
    for side in (32, 64, 128):
        found = network(torch.rand(2, 3, side, side))
        assert found.shape == (2, 16)
        torch.testing.assert_close(found.norm(dim=1), torch.ones(2))
    with torch.autocast("cpu", torch.bfloat16):
        assert network(torch.rand(2, 3, 32, 32)).dtype == torch.float32


def test_the_shipped_size_has_less_than_a_million_parameters():
    with torch.device("meta"):
        network = FaceDescriptor(DescriptorConfig())
    assert 0.9e6 < sum(value.numel() for value in network.parameters()) < 1e6


def test_one_face_is_described_alike_alone_and_among_others():
    network, faces = used(), torch.rand(4, 3, 32, 32)
    torch.testing.assert_close(network(faces[:1]), network(faces)[:1], rtol=1e-4, atol=1e-5)


def test_a_saved_network_comes_back_frozen_and_as_near_as_16_bits_are(tmp_path):
    network = used()
    save_descriptor(network, tmp_path / "a.safetensors", {"steps": 3})
    loaded = load_descriptor(tmp_path / "a.safetensors")
    faces = torch.rand(4, 3, 32, 32)
    assert (
        float(functional.cosine_similarity(loaded(faces), network(faces)).detach().min()) > 0.9999
    )
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    assert all(value.dtype != torch.float16 for value in loaded.state_dict().values())
    save_descriptor(loaded, tmp_path / "b.safetensors", {"steps": 3})
    written = [(tmp_path / f"{name}.safetensors").read_bytes() for name in "ab"]
    assert written[0] == written[1]


def test_another_file_is_refused_in_one_line(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(WeightsRefused, match="no face descriptor"):
        load_descriptor(path)
    path.write_bytes(b"cut")
    with pytest.raises(WeightsRefused, match="no safetensors file"):
        load_descriptor(path)


@pytest.mark.parametrize("told", ["[]", '{"descriptor": 3}', '{"descriptor": {"size": 33}}', "{"])
def test_a_header_that_lies_is_refused_in_one_line(tmp_path, told):
    from safetensors.torch import save_file

    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata={"relume": told})
    with pytest.raises(WeightsRefused, match="no face descriptor") as caught:
        load_descriptor(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "sizes", [{"size": 30}, {"channels": ()}, {"features": 0}, {"channels": (8, 1.5)}]
)
def test_sizes_that_cannot_be_are_refused(sizes):
    record = {"size": 32, "channels": (8, 12), **sizes}
    with pytest.raises(ValueError, match=r"halved|channels|features"):
        network_config(record, {"descriptor": DescriptorConfig})

import numpy as np
import pytest
import torch
from spandrel.architectures.ESRGAN import ESRGAN

from zoo.restorers.spandrel.ncnn import read_esrgan
from zoo.restorers.spandrel.weights import read_network
from zoo.weights.files import KNOWN_WEIGHTS, WeightsMissing, WeightsRefused, locate


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    return ESRGAN(num_filters=64, num_blocks=23, scale=4).half().float()


@pytest.fixture(scope="module")
def encoded(network):
    """The file as ncnn's own writer lays it out (tools/modelwriter.h, fwrite_weight_tag_data)."""
    parts = []
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            halves = module.weight.detach().numpy().astype("<f2").tobytes()
            parts += [(0x01306B47).to_bytes(4, "little"), halves, bytes(-len(halves) % 4)]
            parts.append(module.bias.detach().numpy().astype("<f4").tobytes())
    return b"".join(parts)


def test_every_weight_and_bias_arrives_under_spandrels_name(network, encoded, tmp_path):
    path = tmp_path / "network.bin"
    path.write_bytes(encoded)
    state = read_esrgan(path)
    expected = network.state_dict()
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], expected[name]) for name in expected)
    loaded = read_network(path)
    assert loaded.architecture.id == "ESRGAN" and loaded.scale == 4


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-4],
        lambda data: data + bytes(4),
        lambda data: b"\0\0\0\0" + data[4:],
        lambda data: data[:4] + b"\x00\x7e" + data[6:],
        lambda data: b"",
    ],
    ids=["cut", "longer", "another tag", "not a number", "empty"],
)
def test_another_file_is_refused(encoded, tmp_path, damage):
    path = tmp_path / "network.bin"
    path.write_bytes(damage(encoded))
    with pytest.raises(WeightsRefused, match=r"network\.bin.*zoo fetch realesrgan-x4plus"):
        read_esrgan(path)


def test_the_published_file_enlarges_four_times_without_a_shift_of_tone():
    try:
        path = locate(KNOWN_WEIGHTS["realesrgan-x4plus"], offline=True)
    except WeightsMissing:
        pytest.skip("the weights are not on this machine: run `zoo fetch realesrgan-x4plus`")
    ramp = np.linspace(0.1, 0.9, 24, dtype=np.float32)[None, None, None].repeat(3, 1).repeat(24, 2)
    with torch.inference_mode():
        enlarged = read_network(path)(torch.from_numpy(ramp)).numpy()
    assert enlarged.shape == (1, 3, 96, 96)
    means = enlarged.reshape(1, 3, 24, 4, 24, 4).mean(axis=(3, 5))
    assert np.abs(means - ramp)[..., 2:-2].mean() < 0.03

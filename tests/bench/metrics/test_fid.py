import numpy as np
import pytest
import torch
from skimage import data

from bench.metrics.distribution.fid import InceptionDistance
from bench.metrics.entry import Status
from bench.metrics.metric import Sample
from bench.metrics.networks.inception import FidInception, average_inside
from bench.metrics.registry import entry_of


@pytest.fixture(scope="module")
def state():
    from torchvision.models.inception import Inception3

    generator = torch.Generator().manual_seed(0)
    network = Inception3(num_classes=1008, aux_logits=False, init_weights=False)
    state = network.state_dict()
    for name, value in state.items():
        if name.endswith("conv.weight"):  # He et al. 2015: what comes in goes out as strong
            deviation = (2 / value[0].numel()) ** 0.5
            state[name] = torch.randn(value.shape, generator=generator) * deviation
    return state


@pytest.fixture(scope="module")
def network(state):
    return FidInception(state)


@pytest.fixture(scope="module")
def images():
    pixels = data.astronaut()[:120, 100:260]
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float() / 255


def test_means_leave_the_padding_out():
    maps = torch.arange(16.0).reshape(1, 1, 4, 4)
    means = average_inside(maps)[0, 0]
    assert means[0, 0] == torch.tensor([0.0, 1, 4, 5]).mean()
    assert means[0, 1] == torch.tensor([0.0, 1, 2, 4, 5, 6]).mean()
    assert means[1, 1] == 5.0
    assert torch.equal(average_inside(torch.ones(1, 2, 5, 5)), torch.ones(1, 2, 5, 5))


def test_every_mixed_block_pools_inside_and_the_last_takes_the_maximum(network):
    maps = torch.full((1, 2, 3, 3), -1.0)
    maps[..., 1, 1] = 3.0
    inner = network.network
    assert torch.equal(inner.Mixed_7c.pool(maps), torch.full_like(maps, 3.0))
    assert torch.equal(inner.Mixed_7b.pool(maps), average_inside(maps))
    seen = []
    for name in ("5b", "5c", "5d", "6b", "6c", "6d", "6e", "7b"):
        block = getattr(inner, f"Mixed_{name}")
        hook = block.branch_pool.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        ones = torch.ones(1, block.branch1x1.conv.in_channels, 5, 5)
        block(ones)
        hook.remove()
        assert torch.equal(seen[-1], ones), name


def test_features_have_2048_numbers_whatever_the_size_of_the_image(network, images):
    assert network(images).shape == (1, 2048)
    assert network(images[..., :1, :1]).shape == (1, 2048)


# pyiqa calls torchvision by an argument that torchvision has renamed.
@pytest.mark.filterwarnings("ignore:The parameter 'pretrained' is deprecated:UserWarning")
@pytest.mark.filterwarnings("ignore:Arguments other than a weight enum:UserWarning")
def test_it_agrees_with_pyiqas_port_of_fid_inception(state, network, images, monkeypatch):
    pytest.importorskip("pyiqa")
    from pyiqa.archs import inception as reference

    def load(inner, _):
        inner.load_state_dict(state)

    monkeypatch.setattr(reference, "load_pretrained_network", load)
    with torch.inference_mode():
        port = reference.InceptionV3().eval()
        expected = port(images, resize_input=True, normalize_input=True)[0].flatten()
    assert float(expected.std()) > 0.1
    torch.testing.assert_close(network(images)[0], expected, rtol=1e-4, atol=1e-5)


def test_the_metric_describes_an_image_once_and_compares_sets(network):
    fid = InceptionDistance(entry_of("fid"), network)
    samples = [Sample(data.astronaut()[y : y + 80, :80]) for y in (0, 100, 200)]
    features = np.stack([fid.describe(sample) for sample in samples])
    assert features.dtype == np.float64
    assert fid.describe(samples[0]) is fid.describe(samples[0])
    assert fid.compare(features, features).value == pytest.approx(0, abs=1e-9)
    assert fid.compare(features, features + 1).value == pytest.approx(2048)
    assert fid.compare(features[:1], features).status is Status.ERROR

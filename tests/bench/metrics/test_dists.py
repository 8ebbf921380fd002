import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data

from bench.metrics.entry import Status
from bench.metrics.metric import Sample
from bench.metrics.networks.dists import DistsNetwork, load_heads
from bench.metrics.perceptual.dists import Dists, load_dists
from bench.metrics.registry import entry_of
from zoo.weights.files import WeightsMissing

pytest.importorskip("torchmetrics")


@pytest.fixture(scope="module")
def backbone():
    from torchvision.models import vgg16

    with torch.device("meta"):
        shapes = vgg16(weights=None).state_dict()
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(value.shape, generator=generator)
        * (2 / value[0].numel() if value.ndim == 4 else 0.01) ** 0.5
        for name, value in shapes.items()
        if name.startswith("features.")
    }


@pytest.fixture(scope="module")
def heads():
    generator = torch.Generator().manual_seed(1)
    return {name: torch.rand(1, 1475, 1, 1, generator=generator) for name in ("alpha", "beta")}


@pytest.fixture(scope="module")
def network(backbone, heads):
    return DistsNetwork(backbone, heads)


@pytest.fixture(scope="module")
def pair():
    hq = data.astronaut()[:80, 100:196]
    restored = np.rint(gaussian_filter(hq.astype(float), (1.5, 1.5, 0))).astype(np.uint8)
    return Sample(restored), Sample(hq)


def tensor(sample):
    return torch.from_numpy(sample.image.copy()).permute(2, 0, 1)[None].float() / 255


def other_with_our_weights(module, backbone, heads):
    """Put our random weights into the module of another package, whose layers are VGG's."""
    state = module.state_dict()
    for name in state:
        parts = name.split(".")
        if parts[0].startswith("stage") and parts[-1] in {"weight", "bias"}:
            state[name] = backbone[f"features.{parts[1]}.{parts[2]}"]
    state.update(heads)
    module.load_state_dict(state)
    return module


def without_download(monkeypatch, module):
    from torchvision.models import vgg16

    monkeypatch.setattr(module, "vgg16", lambda weights: vgg16(weights=None))


def test_it_agrees_with_pyiqa(network, backbone, heads, pair, monkeypatch):
    arch = pytest.importorskip("pyiqa.archs.dists_arch")
    without_download(monkeypatch, arch.models)
    module = other_with_our_weights(arch.DISTS(pretrained=False), backbone, heads)
    with torch.inference_mode():
        expected = float(module(tensor(pair[0]), tensor(pair[1])))
    assert Dists(entry_of("dists"), network).measure(*pair).value == pytest.approx(
        expected, rel=1e-4
    )
    assert expected > 0.01


def test_it_agrees_with_torchmetrics(network, backbone, heads, pair, monkeypatch):
    from torchmetrics.functional.image import dists as theirs

    without_download(monkeypatch, theirs)
    module = other_with_our_weights(theirs.DISTSNetwork(load_weights=False), backbone, heads)
    with torch.inference_mode():
        expected = float(module(tensor(pair[0]), tensor(pair[1])))
    assert Dists(entry_of("dists"), network).measure(*pair).value == pytest.approx(
        expected, rel=1e-4
    )


def test_the_published_heads_are_weights_of_1475_channels_that_are_not_negative():
    heads = load_heads()
    assert {name: tuple(value.shape) for name, value in heads.items()} == {
        "alpha": (1, 1475, 1, 1),
        "beta": (1, 1475, 1, 1),
    }
    assert all((value >= 0).all() for value in heads.values())


def test_equal_images_are_at_distance_zero_and_order_does_not_matter(network, pair):
    dists = Dists(entry_of("dists"), network)
    same = Sample(pair[1].image.copy())
    assert dists.measure(same, pair[1]).value == pytest.approx(0, abs=1e-9)
    there, back = dists.measure(*pair).value, dists.measure(pair[1], pair[0]).value
    assert there == pytest.approx(back, rel=1e-12)


def test_a_truth_is_described_once_for_all_restorers(network, pair, monkeypatch):
    calls = []
    monkeypatch.setattr(
        DistsNetwork, "maps", lambda self, images: calls.append(1) or [images, images.relu()]
    )
    monkeypatch.setattr(DistsNetwork, "distance", lambda *_: torch.zeros(1))
    truth = Sample(pair[1].image)
    for _ in range(3):
        Dists(entry_of("dists"), network).measure(pair[0], truth)
    assert len(calls) == 4


@pytest.mark.parametrize(("size", "status"), [((31, 99), Status.ERROR), ((32, 32), Status.OK)])
def test_32_pixels_are_the_least(network, size, status):
    sample = Sample(np.zeros((*size, 3), np.uint8))
    assert Dists(entry_of("dists"), network).measure(sample, sample).status is status


def test_another_networks_weights_are_not_taken(backbone, heads):
    with pytest.raises(KeyError):
        DistsNetwork({"features.0.weight": backbone["features.0.weight"]}, heads)


def test_missing_weights_are_not_fetched(tmp_path, monkeypatch):
    monkeypatch.delenv("RELUME_WEIGHTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("zoo.weights.files.download", pytest.fail)
    with pytest.raises(WeightsMissing, match="zoo fetch vgg16"):
        load_dists(entry_of("dists"))

"""KID, and the clean resize that FID and KID share, on random weights of Inception's shape."""

import numpy as np
import pytest
import torch
from skimage import data

from bench.metrics.distribution.fid import InceptionDistance, load_inception_distance, resize_clean
from bench.metrics.entry import Status
from bench.metrics.metric import Sample
from bench.metrics.networks.inception import INPUT_SIZE, FidInception
from bench.metrics.registry import entry_of
from zoo.weights.files import WeightsMissing

COUNT = 4


@pytest.fixture(scope="module")
def network():
    from torchvision.models.inception import Inception3

    generator = torch.Generator().manual_seed(0)
    state = Inception3(num_classes=1008, aux_logits=False, init_weights=False).state_dict()
    for name, value in state.items():
        if name.endswith("conv.weight"):
            deviation = (2 / value[0].numel()) ** 0.5
            state[name] = torch.randn(value.shape, generator=generator) * deviation
    return FidInception(state)


@pytest.fixture(scope="module")
def images():
    picture = data.astronaut()
    return [picture[y : y + 96, 60 : 60 + 110] for y in range(0, 60 * COUNT, 60)]


@pytest.fixture(scope="module")
def others(images):
    draw = np.random.default_rng(0)
    return [np.clip(i + draw.normal(0, 20, i.shape), 0, 255).astype(np.uint8) for i in images]


def described(metric, images):
    return np.stack([metric.describe(Sample(image)) for image in images])


class Features(torch.nn.Module):
    """The network as torchmetrics asks for it: uint8 images in, vectors out."""

    def __init__(self, network):
        super().__init__()
        self.network, self.num_features = network, 2048

    def forward(self, images):
        with torch.inference_mode():
            return self.network(images.float() / 255)


# torchmetrics tells that it keeps features in memory.
@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance` will save:UserWarning")
def test_kid_over_all_pairs_is_torchmetrics_over_one_subset_of_all(network, images, others):
    pytest.importorskip("torchmetrics")
    from torchmetrics.image.kid import KernelInceptionDistance

    module = KernelInceptionDistance(feature=Features(network), subsets=1, subset_size=COUNT)
    for batch, real in ((images, True), (others, False)):
        module.update(torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2), real=real)
    kid = InceptionDistance(entry_of("kid"), network)
    found = kid.compare(described(kid, others), described(kid, images)).value
    assert found == pytest.approx(float(module.compute()[0]), rel=1e-4)
    assert abs(found) > 1e-6


def test_fid_and_kid_look_at_an_image_once_and_clean_ones_at_another(network, images):
    sample = Sample(images[0])
    fid, kid = (
        InceptionDistance(entry_of("fid"), network),
        InceptionDistance(entry_of("kid"), network),
    )
    assert kid.describe(sample) is fid.describe(sample)
    assert (fid.feature, entry_of("fid_clean").feature) == (
        kid.feature,
        entry_of("kid_clean").feature,
    )
    clean = InceptionDistance(entry_of("kid_clean"), network).describe(sample)
    assert clean is InceptionDistance(entry_of("fid_clean"), network).describe(sample)
    assert not np.allclose(clean, kid.describe(sample), rtol=1e-3)


def test_the_clean_resize_is_pyiqas(images, tmp_path):
    arch = pytest.importorskip("pyiqa.archs.fid_arch")
    from skimage.io import imsave

    large = data.astronaut()[:340, :401]
    for place, image in enumerate((images[0], large)):
        path = tmp_path / f"{place}.png"
        imsave(path, image, check_contrast=False)
        theirs = arch.ResizeDataset([path], mode="clean")[0].numpy().transpose(1, 2, 0)
        np.testing.assert_array_equal(resize_clean(image, INPUT_SIZE), theirs)


def test_clean_features_are_of_levels_less_128_over_128(network, images):
    levels = torch.from_numpy(resize_clean(images[0], INPUT_SIZE)).permute(2, 0, 1)[None]
    assert levels.shape[2:] == (INPUT_SIZE, INPUT_SIZE)
    with torch.inference_mode():
        expected = network.network(levels / 128 - 1)[0].numpy()
    found = InceptionDistance(entry_of("fid_clean"), network).describe(Sample(images[0]))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_versions_of_one_photograph_are_no_pairs_of_their_own(network):
    draw = np.random.default_rng(0)
    restored, reference = draw.normal(size=(6, 2048)), draw.normal(size=(5, 2048))
    kid = InceptionDistance(entry_of("kid"), network)
    of_photographs = np.array([0, 0, 1, 1, 2, 2])
    apart = kid.compare(restored, reference).value
    assert kid.compare(restored, reference, of_photographs).value != pytest.approx(apart)
    assert kid.compare(restored, reference, np.arange(6)).value == pytest.approx(apart)
    assert kid.compare(restored, reference, np.zeros(6, int)).status is Status.ERROR
    assert kid.compare(restored[:1], reference).status is Status.ERROR


def test_differences_of_kid_and_of_fid_can_be_resampled():
    from types import SimpleNamespace

    from bench.stats.comparison import why_not_compared

    names = "kid", "kid_clean", "fid", "fid_clean", "fid_torch_fidelity"
    rows = [SimpleNamespace(metric=name, value=1.0) for name in names]
    run = SimpleNamespace(rows=rows, record={"reference": {"name": "faces"}})
    told = {row.metric: why_not_compared(entry_of(row.metric), run) for row in rows}
    assert told == dict.fromkeys(names, "")


def test_missing_weights_are_not_fetched(tmp_path, monkeypatch):
    monkeypatch.delenv("RELUME_WEIGHTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("zoo.weights.files.download", pytest.fail)
    with pytest.raises(WeightsMissing, match="zoo fetch fid-inception"):
        load_inception_distance(entry_of("kid"))

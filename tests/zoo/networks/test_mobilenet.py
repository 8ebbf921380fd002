import numpy as np
import pytest

torch = pytest.importorskip("torch")

from skimage import data  # noqa: E402
from torchvision.models import mobilenet_v2  # noqa: E402
from torchvision.transforms.functional import normalize  # noqa: E402

from zoo.networks.features import mobilenet  # noqa: E402
from zoo.networks.features.efficientnet import extract  # noqa: E402
from zoo.networks.features.mobilenet import load_mobilenet, stage_maps  # noqa: E402
from zoo.weights.files import (  # noqa: E402
    WeightsMissing,
    is_present,
    known_weights,
    load_state_dict,
    locate,
)


@pytest.fixture
def whole(monkeypatch, tmp_path):
    """torchvision's network with weights drawn here; the file with the same is what is loaded."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = mobilenet_v2(weights=None).eval()
    monkeypatch.setattr(mobilenet, "locate", lambda file, offline: tmp_path / file.filename)
    torch.save(network.state_dict(), tmp_path / known_weights("mobilenet-v2").filename)
    return network


def test_it_is_torchvision_s_network_up_to_the_classifier(whole):
    images = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    maps, last = stage_maps(load_mobilenet(), images)
    scores = whole.classifier(last.mean(dim=(2, 3)))
    reference = whole(normalize(images, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    torch.testing.assert_close(scores, reference)
    assert [tuple(each.shape[1:]) for each in maps] == [
        (16, 32, 48), (24, 16, 24), (32, 8, 12), (96, 4, 6), (320, 2, 3)
    ]  # fmt: skip
    assert all((each < 0).any() for each in maps), "a map is cut off at 0: not a linear output"
    assert 0 <= last.min() <= last.max() <= 6


def test_an_image_has_the_features_of_its_levels(whole):
    image = np.random.default_rng(0).integers(0, 256, (32, 64, 3)).astype(np.uint8)
    network = load_mobilenet()
    features = extract(network, image, maps_of=stage_maps)
    maps, last = stage_maps(network, torch.from_numpy(image).permute(2, 0, 1)[None] / 255)
    np.testing.assert_array_equal(features.stages[2], maps[2][0].numpy())
    np.testing.assert_allclose(features.pooled, last.double().mean(dim=(2, 3))[0].numpy())


def test_without_its_weights_it_says_what_to_run(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("RELUME_WEIGHTS", raising=False)
    with pytest.raises(WeightsMissing, match="zoo fetch mobilenet-v2"):
        load_mobilenet(offline=True)


@pytest.mark.skipif(
    not is_present(known_weights("mobilenet-v2")), reason="run `zoo fetch mobilenet-v2`"
)
@pytest.mark.parametrize(("photo", "label"), [("chelsea", 285), ("coffee", 967)])
def test_with_the_published_weights_a_cat_and_an_espresso_are_recognised(photo, label):
    whole = mobilenet_v2(weights=None).eval()
    whole.load_state_dict(load_state_dict(locate(known_weights("mobilenet-v2"), offline=True)))
    image = getattr(data, photo)()
    pooled = extract(load_mobilenet(offline=True), image, maps_of=stage_maps).pooled
    assert whole.classifier(torch.from_numpy(pooled).float()).argmax() == label

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from training_stand_ins import small  # noqa: E402

from zoo.labels import label_index  # noqa: E402
from zoo.networks.faces.face_descriptor import (  # noqa: E402
    DescriptorConfig,
    FaceDescriptor,
    save_descriptor,
)
from zoo.networks.features.perceptual import UnitFeatures, Vgg19, load_features  # noqa: E402
from zoo.networks.restoration.style import LABELS  # noqa: E402
from zoo.training.adversarial.discriminator import (  # noqa: E402
    discriminator_loss,
    generator_loss,
    gradient_penalty,
)
from zoo.training.base.config import IdentityConfig, TrainingError  # noqa: E402
from zoo.training.losses.identity import IdentityLoss  # noqa: E402
from zoo.training.losses.region_style import REGIONS, region_grams, region_style_loss  # noqa: E402
from zoo.training.tasks.restorer.trainer import RestorerLoss  # noqa: E402
from zoo.weights.files import WeightsMissing  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        yield


@pytest.fixture(scope="module")
def vgg():
    from torchvision.models.vgg import cfgs, make_layers

    with torch.random.fork_rng():
        torch.manual_seed(4)
        return make_layers(cfgs["E"], batch_norm=False)


def test_equal_images_have_no_perceptual_distance_and_others_have():
    network = UnitFeatures("efficientnet-lite0", 2, CPU)
    image = torch.rand(1, 3, 64, 64)
    maps = network.maps(image)
    assert [tuple(found.shape) for found in maps] == [(1, 16, 32, 32), (1, 24, 16, 16)]
    torch.testing.assert_close(maps[0].square().sum(dim=1), torch.ones(1, 32, 32))
    assert float(network.distance(maps, maps)) == 0
    assert 0.01 < float(network.distance(maps, network.maps(image.flip(3)))) < 4


def test_vgg19s_maps_are_those_of_torchvision_before_the_activation(vgg):
    from torchvision.models.feature_extraction import create_feature_extractor

    images = torch.rand(2, 3, 32, 32)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    normal = (images - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / deviation
    network = Vgg19(vgg)
    wanted = create_feature_extractor(nn.Sequential(*vgg[:35]), ["2", "7", "16", "25", "34"])
    for found, told in zip(network.maps(images), wanted(normal).values(), strict=True):
        torch.testing.assert_close(found, told)
    assert [found.shape[2] for found in network.middle(network.maps(images))] == [8, 4, 2]


def test_vgg19s_distance_weighs_the_first_two_maps_a_tenth(vgg):
    network = Vgg19(vgg)
    zeros = [torch.zeros(1, 2, 4, 4)] * 5
    for index, weight in enumerate((0.1, 0.1, 1, 1, 1)):
        found = [zero + (index == place) * 3.0 for place, zero in enumerate(zeros)]
        assert float(network.distance(found, zeros)) == pytest.approx(3 * weight)


def test_vgg19_without_its_weights_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setenv("RELUME_OFFLINE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("RELUME_WEIGHTS", raising=False)
    with pytest.raises(WeightsMissing, match="zoo fetch vgg19"):
        RestorerLoss(small(perceptual=0.1, perceptual_network="vgg19"), CPU)


def test_a_regions_gram_is_the_mean_product_of_its_channels():
    maps = torch.rand(2, 3, 4, 4)
    regions = torch.zeros(2, 2, 4, 4)
    regions[:, 0, :2], regions[0, 1, 3, 1:3] = 1, 1
    grams = region_grams(maps, regions).numpy()
    inside = maps[1, :, :2].reshape(3, -1).numpy()
    np.testing.assert_allclose(grams[1, 0], inside @ inside.T / (3 * 8), rtol=1e-5)
    inside = maps[0, :, 3, 1:3].reshape(3, -1).numpy()
    np.testing.assert_allclose(grams[0, 1], inside @ inside.T / (3 * 2), rtol=1e-5)
    assert not grams[1, 1].any()


def test_style_is_compared_within_regions_and_does_not_mind_where():
    mask = torch.zeros(1, LABELS, 8, 8)
    mask[:, label_index("skin"), :, :4], mask[:, label_index("hair"), :, 4:] = 1, 1
    maps = torch.rand(1, 3, 8, 8)
    within = maps.clone()
    within[..., :4] = within[..., :4].flip(2)
    across = maps.flip(3)
    assert float(region_style_loss([within], [maps], mask)) == pytest.approx(0, abs=1e-12)
    assert float(region_style_loss([across], [maps], mask)) > 1e-6
    nothing = torch.zeros_like(mask)
    assert float(region_style_loss([across], [maps], nothing)) == pytest.approx(0, abs=1e-12)


def test_every_region_names_known_labels_once():
    names = [name for names in REGIONS for name in names]
    assert len({label_index(name) for name in names}) == len(names)


def test_adversarial_losses_have_their_closed_forms():
    real, restored = torch.tensor([0.0, 2.0]), torch.tensor([0.0])
    assert float(generator_loss(restored)) == pytest.approx(math.log(2))
    told = (math.log(2) + math.log1p(math.exp(-2))) / 2 + math.log(2)
    assert float(discriminator_loss(real, restored)) == pytest.approx(told)


def test_the_gradient_penalty_of_a_linear_score_is_its_squared_slope():
    real = torch.rand(2, 3, 4, 4, requires_grad=True)
    slope = torch.rand(3, 4, 4)
    penalty = gradient_penalty((real * slope).sum(dim=(1, 2, 3)), real)
    assert float(penalty) == pytest.approx(float(slope.square().sum()), rel=1e-5)


def descriptor(folder):
    path = folder / "person.safetensors"
    save_descriptor(FaceDescriptor(DescriptorConfig(32, (8, 8), 16)), path)
    return path


def test_the_identity_loss_is_one_minus_the_cosine_and_draws_towards_the_truth(tmp_path):
    loss = IdentityLoss(IdentityConfig(str(descriptor(tmp_path)), 1), CPU)
    hq = torch.rand(2, 3, 64, 64)
    assert float(loss(hq, hq)) == pytest.approx(0, abs=1e-6)
    restored = torch.rand(2, 3, 64, 64, requires_grad=True)
    before = loss(restored, hq)
    one, other = (loss._network(faces) for faces in (restored, hq))
    cosines = nn.functional.cosine_similarity(one, other)
    torch.testing.assert_close(before, 1 - cosines.mean())
    (slope,) = torch.autograd.grad(before, restored)
    assert float(loss(restored.detach() - 0.5 * slope / slope.norm(), hq)) < before


def test_a_missing_face_descriptor_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(TrainingError, match=r"nobody\.safetensors, which is not there"):
        RestorerLoss(small(identity=IdentityConfig("nobody", 0.1)), CPU)


def test_the_objective_is_the_weighted_sum_of_what_it_tells(tmp_path):
    config = small(
        l1=2.0,
        perceptual=0.5,
        region_style=3.0,
        consistency=0.7,
        identity=IdentityConfig(str(descriptor(tmp_path)), 0.25),
    )
    restored, hq, wanted = (torch.rand(2, 3, 64, 64) for _ in range(3))
    mask = torch.rand(2, LABELS, 64, 64) / LABELS
    losses, loss = RestorerLoss(config, CPU)(restored, hq, mask, wanted)
    weights = {
        "l1": 2, "perceptual": 0.5, "consistency": 0.7, "region_style": 3, "identity": 0.25,
    }  # fmt: skip
    assert list(losses) == list(weights)
    assert all(float(value) > 0 for value in losses.values())
    total = sum(weight * float(losses[name]) for name, weight in weights.items())
    assert float(loss) == pytest.approx(total, rel=1e-5)
    assert float(losses["l1"]) == pytest.approx(float((restored - hq).abs().mean()))


def test_with_l1_alone_no_other_network_is_loaded():
    loss = RestorerLoss(small(), CPU)
    assert loss._features is None
    faces = torch.rand(1, 3, 64, 64)
    losses, _ = loss(faces, faces, torch.zeros(1, LABELS, 64, 64))
    assert list(losses) == ["l1"]


def test_only_known_networks_have_features():
    with pytest.raises(ValueError, match="not one of efficientnet-lite0, vgg19"):
        load_features("resnet", 5, CPU)

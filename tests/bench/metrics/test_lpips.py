import numpy as np
import pytest
import torch
from skimage import data

from bench.metrics.entry import Status
from bench.metrics.metric import Sample
from bench.metrics.perceptual.lpips import Lpips, build_network
from bench.metrics.registry import entry_of

pytest.importorskip("torchmetrics")


@pytest.fixture(scope="module")
def backbone():
    from torchvision.models import alexnet

    with torch.random.fork_rng():
        torch.manual_seed(0)
        return alexnet(weights=None).state_dict()


@pytest.fixture(scope="module")
def lpips(backbone):
    return Lpips(entry_of("lpips"), build_network(backbone))


@pytest.fixture(scope="module")
def pair():
    hq = data.astronaut()[:96, 100:180]
    noise = np.random.default_rng(0).normal(0, 30, hq.shape)
    return Sample(np.clip(hq + noise, 0, 255).astype(np.uint8)), Sample(hq)


def tensor(sample):
    return torch.from_numpy(sample.image.copy()).permute(2, 0, 1)[None].float() / 255


def heads():
    from pathlib import Path

    import torchmetrics

    path = Path(torchmetrics.__file__).parent / "functional/image/lpips_models/alex.pth"
    return torch.load(path, map_location="cpu", weights_only=True)


def written_out(backbone, restored, hq):
    """Eq. 1 of Zhang et al. 2018 on AlexNet's five ReLU outputs, in plain tensors."""
    conv = torch.nn.functional.conv2d
    shift = torch.tensor([-0.030, -0.088, -0.188])[None, :, None, None]
    scale = torch.tensor([0.458, 0.448, 0.450])[None, :, None, None]

    def stages(image):
        x = (2 * image - 1 - shift) / scale
        maps = []
        for place, stride, padding, pool in (
            (0, 4, 2, False),
            (3, 1, 2, True),
            (6, 1, 1, True),
            (8, 1, 1, False),
            (10, 1, 1, False),
        ):
            if pool:
                x = torch.nn.functional.max_pool2d(x, 3, 2)
            weight, bias = backbone[f"features.{place}.weight"], backbone[f"features.{place}.bias"]
            x = conv(x, weight, bias, stride=stride, padding=padding).relu()
            maps.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return maps

    total = 0.0
    for place, (one, other) in enumerate(zip(stages(restored), stages(hq), strict=True)):
        weight = heads()[f"lin{place}.model.1.weight"]
        total += float(((one - other).square() * weight).sum(1).mean())
    return total


def test_it_agrees_with_the_paper_written_out(lpips, backbone, pair):
    expected = written_out(backbone, tensor(pair[0]), tensor(pair[1]))
    assert lpips.measure(*pair).value == pytest.approx(expected, rel=1e-5)


def test_it_agrees_with_torchmetrics_own_module(lpips, backbone, pair):
    from torchmetrics.functional.image.lpips import _LPIPS

    module = _LPIPS(pretrained=True, net="alex", pnet_rand=True, eval_mode=True)
    for name, value in module.net.named_parameters():
        layer, part = name.split(".")[1:]
        value.data.copy_(backbone[f"features.{layer}.{part}"])
    expected = float(module(2 * tensor(pair[0]) - 1, 2 * tensor(pair[1]) - 1))
    assert lpips.measure(*pair).value == pytest.approx(expected, rel=1e-5)


def test_it_agrees_with_pyiqa(lpips, backbone, pair, monkeypatch):
    pytest.importorskip("pyiqa")
    from pyiqa.archs import lpips_arch
    from torchvision.models import alexnet

    # pyiqa fetches AlexNet whatever it is told.
    monkeypatch.setattr(lpips_arch.models, "alexnet", lambda weights: alexnet(weights=None))
    module = lpips_arch.LPIPS(pretrained=False, net="alex", pnet_rand=True)
    state = module.state_dict()
    for name in state:
        parts = name.split(".")
        if name.startswith("net."):
            state[name] = backbone[f"features.{parts[-2]}.{parts[-1]}"]
        elif name.startswith("lin"):
            place = parts[1] if parts[0] == "lins" else parts[0][3:]
            state[name] = heads()[f"lin{place}.model.1.weight"]
    module.load_state_dict(state)
    with torch.inference_mode():
        expected = float(module(tensor(pair[0]), tensor(pair[1])))
    assert lpips.measure(*pair).value == pytest.approx(expected, rel=1e-5)


def test_identical_images_are_at_distance_zero(lpips, pair):
    assert lpips.measure(pair[1], Sample(pair[1].image.copy())).value == 0.0


def test_the_network_is_frozen_and_without_dropout(lpips, pair):
    network = lpips._network
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert lpips.measure(*pair).value == lpips.measure(*pair).value


@pytest.mark.parametrize(("size", "status"), [((31, 99), Status.ERROR), ((32, 32), Status.OK)])
def test_32_pixels_are_the_least(lpips, size, status):
    sample = Sample(np.zeros((*size, 3), np.uint8))
    assert lpips.measure(sample, sample).status is status


def test_another_networks_weights_are_not_taken(backbone):
    with pytest.raises(KeyError):
        build_network({"features.0.weight": backbone["features.0.weight"]})


def test_the_truths_maps_are_computed_once_for_all_restorers(backbone, pair, monkeypatch):
    lpips, seen = Lpips(entry_of("lpips"), build_network(backbone)), []
    run = lpips._network.net.forward
    monkeypatch.setattr(lpips._network.net, "forward", lambda x: seen.append(1) or run(x))
    hq = Sample(pair[1].image)
    restored = [Sample(np.roll(pair[0].image, step, axis=0)) for step in range(3)]
    together = [lpips.measure(each, hq).value for each in restored]
    assert len(seen) == 3 + 1
    alone = [lpips.measure(each, Sample(pair[1].image)).value for each in restored]
    assert together == alone

import numpy as np
import pytest
import torch
from skimage import data

from bench.metrics.metric import Sample
from bench.metrics.perceptual.lpips import Lpips, build_network
from bench.metrics.registry import entry_of

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
def metric(backbone):
    return Lpips(entry_of("lpips_vgg"), build_network(backbone, "vgg"))


@pytest.fixture(scope="module")
def pair():
    hq = data.astronaut()[:64, 100:180]
    noise = np.random.default_rng(0).normal(0, 30, hq.shape)
    return Sample(np.clip(hq + noise, 0, 255).astype(np.uint8)), Sample(hq)


def tensor(sample):
    return torch.from_numpy(sample.image.copy()).permute(2, 0, 1)[None].float() / 255


def heads():
    from zoo.weights.files import load_state_dict, package_file

    return load_state_dict(package_file("torchmetrics", "functional/image/lpips_models/vgg.pth"))


def test_it_agrees_with_the_paper_written_out(metric, backbone, pair):
    """Eq. 1 of Zhang et al. 2018 on the last ReLU of VGG-16's five stages, in plain tensors."""
    shift = torch.tensor([-0.030, -0.088, -0.188])[None, :, None, None]
    scale = torch.tensor([0.458, 0.448, 0.450])[None, :, None, None]

    def stages(image):
        x = (2 * image - 1 - shift) / scale
        for stage in ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28)):
            if stage[0]:
                x = torch.nn.functional.max_pool2d(x, 2)
            for place in stage:
                weight, bias = (backbone[f"features.{place}.{part}"] for part in ("weight", "bias"))
                x = torch.nn.functional.conv2d(x, weight, bias, padding=1).relu()
            yield x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10)

    expected = 0.0
    both = zip(stages(tensor(pair[0])), stages(tensor(pair[1])), strict=True)
    for place, (one, other) in enumerate(both):
        weight = heads()[f"lin{place}.model.1.weight"]
        expected += float(((one - other).square() * weight).sum(1).mean())
    assert metric.measure(*pair).value == pytest.approx(expected, rel=1e-5)
    assert expected > 0.01


def test_it_agrees_with_pyiqa(metric, backbone, pair, monkeypatch):
    arch = pytest.importorskip("pyiqa.archs.lpips_arch")
    from torchvision.models import vgg16

    monkeypatch.setattr(arch.models, "vgg16", lambda weights: vgg16(weights=None))
    module = arch.LPIPS(pretrained=False, net="vgg", pnet_rand=True)
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
    assert metric.measure(*pair).value == pytest.approx(expected, rel=1e-5)

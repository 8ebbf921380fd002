"""The scripts' ways to identity, LPIPS and entry_of("fid"), written out, on random weights.

Each transcription reads the files itself, as the script does, traps included.
"""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as functional
from scipy import linalg
from skimage import data

from bench.metrics.distribution.fid import InceptionDistance, resize_tensorflow
from bench.metrics.entry import Status
from bench.metrics.identity.identity_scripts import (
    ScriptIdentity,
    degrees_from_one,
    grey_restoreformer,
    grey_vqfr,
    radians,
)
from bench.metrics.metric import Sample
from bench.metrics.networks.inception import FidInception
from bench.metrics.perceptual.lpips import Lpips, build_network
from bench.metrics.registry import entry_of

NAMES = ("a", "b", "c", "d", "e")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Five pairs of 160 x 160; in the second the restored one is its truth within a level."""
    root = tmp_path_factory.mktemp("pairs")
    draw = np.random.default_rng(0)
    for place, name in enumerate(NAMES):
        hq = data.astronaut()[20 * place : 20 * place + 160, 60 * place : 60 * place + 160]
        restored = hq.copy()
        if name == "b":
            restored ^= draw.integers(0, 2, hq.shape, dtype=np.uint8)
        else:
            restored = cv2.GaussianBlur(hq, (0, 0), 2 + place) // 2 + 60
            restored = np.clip(restored + draw.normal(0, 12, hq.shape), 0, 255).astype(np.uint8)
        for kind, image in (("hq", hq), ("restored", restored)):
            (root / kind).mkdir(exist_ok=True)
            cv2.imwrite(str(root / kind / f"{name}.png"), image[..., ::-1])
    return root


def samples(root):
    return {
        name: tuple(
            Sample(np.ascontiguousarray(cv2.imread(str(root / kind / f"{name}.png"))[..., ::-1]))
            for kind in ("restored", "hq")
        )
        for name in NAMES
    }


@pytest.fixture(scope="module")
def network():
    """Stands for the grey ResNet-18: any network of the same input does."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return torch.nn.Sequential(
            torch.nn.Conv2d(1, 8, 5, stride=3), torch.nn.Tanh(),
            torch.nn.Conv2d(8, 16, 5, stride=3), torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(),
        ).eval().requires_grad_(False)  # fmt: skip


def sorted_pairs(root):
    """How VQFR's scripts pair files: two sorted listings, side by side."""
    listings = (sorted(Path(root, kind).glob("*")) for kind in ("restored", "hq"))
    return list(zip(*listings, strict=False))


def cosine(one, other):
    return np.dot(one, other) / (np.linalg.norm(one) * np.linalg.norm(other))


def vqfr_degrees(root, network):
    """metric_paper/calculate_cos_dist.py: the angles that its mean is of, and those left out."""
    kept, left = [], 0
    for paths in sorted_pairs(root):
        pair = []
        for path in paths:
            grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            grey = cv2.resize(grey, (128, 128), interpolation=cv2.INTER_LINEAR)
            pair.append(torch.from_numpy((grey.astype(np.float32) - 127.5) / 127.5)[None])
        out = network(torch.stack(pair)).numpy()
        angle = np.arccos(cosine(*out)) / math.pi * 180
        if angle < 1:
            left += 1
        else:
            kept.append(angle)
    return kept, left


def vqfr(network):
    return ScriptIdentity(entry_of("identity_vqfr"), network, grey_vqfr, degrees_from_one)


def test_vqfrs_identity_is_the_scripts_mean_with_the_pairs_under_one_degree_left_out(
    folders, network
):
    kept, left = vqfr_degrees(folders, network)
    measured = [vqfr(network).measure(*pair) for pair in samples(folders).values()]
    values = [each.value for each in measured if each.value is not None]
    out = [each for each in measured if each.status is Status.LEFT_OUT]
    assert (left, len(out)) == (1, 1)
    assert "leaves the pair out" in out[0].detail
    assert values == pytest.approx(kept, rel=1e-4)
    every = [*values, 0.0]
    assert np.mean(values) > 1.2 * np.mean(every)  # the trap is not idle


def test_the_grey_that_is_described_is_the_one_that_opencv_decodes(folders):
    for path in (folders / "hq").glob("*"):
        decoded = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        decoded = cv2.resize(decoded, (128, 128), interpolation=cv2.INTER_LINEAR)
        colours = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
        np.testing.assert_array_equal(np.rint(grey_vqfr(colours) * 127.5 + 127.5), decoded)


def test_equal_descriptors_may_be_no_number_in_the_script_and_are_an_angle_of_zero_here():
    rows = np.random.default_rng(0).normal(size=(200, 64)).astype(np.float32)
    cosines = np.array([cosine(row, row.copy()) for row in rows])
    assert cosines.max() > 1
    with np.errstate(invalid="ignore"):
        assert np.isnan(np.arccos(cosines)).any()
    image = Sample(np.full((16, 16, 3), 9, np.uint8))
    for row in rows[cosines > 1][:3]:
        told = torch.from_numpy(row)[None]
        metric = ScriptIdentity(
            entry_of("identity_restoreformer"),
            lambda _, told=told: told,
            grey_restoreformer,
            radians,
        )
        assert metric.measure(image, image).value == pytest.approx(0, abs=1e-7)


def test_a_missing_file_shifts_the_scripts_pairs_and_not_ours(folders, network, tmp_path):
    whole, _ = vqfr_degrees(folders, network)
    for path in folders.glob("*/*"):
        kept = tmp_path / path.relative_to(folders)
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(path.read_bytes())
    (tmp_path / "restored" / "a.png").unlink()
    shifted, left = vqfr_degrees(tmp_path, network)
    pairs = samples(folders)
    ours = [vqfr(network).measure(*pairs[name]).value for name in ("c", "d", "e")]
    assert ours == pytest.approx(whole[1:], rel=1e-4)
    assert left == 0  # the pair that was almost identical met a stranger
    assert np.mean(shifted) > 1.2 * np.mean(ours)


def test_the_angle_under_one_degree_is_cut_where_the_script_cuts():
    assert degrees_from_one(math.cos(math.radians(0.999))).status is Status.LEFT_OUT
    assert degrees_from_one(math.cos(math.radians(1.001))).value == pytest.approx(1.001, rel=1e-6)
    assert degrees_from_one(1.0).value is None
    assert radians(0.5).value == pytest.approx(math.pi / 3)
    assert radians(1.0).value == 0.0


def restoreformer_radians(root, network):
    """scripts/metrics/cal_identity_distance.py: every truth's angle, None for a missing file."""
    found = {}
    for path in sorted((root / "hq").glob("*")):
        restored = root / "restored" / path.name
        if not restored.exists():
            found[path.stem] = None
            continue
        out = []
        for each in (path, restored):
            image = torch.FloatTensor(cv2.imread(str(each)).astype(np.float32) / 255.0)
            image = image.permute(2, 0, 1).unsqueeze(0)
            grey = 0.2989 * image[:, 0] + 0.5870 * image[:, 1] + 0.1140 * image[:, 2]
            grey = functional.interpolate(
                grey.unsqueeze(1), (128, 128), mode="bilinear", align_corners=False
            )
            out.append(network(grey).numpy().squeeze())
        found[path.stem] = np.arccos(cosine(*out))
    return found


def test_restoreformers_identity_is_in_radians_of_bgr_luma_in_the_unit_range(folders, network):
    expected = restoreformer_radians(folders, network)
    metric = ScriptIdentity(
        entry_of("identity_restoreformer"), network, grey_restoreformer, radians
    )
    pairs = samples(folders)
    for name in ("a", "c", "d", "e"):
        assert metric.measure(*pairs[name]).value == pytest.approx(expected[name], rel=1e-4)
    assert metric.measure(*pairs["b"]).value == pytest.approx(0, abs=0.02)
    right_order = (Sample(np.ascontiguousarray(s.image[..., ::-1])) for s in pairs["a"])
    assert metric.measure(*right_order).value != pytest.approx(expected["a"], rel=1e-3)


def test_a_missing_file_counts_as_perfect_in_restoreformers_mean(folders, network, tmp_path):
    for path in folders.glob("*/*"):
        kept = tmp_path / path.relative_to(folders)
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(path.read_bytes())
    (tmp_path / "restored" / "d.png").unlink()
    some = restoreformer_radians(tmp_path, network)
    mean_of_script = sum(each or 0.0 for each in some.values()) / len(some)
    present = [each for each in some.values() if each is not None]
    assert mean_of_script == pytest.approx(np.mean(present) * 4 / 5)


@pytest.fixture(scope="module")
def vgg():
    """VGG-16's convolutions with weights that keep the signal's strength, torchvision's names."""
    from torchvision.models.vgg import cfgs, make_layers

    generator = torch.Generator().manual_seed(3)
    state = {f"features.{k}": v for k, v in make_layers(cfgs["D"]).state_dict().items()}
    for name, value in state.items():
        if name.endswith("weight"):
            deviation = (2 / value[0].numel()) ** 0.5
            state[name] = torch.randn(value.shape, generator=generator) * deviation
        else:
            state[name] = 0.1 * torch.randn(value.shape, generator=generator)
    return state


def vgg_lpips(state, restored, hq):
    """RestoreFormer/modules/losses/lpips.py on two ``(1, 3, h, w)`` tensors, as they come."""
    import torchmetrics

    root = Path(torchmetrics.__file__).parent
    heads = torch.load(
        root / "functional/image/lpips_models/vgg.pth", map_location="cpu", weights_only=True
    )
    shift = torch.tensor([-0.030, -0.088, -0.188])[None, :, None, None]
    scale = torch.tensor([0.458, 0.448, 0.450])[None, :, None, None]
    places = (0, 2, "pool", 5, 7, "pool", 10, 12, 14, "pool", 17, 19, 21, "pool", 24, 26, 28)
    maps = []
    for image in (restored, hq):
        x, found = (image - shift) / scale, []
        for place in places:
            if place == "pool":
                x = functional.max_pool2d(x, 2)
                continue
            weight, bias = state[f"features.{place}.weight"], state[f"features.{place}.bias"]
            x = functional.conv2d(x, weight, bias, padding=1).relu()
            if place in (2, 7, 14, 21, 28):
                found.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        maps.append(found)
    return sum(
        float(((one - other).square() * heads[f"lin{place}.model.1.weight"]).sum(1).mean())
        for place, (one, other) in enumerate(zip(*maps, strict=True))
    )


def test_restoreformers_two_lpips_are_the_scripts_and_the_unscaled_one_is_lower(folders, vgg):
    tensors = []
    for kind in ("restored", "hq"):  # cal_psnr_ssim.py: cv2's order, no exchange
        image = cv2.imread(str(folders / kind / "a.png"))[:64, :64].astype(np.float32) / 255.0
        tensors.append(torch.FloatTensor(image).permute(2, 0, 1).unsqueeze(0))
    unit = vgg_lpips(vgg, *tensors)
    scaled = vgg_lpips(vgg, *((each - 0.5) / 0.5 for each in tensors))
    cut = [Sample(np.ascontiguousarray(s.image[:64, :64])) for s in samples(folders)["a"]]
    network = build_network(vgg, "vgg")
    found = [
        Lpips(entry_of("lpips_restoreformer"), network, bgr=True).measure(*cut).value,
        Lpips(entry_of("lpips_restoreformer_unit"), network, bgr=True, unit=True)
        .measure(*cut)
        .value,
    ]
    assert found == pytest.approx([scaled, unit], rel=1e-4)
    assert unit < 0.8 * scaled
    rgb = Lpips(entry_of("lpips_vgg"), network).measure(*cut).value
    exchanged = vgg_lpips(vgg, *((each.flip(1) - 0.5) / 0.5 for each in tensors))
    assert rgb == pytest.approx(exchanged, rel=1e-4)
    assert rgb != pytest.approx(scaled, rel=1e-3)


class SmallInception(FidInception):
    """FID-Inception's way in, with 24 numbers of a random network behind it."""

    def __init__(self):
        torch.nn.Module.__init__(self)
        with torch.random.fork_rng():
            torch.manual_seed(2)
            self.small = torch.nn.Conv2d(3, 24, 7, stride=5).requires_grad_(False)

    def pool3(self, sized):
        assert sized.shape[1:] == (3, 299, 299)
        return self.small(sized).abs().mean(dim=(2, 3))


def frechet(restored, hq):
    """calculate_fid of BasicSR and of pytorch-fid: NumPy's covariance, SciPy's root."""
    sides = [(each.mean(0), np.cov(each, rowvar=False)) for each in (restored, hq)]
    (m1, s1), (m2, s2) = sides
    return (m1 - m2) @ (m1 - m2) + np.trace(s1 + s2 - 2 * np.asarray(linalg.sqrtm(s1 @ s2)).real)


def distance(metric, pairs):
    sides = (np.stack([metric.describe(pair[k]) for pair in pairs.values()]) for k in (0, 1))
    return metric.compare(*sides).value


def test_fid_is_basicsrs_which_scales_before_it_resizes_in_rgb(folders):
    network = SmallInception()
    features = []
    for kind in ("restored", "hq"):
        rows = []
        for name in NAMES:  # SingleImageDataset: BGR to RGB, [0, 1], then mean and std .5
            image = cv2.imread(str(folders / kind / f"{name}.png")).astype(np.float32) / 255.0
            tensor = torch.from_numpy(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).permute(2, 0, 1)
            sized = functional.interpolate(
                ((tensor - 0.5) / 0.5)[None], (299, 299), mode="bilinear", align_corners=False
            )
            rows.append(network.pool3(sized)[0].numpy())
        features.append(np.stack(rows).astype(np.float64))
    found = distance(InceptionDistance(entry_of("fid"), network), samples(folders))
    assert found == pytest.approx(frechet(*features), rel=1e-4)


def test_pmrfs_fid_is_torch_fidelitys_with_tensorflows_resize(folders):
    interpolation = pytest.importorskip("pyiqa.archs.interpolate_compat_tensorflow")
    network = SmallInception()
    features = []
    for kind in (0, 1):
        rows = []
        for pair in samples(folders).values():
            pixels = torch.from_numpy(pair[kind].image).permute(2, 0, 1)[None].float()
            sized = interpolation.interpolate_bilinear_2d_like_tensorflow1x(
                pixels, size=(299, 299), align_corners=False
            )
            rows.append(network.pool3((sized - 128) / 128)[0].numpy())
        features.append(np.stack(rows).astype(np.float64))
    found = distance(InceptionDistance(entry_of("fid_torch_fidelity"), network), samples(folders))
    assert found == pytest.approx(frechet(*features), rel=1e-4)
    assert found != pytest.approx(
        distance(InceptionDistance(entry_of("fid"), network), samples(folders)), rel=1e-3
    )


@pytest.mark.parametrize("size", [(160, 211), (512, 512), (299, 299), (7, 5)])
def test_tensorflows_resize_is_torch_fidelitys_to_a_rounding(size):
    interpolation = pytest.importorskip("pyiqa.archs.interpolate_compat_tensorflow")
    image = np.random.default_rng(5).integers(0, 256, (*size, 3), dtype=np.uint8)
    expected = interpolation.interpolate_bilinear_2d_like_tensorflow1x(
        torch.from_numpy(image).permute(2, 0, 1)[None].float(), size=(299, 299), align_corners=False
    )
    found = resize_tensorflow(image, 299)
    np.testing.assert_allclose(found, expected[0].permute(1, 2, 0).numpy(), atol=2e-3)

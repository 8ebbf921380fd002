import pickle

import numpy as np
import pytest
import torch

from zoo.labels import BISENET_LABELS, LABELS, label_index
from zoo.networks.parsing.bisenet import SIZE, BiSeNet, load_bisenet, parse_faces
from zoo.portrait.parse.network_parser import BiSeNetParser
from zoo.weights.files import WeightsRefused


class Hostile:
    """Writes a file when it is unpickled without care."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


class Paints(torch.nn.Module):
    """A stand-in that gives the left half one label, the right another; remembers its input."""

    def __init__(self, left, right, logit=8.0):
        super().__init__()
        self.left, self.right, self.logit, self.seen = left, right, logit, None

    def forward(self, images):
        self.seen = images
        logits = torch.zeros(images.shape[0], 19, *images.shape[2:])
        half = images.shape[3] // 2
        logits[:, BISENET_LABELS.index(self.left), :, :half] = self.logit
        logits[:, BISENET_LABELS.index(self.right), :, half:] = self.logit
        return logits


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = BiSeNet()
    generator = torch.Generator().manual_seed(3)
    for name, values in network.state_dict().items():
        if values.is_floating_point():
            noise = torch.rand(values.shape, generator=generator)
            values.copy_(0.5 + noise if "running_var" in name else (noise - 0.5) * 0.1)
    return network.eval()


def test_it_has_the_13_30_million_parameters_of_the_published_one(network):
    assert round(sum(one.numel() for one in network.parameters()) / 1e6, 2) == 13.30


def test_its_tensors_have_the_names_of_the_published_file(network):
    names = network.state_dict().keys()
    assert len(names) == 191
    assert {
        "cp.resnet.conv1.weight",
        "cp.resnet.layer2.0.downsample.0.weight",
        "cp.resnet.layer4.1.bn2.running_var",
        "cp.arm16.conv.conv.weight",
        "cp.arm32.bn_atten.bias",
        "cp.conv_head16.bn.weight",
        "cp.conv_avg.conv.weight",
        "ffm.convblk.conv.weight",
        "ffm.conv2.weight",
        "conv_out.conv.bn.bias",
        "conv_out.conv_out.weight",
        "conv_out16.conv_out.weight",
        "conv_out32.conv.conv.weight",
    } <= names
    assert not any("fc" in name for name in names)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_go_to_a_file_and_come_back(network, tmp_path, suffix):
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(network.state_dict(), path)
    else:
        from safetensors.torch import save_file

        save_file(network.state_dict(), path)
    loaded = load_bisenet(path)
    images = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        logits = loaded(images)
        assert logits.shape == (1, 19, 64, 96)
        assert logits.std() > 0
        assert torch.equal(logits, network(images))
    assert not loaded.training
    assert not any(one.requires_grad for one in loaded.parameters())


def test_a_file_from_before_batches_were_counted_loads_too(network, tmp_path):
    kept = {k: v for k, v in network.state_dict().items() if "num_batches" not in k}
    torch.save(kept, tmp_path / "old.pth")
    load_bisenet(tmp_path / "old.pth")


def test_another_networks_weights_are_refused_in_one_line(tmp_path):
    torch.save({"conv.weight": torch.zeros(3, 3)}, tmp_path / "other.pth")
    with pytest.raises(WeightsRefused, match="another network than the 19-label BiSeNet"):
        load_bisenet(tmp_path / "other.pth")


@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path, writer):
    mark, hostile = tmp_path / "ran", tmp_path / "parsing_bisenet.pth"
    if writer == "torch":
        torch.save({"cp": Hostile(str(mark))}, hostile)
    else:
        hostile.write_bytes(pickle.dumps(Hostile(str(mark))))
    with pytest.raises(WeightsRefused):
        load_bisenet(hostile)
    assert not mark.exists()


def test_its_input_is_normalised_as_imagenet_and_has_512_pixels():
    stand_in = Paints("skin", "hair")
    crop = np.full((128, 128, 3), (255, 0, 51), np.uint8)
    BiSeNetParser(stand_in).parse(crop)
    assert stand_in.seen.shape == (1, 3, SIZE, SIZE)
    expected = [(1 - 0.485) / 0.229, (0 - 0.456) / 0.224, (0.2 - 0.406) / 0.225]
    assert stand_in.seen[0, :, 7, 9].tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", LABELS)
def test_label_orders_are_mapped_by_name(name):
    crop = np.zeros((64, 64, 3), np.uint8)
    mask = BiSeNetParser(Paints(name, "skin")).parse(crop).probabilities
    assert mask[label_index(name), :, :24].min() > 0.99
    assert mask.shape == (19, 64, 64)
    np.testing.assert_allclose(mask.sum(axis=0), 1, atol=1e-4)


def test_an_unsure_network_is_trusted_less():
    crop = np.zeros((64, 64, 3), np.uint8)
    crop[:, 32:] = 255
    crop[::2] //= 2
    sure, unsure = (
        BiSeNetParser(Paints("skin", "hair", logit)).parse(crop).confidence for logit in (9, 1)
    )
    assert unsure < sure
    assert 0 <= unsure < 0.2


def test_probabilities_are_a_softmax_over_the_labels(network):
    found = parse_faces(network, torch.rand(2, 3, 64, 64))
    assert found.shape == (2, 19, 64, 64)
    torch.testing.assert_close(found.sum(dim=1), torch.ones(2, 64, 64))

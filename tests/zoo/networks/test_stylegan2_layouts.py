import pickle
from pathlib import Path

import pytest
import torch
from reference_stylegan2 import mapped, nvidia_state, rosinality_state, synthesise

from zoo.networks.stylegan.published import published_generator
from zoo.synthesis.generators import load_generator
from zoo.weights.files import WeightsMissing, WeightsRefused

WIDTHS = {4: 12, 8: 10, 16: 6}
LATENT, DEPTH = 16, 3


@pytest.fixture
def state():
    return rosinality_state(WIDTHS, LATENT, DEPTH)


@pytest.fixture
def codes():
    return torch.randn(2, 2 * len(WIDTHS), LATENT, generator=torch.Generator().manual_seed(5))


def test_rosinality_s_tensors_draw_what_the_definition_draws(state, codes):
    network = published_generator({"g_ema": state, "latent_avg": torch.ones(LATENT)}, "x.pt")
    with torch.no_grad():
        drawn = network.synthesise(codes)
    expected = (synthesise(state, codes) + 1) / 2
    assert expected.std() > 0.3
    torch.testing.assert_close(drawn, expected, atol=2e-5, rtol=1e-5)
    assert network.average_code.tolist() == [1.0] * LATENT


def test_the_mapping_network_maps_as_the_definition_does(state):
    network = published_generator(state, "x.pt")
    z = torch.randn(3, LATENT, generator=torch.Generator().manual_seed(6))
    with torch.no_grad():
        torch.testing.assert_close(network.map(z), mapped(state, z), atol=1e-6, rtol=1e-5)


def test_nvidia_s_tensors_draw_the_same_face_as_rosinality_s(state, codes):
    theirs = published_generator(nvidia_state(state, WIDTHS), "x.pt")
    with torch.no_grad():
        ours = published_generator(state, "x.pt").synthesise(codes)
        assert torch.equal(theirs.synthesise(codes), ours)
    assert theirs.average_code.tolist() == [0.5] * LATENT


def test_the_published_size_of_ffhq_fits(tmp_path):
    # 1 024 pixels, 512 wide, depth 8: the shapes alone, a hundredth of the numbers.
    widths = {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128, 512: 64, 1024: 32}
    with torch.device("meta"):
        from zoo.networks.stylegan.generator import GeneratorConfig, StyleGenerator

        network = StyleGenerator(GeneratorConfig(1024, widths))
    count = sum(parameter.numel() for parameter in network.parameters())
    # 30.37 million, as rosinality's Generator(1024, 512, 8) counts without its noise.
    assert count == 30_370_060 or abs(count / 30.37e6 - 1) < 1e-3


def test_a_checkpoint_file_is_drawn_from_by_its_path(state, tmp_path):
    path = tmp_path / "ffhq-16.pt"
    torch.save({"g_ema": state, "latent_avg": torch.zeros(LATENT)}, path)
    loaded = load_generator(path)
    assert (loaded.name, loaded.template) == ("ffhq-16", "ffhq")
    assert loaded.network.config.size == 16


def test_plain_tensors_in_a_safetensors_file_are_drawn_from_too(state, tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "nvidia.safetensors"
    tensors = nvidia_state(state, WIDTHS)
    save_file({name: value.clone().contiguous() for name, value in tensors.items()}, path)
    assert load_generator(path).network.config.channels == WIDTHS


@pytest.mark.parametrize("name", ["convs.1.conv.weight", "style.2.bias", "to_rgbs.0.bias"])
def test_a_tensor_that_is_missing_is_named(state, name):
    del state[name]
    with pytest.raises(WeightsRefused, match=r"x\.pt"):
        published_generator(state, "x.pt")


def test_a_tensor_of_another_shape_is_refused(state):
    state["convs.0.conv.modulation.weight"] = torch.zeros(3, LATENT)
    with pytest.raises(
        WeightsRefused, match=r"another shape of convs\.0\.conv\.modulation\.weight"
    ):
        published_generator(state, "x.pt")


def test_a_generator_of_classes_is_refused(state):
    tensors = nvidia_state(state, WIDTHS)
    tensors["mapping.embed.weight"] = torch.zeros(LATENT, 10)
    with pytest.raises(WeightsRefused, match="classes"):
        published_generator(tensors, "x.pt")


def test_another_network_s_checkpoint_is_refused():
    with pytest.raises(WeightsRefused, match="no StyleGAN2 generator"):
        published_generator({"conv.weight": torch.zeros(3)}, "x.pt")
    with pytest.raises(WeightsRefused, match="no dictionary of tensors"):
        published_generator([1, 2], "x.pt")


class _Runs:
    def __reduce__(self):
        return (print, ("code ran",))


def test_a_pickle_with_code_is_never_run(tmp_path, capsys):
    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps({"g_ema": _Runs()}))
    with pytest.raises(WeightsRefused):
        load_generator(path)
    assert "code ran" not in capsys.readouterr().out


def test_a_file_that_is_cut_is_refused(state, tmp_path):
    path = tmp_path / "cut.pt"
    torch.save({"g_ema": state}, path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(WeightsRefused):
        load_generator(path)


def test_a_file_that_is_not_there_says_so():
    with pytest.raises(WeightsMissing, match="is not there"):
        load_generator(Path("nowhere.pt"))


def test_a_file_without_an_average_code_gets_the_mean_of_many(state):
    network = published_generator({"g_ema": state}, "x.pt")
    z = torch.randn(20_000, LATENT, generator=torch.Generator().manual_seed(8))
    wanted = mapped(state, z)
    apart = (network.average_code - wanted.mean(0)).abs()
    assert (apart < 5 * wanted.std(0) / 10_000**0.5).all()
    assert network.average_code.abs().max() > 0.05


def test_an_average_code_of_another_shape_and_values_that_are_not_finite_are_refused(state):
    with pytest.raises(WeightsRefused, match="average code"):
        published_generator({"g_ema": state, "latent_avg": torch.zeros(1, LATENT)}, "x.pt")
    state["convs.0.conv.weight"][0, 0, 0, 0, 0] = torch.nan
    with pytest.raises(WeightsRefused, match="not finite"):
        published_generator({"g_ema": state}, "x.pt")


def test_a_weight_that_is_transposed_is_refused(state):
    state["convs.0.conv.weight"] = state["convs.0.conv.weight"].transpose(1, 2).contiguous()
    with pytest.raises(WeightsRefused):
        published_generator({"g_ema": state}, "x.pt")

import ast

import pytest

torch = pytest.importorskip("torch")

from training_stand_ins import ADVERSARIAL, NETWORK, small  # noqa: E402

from zoo.networks.restoration.designs import build_network  # noqa: E402
from zoo.training.tasks.registry import load_task  # noqa: E402
from zoo.training.tasks.restorer.config import (  # noqa: E402
    IdentityConfig,
    TrainingError,
    config_of,
    list_configs,
    load_config,
    told_differences,
)

# What the first released trainer wrote for `small()`: files with it must go on.
FIRST = (
    "{'name': 'tiny', 'network': {'design': 'style', 'size': 64, 'channels': {8: 16, 16: 16, "
    "32: 12}, 'patch': 2, 'style': 8, 'blocks': 1, 'start': 'constant', 'masked': True}, "
    "'families': {'kuaishou-64': 1, 'gfpgan-64': 1}, 'seed': 5, 'steps': 8, 'batch_size': 4, "
    "'learning_rate': 0.002, 'warmup': 4, 'decay': 0.4, 'ema': 0.999, 'l1': 1.0, "
    "'perceptual': 0.0, 'stages': 5, 'adversarial': 0.0, 'adversarial_from': 0.5, 'r1': 1.0, "
    "'no_mask': 0.25, 'template_mask': 0.15, 'clean': 0.0, 'precision': 'float32'}"
)


def restorers():
    return [name for name in list_configs() if load_task(name).kind == "restorer"]


def test_every_shipped_configuration_loads_under_its_own_name_and_its_network_can_be_built():
    assert {"style-128", "style-256", "style-512", "style-64-cpu", "unet-128"} <= set(restorers())
    for name in restorers():
        config = load_config(name)
        assert config.name == name
        with torch.device("meta"):
            build_network(config.network)


def test_the_configuration_for_the_cpu_has_at_most_1_3_million_parameters():
    with torch.device("meta"):
        network = build_network(load_config("style-64-cpu").network)
    assert sum(parameter.numel() for parameter in network.parameters()) <= 1_300_000


def test_a_record_gives_back_its_configuration():
    for config in (
        small(identity=IdentityConfig("person.safetensors", 0.1), adversarial=ADVERSARIAL),
        *map(load_config, restorers()),
    ):
        assert config_of(ast.literal_eval(repr(config.as_record()))) == config


def test_keys_that_an_earlier_version_did_not_know_have_their_defaults():
    before = config_of(ast.literal_eval(FIRST))
    assert before == small()
    assert told_differences(before.as_record(), small().as_record()) == ""


def test_a_record_with_the_adversarial_loss_of_an_earlier_version_is_refused():
    record = ast.literal_eval(FIRST.replace("'adversarial': 0.0", "'adversarial': 0.3"))
    with pytest.raises(ValueError, match=r"adversarial 0\.3 is of an earlier version"):
        config_of(record)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seed": 6}, "seed 5, now 6"),
        ({"steps": 9, "clean": 0.1}, "steps 8, now 9; clean 0.0, now 0.1"),
        ({"network": NETWORK.__class__(64, NETWORK.channels, style=9)}, "network.style 8, now 9"),
        (
            {"families": {"gfpgan-64": 1, "kuaishou-64": 1}},
            "families [('kuaishou-64', 1), ('gfpgan-64', 1)], "
            "now [('gfpgan-64', 1), ('kuaishou-64', 1)]",
        ),
    ],
)
def test_a_difference_is_told_by_its_key_and_both_values(changes, told):
    assert told_differences(small().as_record(), small(**changes).as_record()) == told


GOOD = """\
name: mine
network: {size: 64, channels: {16: 8, 32: 8}}
families: {gfpgan-64: 1}
"""
GAN = "adversarial:\n  channels: {4: 8, 8: 8, 16: 8, 32: 8}\n  patch: 2\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: a\nstepz: 3\n", r"no key is called 'stepz'.* Did you mean 'steps'"),
        ("- a\n", "no mapping of keys to values"),
        ("name: a\nfamilies: {gfpgan-64: 1}\n", "the key 'network' is missing"),
        (GOOD + "learning_rate: 5e-4\n", "learning_rate '5e-4' is no number: write it like 0.0005"),
        (GOOD + "clean: 1.5\n", "clean 1.5 is less than 0, or a share above 1"),
        (GOOD + "steps: 0\n", "steps 0 is no whole number from 1 on"),
        (GOOD + "precision: float16\n", "precision 'float16' is neither float32 nor bfloat16"),
        (GOOD + "perceptual_network: lpips\n", "is not one of efficientnet-lite0, vgg19"),
        (GOOD.replace("mine", "../mine"), "no name for a file"),
        (GOOD.replace("{gfpgan-64: 1}", "[]"), "families names no recipe"),
        (GOOD + "identity: {network: a}\n", "missing 1 required"),
        (GOOD + "adversarial: {weight: 1}\n", "the key 'channels' is missing"),
        (GOOD + "adversarial: {channels: {4: 8, 8: 8}}\n", "faces of 8, not of 64"),
        (GOOD + "adversarial: {channels: {8: 8, 16: 8}}\n", "not of 4, 8, 16"),
        (GOOD + GAN + "  weight: -1\n", "adversarial: weight -1 is not a number from 0 on"),
        (GOOD + GAN + "  balance: some\n", "balance 'some' is not none or last-layer"),
        (GOOD + GAN + "  alone: 0.5\n", "adversarial: alone 0.5"),
        (GOOD + GAN + "  weigth: 1\n", "weigth"),
        (GOOD.replace("size: 64", "size: 60"), "size 60 is not 2 × 32"),
        (GOOD.replace("size: 64", "design: gan, size: 64"), "no design 'gan'"),
    ],
)
def test_a_mistake_in_a_file_is_one_line_that_names_the_file(tmp_path, text, told):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(TrainingError, match=told) as caught:
        load_config(path)
    assert str(caught.value).startswith("mine.yaml")


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(TrainingError, match=r"choose from .*style-128.*Did you mean 'unet-128'"):
        load_config("unet-129")

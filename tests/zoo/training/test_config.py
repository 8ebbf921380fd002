import ast
import json
import re

import pytest
import torch
from training_stand_ins import ADVERSARIAL, NETWORK, small

from zoo.networks.restoration.designs import build_network
from zoo.training.base.config import IdentityConfig, TrainingError, differences, list_configs
from zoo.training.tasks.registry import load_training, trainer_of
from zoo.training.tasks.restorer.config import RestorerTraining


@pytest.mark.parametrize("name", list_configs())
def test_every_configuration_that_relume_brings_can_be_read_and_built(name):
    config = load_training(name)
    assert config.name == name
    assert config.from_record(ast.literal_eval(repr(config.as_record()))) == config
    assert config.from_record(json.loads(json.dumps(config.as_record()))) == config
    with torch.device("meta"):
        network = trainer_of(config).build(config)
    assert sum(parameter.numel() for parameter in network.parameters()) > 1000


def test_a_configuration_without_a_task_trains_a_restorer():
    assert load_training("style-128").task == "restorer"
    assert load_training("stylegan2-64").task == "generator"


def test_an_unknown_task_names_the_nearest(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("task: generater\nname: x\n")
    with pytest.raises(TrainingError, match="Did you mean 'generator'"):
        load_training(path)


GENERATOR = """\
task: generator
name: mine
network: {size: 8, channels: {4: 8, 8: 8}, latent: 16, depth: 2}
"""
ENCODER = """\
task: encoder
name: mine
generator: stylegan2-64
network: {size: 64, channels: {64: 8, 32: 8, 16: 8, 8: 8, 4: 8}, width: 8, latent: 16, layers: 10}
families: {gfpgan-64: 1}
"""
DESCRIPTOR = "task: descriptor\nname: mine\nfamilies: {gfpgan-64: 1}\n"
RESTORER = """\
name: mine
network: {size: 64, channels: {16: 8, 32: 8}}
families: {gfpgan-64: 1}
"""
PARSER = """\
task: parser
name: mine
network: {size: 32, channels: {16: 8}}
families: {gfpgan-64: 1}
"""
TASKS = {
    "generator": GENERATOR, "encoder": ENCODER, "descriptor": DESCRIPTOR, "restorer": RESTORER,
    "parser": PARSER,
}  # fmt: skip
EVERY_TASK = pytest.mark.parametrize("kind", TASKS)


def refused(folder, text):
    """Return what is said of a configuration, which is one line that names the file."""
    path = folder / "x.yaml"
    path.write_text(text)
    with pytest.raises(TrainingError) as caught:
        load_training(path)
    message = str(caught.value)
    assert message.startswith("x.yaml") and "\n" not in message
    return message


def with_network(text, network):
    lines = [line for line in text.splitlines() if not line.startswith("network:")]
    return "\n".join([*lines, f"network: {network}\n"])


@EVERY_TASK
def test_the_configurations_that_the_mistakes_are_made_in_are_right(tmp_path, kind):
    path = tmp_path / "x.yaml"
    path.write_text(TASKS[kind])
    assert load_training(path).task == kind


@EVERY_TASK
@pytest.mark.parametrize("name", ["..", ".", ".hidden", "a/b", "''", "7", '"a\\0b"', "[a]"])
def test_what_names_no_file_is_no_name(tmp_path, kind, name):
    text = TASKS[kind].replace("name: mine", f"name: {name}")
    assert "name" in refused(tmp_path, text)


@EVERY_TASK
@pytest.mark.parametrize("network", ["null", "small", "[8, 16]", "3"])
def test_a_network_that_is_no_mapping_is_refused_in_words_of_ours(tmp_path, kind, network):
    message = refused(tmp_path, with_network(TASKS[kind], network))
    assert "network: expected keys and values" in message


@EVERY_TASK
@pytest.mark.parametrize("rate", [".nan", ".inf", "-.inf", "true", "5e-4", "null", "[1]"])
def test_a_learning_rate_is_a_finite_number(tmp_path, kind, rate):
    assert "learning_rate" in refused(tmp_path, TASKS[kind] + f"learning_rate: {rate}\n")


@EVERY_TASK
def test_a_number_that_no_float_holds_is_refused(tmp_path, kind):
    refused(tmp_path, TASKS[kind] + f"learning_rate: 1{'0' * 400}\n")


@EVERY_TASK
@pytest.mark.parametrize("steps", ["2.5", "true", ".inf", "many"])
def test_the_steps_are_a_whole_number(tmp_path, kind, steps):
    assert re.search("steps.*int|finite", refused(tmp_path, TASKS[kind] + f"steps: {steps}\n"))


@pytest.mark.parametrize("kind", ["generator", "encoder", "restorer"])
@pytest.mark.parametrize(
    "channels", ["{}", "few", "null", "{.inf: 8}", "{32: 8.5}", "{32: wide}", "{32: 0}"]
)
def test_channels_are_whole_numbers_by_sides(tmp_path, kind, channels):
    text = re.sub(r"channels: \{.*?\}", f"channels: {channels}", TASKS[kind])
    assert text != TASKS[kind]
    assert re.search("channels|sides", refused(tmp_path, text))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("depth: 2", "depth: 2.5", "network.depth"),
        ("latent: 16", "latent: 16.5", "network.latent"),
        ("size: 8,", "size: small,", "network.size"),
        ("depth: 2", "depth: 2, mapping_rate: 0", "network.mapping_rate"),
        ("depth: 2", "depth: 2, mapping_rate: .nan", "network.mapping_rate"),
        ("name: mine", "name: mine\naugment_images: 0", "augment_images"),
        ("name: mine", "name: mine\nmixing: 1.5", "mixing"),
        ("channels: {4: 8, 8: 8}", "channels: {4: 8}", "do not go from 4"),
        ("size: 8", "design: gan, size: 8", "unknown design 'gan'"),
    ],
)
def test_a_wrong_generator_is_refused(tmp_path, old, new, words):
    assert old in GENERATOR
    assert words in refused(tmp_path, GENERATOR.replace(old, new))


@pytest.mark.parametrize("kind", ["encoder", "restorer"])
@pytest.mark.parametrize(
    ("identity", "key"),
    [
        ("arcface-small", "identity"),
        ("false", "identity"),
        ("{network: x}", "weight"),
        ("{network: x, weight: much}", "identity.weight"),
        ("{network: x, weight: .nan}", "identity.weight"),
        ("{network: x, weight: -1}", "identity.weight"),
        ("{network: 3, weight: 1}", "identity.network"),
        ("{network: x, weight: 1, template: [ffhq]}", "identity.template"),
    ],
)
def test_a_wrong_identity_loss_is_refused(tmp_path, kind, identity, key):
    assert key in refused(tmp_path, TASKS[kind] + f"identity: {identity}\n")


@pytest.mark.parametrize("kind", ["encoder", "descriptor", "restorer"])
@pytest.mark.parametrize("families", ["{gfpgan-64: much}", "{gfpgan-64: .nan}", "{3: 1}", "{}"])
def test_families_are_recipes_and_their_shares(tmp_path, kind, families):
    text = TASKS[kind].replace("{gfpgan-64: 1}", families)
    assert "families" in refused(tmp_path, text)


@pytest.mark.parametrize("widths", ["[]", "wide", "{4: wide, 8: 8}", "{4: 8.5}", "{4: 0}"])
def test_the_channels_of_a_discriminator_are_whole_numbers(tmp_path, widths):
    message = refused(tmp_path, RESTORER + f"adversarial: {{channels: {widths}}}\n")
    assert "channels" in message


@pytest.mark.parametrize("augmentation", ["none", "null", "[flip]"])
def test_an_augmentation_that_is_no_mapping_is_refused(tmp_path, augmentation):
    message = refused(tmp_path, DESCRIPTOR + f"augmentation: {augmentation}\n")
    assert "augmentation" in message


@pytest.mark.parametrize("kind", ["[generator]", "{a: b}", "null", "3"])
def test_a_task_that_is_no_text_is_refused(tmp_path, kind):
    assert "unknown task" in refused(tmp_path, f"task: {kind}\nname: mine\n")


GAN = "adversarial:\n  channels: {4: 8, 8: 8, 16: 8, 32: 8}\n  patch: 2\n"


@pytest.mark.parametrize(
    ("kind", "line", "words"),
    [
        ("restorer", "stepz: 3", r"line 4: stepz.* Did you mean 'steps'"),
        ("restorer", "learning_rate: 5e-4", "learning_rate.*write it like 0.0005"),
        ("restorer", "clean: 1.5", "clean"),
        ("restorer", "precision: float16", "precision.*float16"),
        ("restorer", "perceptual_network: lpips", "perceptual_network.*lpips"),
        ("restorer", "adversarial: {weight: 1}", "adversarial.*channels"),
        ("restorer", "adversarial: {channels: {4: 8, 8: 8}}", "faces of 8, not of 64"),
        ("restorer", "adversarial: {channels: {8: 8, 16: 8}}", "4, 8, 16"),
        ("restorer", GAN + "  weight: -1", "line 7: adversarial.weight"),
        ("restorer", GAN + "  balance: some", "adversarial.balance"),
        ("restorer", GAN + "  alone: 0.5", "adversarial.alone"),
        ("restorer", GAN + "  weigth: 1", "weigth.*Did you mean 'weight'"),
        ("encoder", "stages: 6", "stages"),
        ("encoder", "kode: 1", "kode.*Did you mean 'code'"),
        ("encoder", "generator: 3", "generator"),
        ("descriptor", "marign: 0.4", "marign.*Did you mean 'margin'"),
        ("descriptor", "margin: 2", "margin"),
        ("descriptor", "batch_size: 1", "batch_size"),
        ("descriptor", "augmentation: {zoom: 0.5}", "augmentation.zoom"),
        ("descriptor", "augmentation: {blur: 1}", "blur"),
        ("descriptor", "network: {size: 30}", "halved"),
        ("parser", "tight: 1.5", "tight"),
        ("parser", "dice: -1", "dice"),
    ],
)
def test_a_mistake_names_the_line_and_the_key(tmp_path, kind, line, words):
    key = line.partition(":")[0]
    kept = [row for row in TASKS[kind].splitlines() if not row.startswith(f"{key}:")]
    assert re.search(words, refused(tmp_path, "\n".join([*kept, line, ""])))


def test_an_unknown_name_lists_those_there_are_and_a_file_is_a_mapping(tmp_path):
    with pytest.raises(TrainingError, match=r"choose from .*style-128.*Did you mean 'unet-128'"):
        load_training("unet-129")
    path = tmp_path / "x.yaml"
    path.write_text("- a\n")
    with pytest.raises(TrainingError, match="keys and values"):
        load_training(path)


# What the first released trainer wrote for `small()`: files with it must go on.
FIRST = (
    "{'name': 'tiny', 'network': {'design': 'style', 'size': 64, 'channels': {8: 16, 16: 16, "
    "32: 12}, 'patch': 2, 'style': 8, 'blocks': 1, 'start': 'constant', 'masked': True}, "
    "'families': {'kuaishou-64': 1, 'gfpgan-64': 1}, 'seed': 5, 'steps': 8, 'batch_size': 4, "
    "'learning_rate': 0.002, 'warmup': 4, 'decay': 0.4, 'ema': 0.999, 'l1': 1.0, "
    "'perceptual': 0.0, 'stages': 5, 'adversarial': 0.0, 'adversarial_from': 0.5, 'r1': 1.0, "
    "'no_mask': 0.25, 'template_mask': 0.15, 'clean': 0.0, 'precision': 'float32'}"
)


def test_the_configuration_for_the_cpu_has_at_most_1_3_million_parameters():
    with torch.device("meta"):
        network = build_network(load_training("style-64-cpu").network)
    assert sum(parameter.numel() for parameter in network.parameters()) <= 1_300_000


def test_a_record_gives_back_its_configuration():
    config = small(identity=IdentityConfig("person.safetensors", 0.1), adversarial=ADVERSARIAL)
    assert RestorerTraining.from_record(ast.literal_eval(repr(config.as_record()))) == config


def test_keys_that_an_earlier_version_did_not_know_have_their_defaults():
    before = RestorerTraining.from_record(ast.literal_eval(FIRST))
    assert before == small()
    assert differences(before.as_record(), small().as_record()) == ""


def test_a_record_with_the_adversarial_loss_of_an_earlier_version_is_refused():
    record = ast.literal_eval(FIRST.replace("'adversarial': 0.0", "'adversarial': 0.3"))
    with pytest.raises(ValueError, match="adversarial"):
        RestorerTraining.from_record(record)


@pytest.mark.parametrize(
    ("changes", "words"),
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
def test_a_difference_is_told_by_its_key_and_both_values(changes, words):
    assert differences(small().as_record(), small(**changes).as_record()) == words

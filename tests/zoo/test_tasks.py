import re

import pytest
import torch

from zoo.training.tasks.registry import load_task
from zoo.training.tasks.restorer.config import TrainingError, list_configs


@pytest.mark.parametrize("name", list_configs())
def test_every_configuration_that_relume_brings_can_be_read_and_built(name):
    task = load_task(name)
    assert task.config.name
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in task.build().parameters()) > 1000


def test_a_configuration_without_a_task_trains_a_restorer():
    assert load_task("style-128").kind == "restorer"
    assert load_task("stylegan2-64").kind == "generator"


def test_an_unknown_task_names_the_nearest(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("task: generater\nname: x\n")
    with pytest.raises(TrainingError, match="Did you mean 'generator'"):
        load_task(path)


def test_an_unknown_key_of_a_generator_is_one_line(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("task: generator\nname: x\nsteps: 5\nnetwrk: {}\n")
    with pytest.raises(TrainingError, match="no key is called 'netwrk'"):
        load_task(path)
    path.write_text("task: generator\nname: x\n")
    with pytest.raises(TrainingError, match="the key 'network' is missing"):
        load_task(path)
    path.write_text("task: generator\nname: x\nnetwork: {size: 64, channels: {4: 8}}\n")
    with pytest.raises(TrainingError, match="do not go from 4"):
        load_task(path)


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
TASKS = {"generator": GENERATOR, "encoder": ENCODER, "descriptor": DESCRIPTOR, "restorer": RESTORER}
EVERY_TASK = pytest.mark.parametrize("kind", TASKS)


def refused(folder, text):
    """Return what is said of a configuration, which is one line that names the file."""
    path = folder / "x.yaml"
    path.write_text(text)
    with pytest.raises(TrainingError) as caught:
        load_task(path)
    said = str(caught.value)
    assert said.startswith("x.yaml: ") and "\n" not in said
    return said.removeprefix("x.yaml: ")


def with_network(text, network):
    lines = [line for line in text.splitlines() if not line.startswith("network:")]
    return "\n".join([*lines, f"network: {network}\n"])


@EVERY_TASK
def test_the_configurations_that_the_mistakes_are_made_in_are_right(tmp_path, kind):
    path = tmp_path / "x.yaml"
    path.write_text(TASKS[kind])
    assert load_task(path).kind == kind


@EVERY_TASK
@pytest.mark.parametrize("name", ["..", ".", ".hidden", "a/b", "''", "7", '"a\\0b"', "[a]"])
def test_what_names_no_file_is_no_name(tmp_path, kind, name):
    text = TASKS[kind].replace("name: mine", f"name: {name}")
    assert "is no name for a file" in refused(tmp_path, text)


@EVERY_TASK
@pytest.mark.parametrize("network", ["null", "small", "[8, 16]", "3"])
def test_a_network_that_is_no_mapping_is_refused_in_words_of_ours(tmp_path, kind, network):
    said = refused(tmp_path, with_network(TASKS[kind], network))
    assert said.startswith("network ") and "is no mapping" in said


@EVERY_TASK
@pytest.mark.parametrize("rate", [".nan", ".inf", "-.inf", "true", "5e-4", "null", "[1]"])
def test_a_learning_rate_is_a_finite_number(tmp_path, kind, rate):
    assert "is no number" in refused(tmp_path, TASKS[kind] + f"learning_rate: {rate}\n")


@EVERY_TASK
def test_a_number_that_no_float_holds_is_refused(tmp_path, kind):
    refused(tmp_path, TASKS[kind] + f"learning_rate: 1{'0' * 400}\n")


@EVERY_TASK
@pytest.mark.parametrize("steps", ["2.5", "true", ".inf", "many"])
def test_the_steps_are_a_whole_number(tmp_path, kind, steps):
    said = refused(tmp_path, TASKS[kind] + f"steps: {steps}\n")
    assert "is no whole number from 1 on" in said


@pytest.mark.parametrize("kind", ["generator", "encoder", "restorer"])
@pytest.mark.parametrize(
    ("channels", "said"),
    [
        ("{}", "sides|whole numbers"),
        ("few", "channels 'few' is no mapping"),
        ("null", "channels None is no mapping"),
        ("{.inf: 8}", "infinity"),
        ("{32: 8.5}", "whole numbers from 1 on"),
        ("{32: wide}", "whole numbers from 1 on"),
    ],
)
def test_channels_are_whole_numbers_by_sides(tmp_path, kind, channels, said):
    text = re.sub(r"channels: \{.*?\}", f"channels: {channels}", TASKS[kind])
    assert text != TASKS[kind]
    assert re.search(said, refused(tmp_path, text))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("depth: 2", "depth: 2.5", "whole numbers from 1 on"),
        ("latent: 16", "latent: 16.5", "whole numbers from 1 on"),
        ("size: 8,", "size: small,", "whole numbers from 1 on"),
        ("depth: 2", "depth: 2, mapping_rate: 0", "mapping_rate 0 is no number above 0"),
        ("depth: 2", "depth: 2, mapping_rate: slow", "mapping_rate 'slow' is no number above 0"),
        ("depth: 2", "depth: 2, mapping_rate: .nan", "mapping_rate nan is no number above 0"),
        ("name: mine", "name: mine\naugment_images: 0", "augment_images is above 0"),
    ],
)
def test_a_wrong_generator_is_refused(tmp_path, old, new, said):
    assert old in GENERATOR
    assert said in refused(tmp_path, GENERATOR.replace(old, new))


@pytest.mark.parametrize("kind", ["encoder", "restorer"])
@pytest.mark.parametrize(
    ("identity", "said"),
    [
        ("arcface-small", "identity 'arcface-small' is no mapping"),
        ("false", "identity False is no mapping"),
        ("{network: x, weight: much}", "weight 'much' is no number from 0 on"),
        ("{network: x, weight: .nan}", "weight nan is no number from 0 on"),
        ("{network: x, weight: -1}", "weight -1 is no number from 0 on"),
        ("{network: 3, weight: 1}", "network 3 is no name and no file"),
        ("{network: x, weight: 1, template: [ffhq]}", "is neither ffhq nor tight"),
    ],
)
def test_a_wrong_identity_loss_is_refused(tmp_path, kind, identity, said):
    assert said in refused(tmp_path, TASKS[kind] + f"identity: {identity}\n")


@pytest.mark.parametrize("kind", ["encoder", "descriptor", "restorer"])
@pytest.mark.parametrize("families", ["{gfpgan-64: much}", "{gfpgan-64: .nan}", "{3: 1}", "{}"])
def test_families_are_recipes_and_their_shares(tmp_path, kind, families):
    text = TASKS[kind].replace("{gfpgan-64: 1}", families)
    assert refused(tmp_path, text).startswith("families")


@pytest.mark.parametrize("widths", ["[]", "wide", "{4: wide, 8: 8}", "{4: 8.5}", "{4: 0}"])
def test_the_channels_of_a_discriminator_are_whole_numbers(tmp_path, widths):
    said = refused(tmp_path, RESTORER + f"adversarial: {{channels: {widths}}}\n")
    assert "channels" in said or "of 4, 8, 16" in said


@pytest.mark.parametrize("augmentation", ["none", "null", "[flip]"])
def test_an_augmentation_that_is_no_mapping_is_refused(tmp_path, augmentation):
    said = refused(tmp_path, DESCRIPTOR + f"augmentation: {augmentation}\n")
    assert said.startswith("augmentation ") and "is no mapping" in said


@pytest.mark.parametrize("kind", ["[generator]", "{a: b}", "null", "3"])
def test_a_task_that_is_no_text_is_refused(tmp_path, kind):
    assert "no task is called" in refused(tmp_path, f"task: {kind}\nname: mine\n")

import pytest
import torch

from zoo.tasks import load_task
from zoo.training.config import TrainingError, list_configs


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

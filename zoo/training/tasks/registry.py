"""What can be trained: a configuration's ``task`` says which class reads and runs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from degrade.config import nearest
from degrade.lazy import load_attribute
from zoo.training.base.config import RunConfig, TrainingError, read_config_file

if TYPE_CHECKING:
    from zoo.training.base.trainer import Trainer

__all__ = ["TASKS", "load_training", "trainer_of"]

TASKS: Mapping[str, str] = MappingProxyType(
    {
        "restorer": "zoo.training.tasks.restorer.trainer:RestorerTrainer",
        "generator": "zoo.training.tasks.generator.trainer:GeneratorTrainer",
        "encoder": "zoo.training.tasks.encoder.trainer:EncoderTrainer",
        "descriptor": "zoo.training.tasks.embedder.trainer:DescriptorTrainer",
        "parser": "zoo.training.tasks.parser.trainer:ParserTrainer",
    }
)
"""Task → its trainer; the first where a configuration names none."""


def load_training(name_or_path: str | Path) -> RunConfig:
    """Return the configuration of that name, or of that YAML file, of whatever task.

    Raises TrainingError, one line, for an unknown name, task, key or value.
    """
    data, lines, name = read_config_file(name_or_path)
    task = data.pop("task", next(iter(TASKS)))
    if not isinstance(task, str) or task not in TASKS:
        raise TrainingError(f"{name}: unknown task '{task}'.{nearest(str(task), TASKS)}")
    kind = _trainer(task).config_type
    return kind.from_record(data, name, lines=lines, error=TrainingError)


def trainer_of(config: RunConfig) -> type[Trainer]:
    """Return the class that trains a configuration."""
    return _trainer(config.task)


def _trainer(task: str) -> type[Trainer]:
    trainer: type[Trainer] = load_attribute(TASKS[task])
    return trainer

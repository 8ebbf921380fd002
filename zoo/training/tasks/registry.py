"""What can be trained: a configuration's ``task`` says which code reads and runs it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from degrade.config import nearest
from zoo.training.tasks.restorer.config import (
    TrainingConfig,
    TrainingError,
    checked_config,
    config_of,
    read_config_file,
)

if TYPE_CHECKING:
    from torch import nn

__all__ = ["DEFAULT", "RunConfig", "Task", "load_task"]

DEFAULT = "restorer"
"""Meant where a configuration names none."""


class RunConfig(Protocol):
    """What the configuration of every task says."""

    @property
    def name(self) -> str:
        """Of what comes out."""

    @property
    def steps(self) -> int:
        """Length of the run."""

    @property
    def batch_size(self) -> int:
        """Faces of a step."""


@dataclass(frozen=True, slots=True)
class Task:
    """A configuration and what trains it.

    Attributes
    ----------
    kind
        ``restorer``, ``generator``, …
    config
        `zoo.training.tasks.restorer.config.TrainingConfig` or that of another task: a `RunConfig`.
    train
        Takes the configuration, the folder of faces, that of the run, and the keywords of
        `zoo.training.tasks.restorer.run.train`.
    build
        Makes the network, untrained.
    detail
        What it learns from, in words.
    packs
        Whether it learns from a pack, and packs a folder first: ``train`` takes ``on_face`` then.
    """

    kind: str
    config: Any
    train: Callable[..., Path]
    build: Callable[[], nn.Module]
    detail: str = ""
    packs: bool = False


def load_task(name_or_path: str | Path) -> Task:
    """Return what a configuration, by its name or as a YAML file, wants trained.

    Raises TrainingError, one line, for an unknown name, task, key or value.
    """
    data, name = read_config_file(name_or_path)
    kind = data.pop("task", DEFAULT)
    if isinstance(kind, str) and kind in _READERS:
        return _READERS[kind](data, name)
    raise TrainingError(f"{name}: no task is called '{kind}'.{nearest(str(kind), _READERS)}")


def _restorer(data: Mapping[str, Any], name: str) -> Task:
    from zoo.networks.restoration.designs import build_network
    from zoo.training.tasks.restorer.run import train

    config = checked_config(data, name, TrainingConfig, config_of)
    recipes = dict.fromkeys(recipe.partition(":")[0] for recipe in config.families)
    build = functools.partial(build_network, config.network)
    return Task("restorer", config, train, build, ", ".join(recipes), packs=True)


def _generator(data: Mapping[str, Any], name: str) -> Task:
    from zoo.networks.stylegan.generator import StyleGenerator
    from zoo.training.tasks.generator.config import GeneratorTraining, training_of
    from zoo.training.tasks.generator.run import train

    config = checked_config(data, name, GeneratorTraining, training_of)
    return Task("generator", config, train, functools.partial(StyleGenerator, config.network))


def _descriptor(data: Mapping[str, Any], name: str) -> Task:
    from zoo.networks.faces.face_descriptor import FaceDescriptor
    from zoo.training.tasks.embedder.config import DescriptorTraining, descriptor_training
    from zoo.training.tasks.embedder.run import train

    config = checked_config(data, name, DescriptorTraining, descriptor_training)
    build = functools.partial(FaceDescriptor, config.network)
    return Task("descriptor", config, train, build, ", ".join(config.families))


def _encoder(data: Mapping[str, Any], name: str) -> Task:
    from zoo.networks.stylegan.psp import PspEncoder
    from zoo.training.tasks.encoder.config import EncoderTraining, encoder_training
    from zoo.training.tasks.encoder.run import train

    config = checked_config(data, name, EncoderTraining, encoder_training)
    build = functools.partial(PspEncoder, config.network)
    return Task("encoder", config, train, build, f"codes of {config.generator}")


def _parser(data: Mapping[str, Any], name: str) -> Task:
    from zoo.networks.parsing.parsing_unet import ParsingUNet
    from zoo.training.tasks.parser.config import ParserTraining, parser_training
    from zoo.training.tasks.parser.run import train

    config = checked_config(data, name, ParserTraining, parser_training)
    build = functools.partial(ParsingUNet, config.network)
    return Task("parser", config, train, build, ", ".join(config.families))


_READERS: Mapping[str, Callable[[Mapping[str, Any], str], Task]] = MappingProxyType(
    {
        "restorer": _restorer,
        "generator": _generator,
        "encoder": _encoder,
        "descriptor": _descriptor,
        "parser": _parser,
    }
)

"""Generators by name or file: those that Relume brings, and those that `zoo train` wrote."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

import torch

from degrade.errors import UserError
from zoo.networks.stored import stored_network
from zoo.networks.stylegan.generator import GeneratorConfig, StyleGenerator
from zoo.networks.stylegan.published import published_generator
from zoo.weights.builtin import read_shipped, shipped_names
from zoo.weights.download import sha256_of
from zoo.weights.files import WeightsMissing, load_checkpoint, load_safetensors
from zoo.weights.header import ENTRY, TrainedFile, read_trained_file

__all__ = ["KIND", "LoadedGenerator", "UnknownGeneratorError", "generator_names", "load_generator"]

KIND = "generator"
"""Of a shipped card, see `zoo.weights.builtin`."""
_PUBLISHED = (".pt", ".pth")
_MOST_PARAMETERS = 64_000_000
"""The published generators of 1 024 pixels have 30 million."""


class UnknownGeneratorError(UserError):
    """No generator of that name comes with Relume."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadedGenerator:
    """A generator that can be drawn from."""

    name: str  # of the generator
    network: StyleGenerator  # frozen, float32, on the CPU
    template: str  # how its faces are aligned, see `zoo.templates`
    sha256: str  # of its file


def generator_names() -> tuple[str, ...]:
    """Return the names of the generators that come with Relume."""
    return shipped_names(KIND)


def load_generator(name_or_path: str | Path) -> LoadedGenerator:
    """Load a generator.

    Parameters
    ----------
    name_or_path
        One of `generator_names`, a ``.safetensors`` file that `zoo train` wrote, or a published
        StyleGAN2, ``.pt``, ``.pth`` or ``.safetensors``, see `zoo.networks.stylegan.published`.

    Raises
    ------
    UnknownGeneratorError
        With the nearest name.
    WeightsMissing, WeightsRefused
        The file is not there, damaged, or holds another kind of network.
    """
    name = str(name_or_path)
    if name.endswith(_PUBLISHED) or _has_no_header(name):
        return _published(Path(name))
    if not name.endswith(".safetensors"):
        known = generator_names()
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            advice = f"did you mean {near[0]}?" if near else f"choose from {', '.join(known)}"
            raise UnknownGeneratorError(f"no generator is called {name!r}: {advice}")
        file = read_shipped(name)
    else:
        file = read_trained_file(Path(name))
    return LoadedGenerator(file.path.stem, _network(file), file.template, file.sha256)


def _has_no_header(name: str) -> bool:
    """Tell whether a ``.safetensors`` file says nothing of Relume's."""
    path = Path(name)
    if path.suffix != ".safetensors" or not path.is_file():
        return False
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return ENTRY not in (file.metadata() or {})
    except SafetensorError:
        return False


def _published(path: Path) -> LoadedGenerator:
    if not path.is_file():
        raise WeightsMissing(f"{path} is not there: give a file of a generator, or a name")
    read = load_safetensors if path.suffix == ".safetensors" else load_checkpoint
    network = published_generator(read(path), str(path))
    return LoadedGenerator(path.stem, network, "ffhq", sha256_of(path))


def _network(file: TrainedFile) -> StyleGenerator:
    designs = {GeneratorConfig.design: GeneratorConfig}
    _, network = stored_network(file, designs, StyleGenerator, "generator", _MOST_PARAMETERS)
    return network.to(memory_format=torch.channels_last)

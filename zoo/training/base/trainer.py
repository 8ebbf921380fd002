"""What a run trains: networks, their optimisers, batches and one step; saved, loaded, exported.

Every task is a class below `Trainer`; `zoo.training.base.run.train` runs it. A run resumed equals
a run never stopped, bit for bit on the CPU.
"""

from __future__ import annotations

import ast
import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from degrade.images import atomic_file
from zoo.training.base.config import RunConfig, TrainingError, differences
from zoo.training.base.distributed import Processes
from zoo.training.base.schedule import rate_at
from zoo.training.base.worker_batches import Batches
from zoo.weights.files import load_checkpoint
from zoo.weights.header import loss_networks_of, write_trained_file

__all__ = [
    "OnFace", "Trainer", "average_of", "fill_network", "on_device", "sample_sheet", "seeded",
]  # fmt: skip

Network = TypeVar("Network", bound=nn.Module)
OnFace = Callable[[int, int], None]
"""Called with the number of faces read or packed, and of all."""

_DAMAGED = (
    ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, SyntaxError,
    TypeError, ValueError,
)  # fmt: skip
"""What a state that is damaged or of another version was seen to raise."""


class Stateful(Protocol):
    """A network, an optimiser, or anything else that is saved."""

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` takes, without code in it."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any:
        """Go on from there."""


class Trainer(ABC):
    """The state of a run and one step of it.

    A task's class fills `parts` in its constructor, and `batches` and `template` in `open`.

    Parameters
    ----------
    config
        See the task's configuration.
    device
        Where to train.
    processes
        This one among those that train together: its batches are parts of the whole ones.

    Attributes
    ----------
    done
        Steps done.
    parts
        Name in the state → what is saved under it.
    batches
        ``batches[step]``, picklable for worker processes.
    template
        How the faces are aligned, see `zoo.templates`.
    begun_from
        sha256 of the weights file that the run began from, or an empty text.
    inherited
        Networks that those weights were trained against.
    sheet_every, validate_every
        Steps between two sheets of samples, and two validations; 0 for none.
    """

    config_type: ClassVar[type[RunConfig]]
    shared: ClassVar[bool] = False
    """Whether several processes can train it together."""
    uses_workers: ClassVar[bool] = True
    """Whether worker processes can make its batches ahead."""
    config_key: ClassVar[str] = "config"
    """Where the state keeps the configuration: no other task takes it for its own."""
    batch_bytes: int | None = None
    """Bytes of a batch that a worker sends, for `fitting_workers`; None for not checked."""
    sheet_every: int = 0
    validate_every: int = 0

    batches: Batches[Any]
    template: str

    def __init__(
        self, config: Any, device: torch.device, processes: Processes | None = None
    ) -> None:
        self.config, self.device, self.done = config, device, 0
        self.processes = processes or Processes()
        self.begun_from = ""
        self.inherited: tuple[str, ...] = ()
        self.parts: dict[str, nn.Module | Stateful] = {}

    @abstractmethod
    def open(self, faces: Path, out: Path, on_face: OnFace | None = None) -> None:
        """Open the faces to learn from; ``out`` is the run's folder."""

    @abstractmethod
    def step(self, batch: Any) -> Mapping[str, Tensor | float]:
        """Learn from one batch, or this process's part of it; return the whole's metrics."""

    def receive(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Yield the batches as `step` takes them."""
        return batches

    def sheet(self) -> NDArray[np.uint8]:
        """Return a sheet of samples, uint8 (height, width, 3) RGB."""
        raise NotImplementedError

    def validate(self) -> Mapping[str, float]:
        """Return the scores of the network as it is now."""
        raise NotImplementedError

    def after_validation(  # noqa: B027 - most tasks keep no best weights
        self, lines: Sequence[Mapping[str, float]], out: Path
    ) -> None:
        """Keep a best checkpoint where the last of the scores is the best."""

    def is_exhausted(self, lines: Sequence[Mapping[str, float]]) -> bool:
        """Return whether the validations say that the run is to end early."""
        return False

    def notes(self) -> list[str]:
        """Return what a person should know before the first step, one line each."""
        return []

    def header(self) -> dict[str, Any]:
        """Return the header of the exported weights, see `zoo.weights.header.TrainedFile`."""
        return {
            "config": self.config.as_record(),
            "steps": self.done,
            "template": self.template,
            "begun_from": self.begun_from,
        }

    def begin_from(self, weights: Path) -> list[str]:
        """Take up the weights of an earlier run before the first step; return notes.

        Raises
        ------
        TrainingError
            They do not fit, or the task begins anew.
        WeightsMissing, WeightsRefused
            The file is not there, damaged, or holds something else.
        """
        raise TrainingError(f"{self.config.name} begins anew: leave --from out")

    @classmethod
    def build(cls, config: Any) -> nn.Module:
        """Return the network that comes out, untrained."""
        raise NotImplementedError

    @classmethod
    def sources(cls, config: Any) -> str:
        """Return what a configuration learns from, in words."""
        return ", ".join(getattr(config, "families", ()))

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return rate_at(self.config, self.done)

    @property
    def exported(self) -> nn.Module:
        """The network that comes out."""
        average = self.parts["average"]
        assert isinstance(average, nn.Module)
        return average

    @property
    def loss_networks(self) -> tuple[str, ...]:
        """The networks that its weights were trained against, here and before `begin_from`."""
        own = loss_networks_of(self.config.as_record())
        return tuple(dict.fromkeys([*self.inherited, *own]))

    def export(self, path: Path) -> Path:
        """Write the network that comes out with `header`, 16-bit safetensors; return the path."""
        return write_trained_file(self.exported, path, self.header())

    def autocast(self) -> torch.autocast:
        """Return the context of the configuration's precision.

        No gradient is scaled in ``bfloat16``: it has float32's exponents, so nothing underflows.
        """
        enabled = self.config.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)

    def extra_state(self) -> dict[str, Any]:
        """Return what is saved beside `parts`."""
        return {}

    def load_extra_state(self, record: Mapping[str, Any]) -> None:  # noqa: B027 - most have none
        """Take up what `extra_state` gave."""

    def save(self, path: Path) -> None:
        """Write everything that a later run needs to go on as if never stopped."""
        record = {
            # As text: torch.load without code takes no frozen dataclass.
            self.config_key: repr(self.config.as_record()),
            "done": self.done,
            "begun_from": self.begun_from,
            "inherited": list(self.inherited),
            **{name: part.state_dict() for name, part in self.parts.items()},
            **self.extra_state(),
        }
        with atomic_file(path) as file:
            torch.save(record, file)

    def load(self, path: Path) -> None:
        """Take up what `save` wrote, here or in an earlier version.

        Raises
        ------
        TrainingError
            It is no such state, or another configuration's (the message names the keys that
            differ), another version's, or lacks a part.
        WeightsRefused
            It is damaged, or holds more than data.
        """
        record = load_checkpoint(path)
        text = record.get(self.config_key) if isinstance(record, dict) else None
        if not isinstance(record, dict) or not isinstance(text, str):
            raise TrainingError(
                f"{path} is no state of a training run like this: give another --out"
            )
        with _reading(path):
            config = self.config_type.from_record(dict(ast.literal_eval(text)))
        if differing := differences(config.as_record(), self.config.as_record()):
            raise TrainingError(
                f"{path} was begun with another configuration ({differing}): "
                "give another --out, or delete it"
            )
        with _reading(path):
            for name, part in self.parts.items():
                if isinstance(part, nn.Module):
                    fill_network(part, record[name], path)
                else:
                    part.load_state_dict(record[name])
            self.load_extra_state(record)
            # Absent in states of earlier versions.
            self.begun_from = str(record.get("begun_from", ""))
            self.inherited = tuple(map(str, record.get("inherited", ())))
            self.done = int(record["done"])


def fill_network(network: nn.Module, tensors: Mapping[str, Tensor], source: object) -> None:
    """Give a network these tensors; TrainingError where its layers are others."""
    expected = {name: tensor.shape for name, tensor in network.state_dict().items()}
    shapes = {name: getattr(tensor, "shape", None) for name, tensor in tensors.items()}
    if expected != shapes:
        name = next(n for n in {**expected, **shapes} if expected.get(n) != shapes.get(n))
        raise TrainingError(
            f"{source} is of a network that differs at {name}: give another --out, weights of the "
            "same sizes, or use the version that wrote it"
        )
    network.load_state_dict(tensors)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw first weights from a seed of their own; the global random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def on_device(network: Network, device: torch.device) -> Network:
    """Return the network on a device, channels last."""
    moved: Network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


def average_of(network: Network) -> Network:
    """Return a frozen copy of the network for the running average of its weights."""
    return copy.deepcopy(network).requires_grad_(False).eval()


def sample_sheet(rows: Sequence[Tensor]) -> NDArray[np.uint8]:
    """Return rows of ``(n, 3, size, size)`` images in [0, 1] as one, uint8 (height, width, 3)."""
    joined = torch.cat([torch.cat(list(images.cpu()), dim=2) for images in rows], dim=1)
    levels = (joined.clamp(0, 1) * 255).round().byte()
    return np.ascontiguousarray(levels.permute(1, 2, 0).numpy())


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Raise TrainingError for whatever the parts of a damaged or other version's state raise."""
    try:
        yield
    except _DAMAGED as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TrainingError(
            f"{path} is damaged or of another version of Relume ({reason}): give another --out, "
            "or use that version"
        ) from error

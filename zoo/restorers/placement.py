"""Where a restorer computes: on which device, and how many faces at once.

Torch is imported only where a GPU is asked for.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar, runtime_checkable

from degrade.errors import UserError
from zoo.restorer import Card, Image, Restorer

__all__ = [
    "CPU",
    "HERE",
    "PRECISION",
    "DeviceError",
    "DeviceRestorer",
    "Placement",
    "device_facts",
    "exactly",
    "filled_batches",
    "filled_up",
    "parse_device",
    "require_device",
]

Item = TypeVar("Item")

CPU = "cpu"
PRECISION = "float32"
"""What every restorer computes in; TensorFloat-32 is switched off, see `exactly`."""


class DeviceError(UserError):
    """A device that there is not."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where, and how many at once; with the weights it decides a network's bytes.

    Raises
    ------
    ValueError
        Fewer than one face at once: nothing would ever be restored.
    """

    device: str = CPU  # ``cpu`` or ``cuda:0``, ``cuda:1``, …; see `parse_device`
    # Faces that go through a network at once. A last batch is filled up to as many, so that a
    # face's bytes depend on this number and on no neighbour.
    batch: int = 1

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"a batch has one face or more, not {self.batch}")

    @property
    def on_gpu(self) -> bool:
        """Whether it is another device than the processor."""
        return self.device != CPU

    def halved(self) -> Placement:
        """Return the same device with half as many faces at once, at least one."""
        return replace(self, batch=max(1, self.batch // 2))


HERE = Placement()
"""On the processor, a face at a time: where a restorer is when it was loaded."""


@runtime_checkable
class DeviceRestorer(Protocol):
    """A restorer that can compute elsewhere, or take several faces at once."""

    @property
    def card(self) -> Card:
        """What it is."""

    @property
    def placement(self) -> Placement:
        """Where it computes; with fewer faces at once than were asked for where it must."""

    def placed(self, placement: Placement) -> Restorer:
        """Return the same restorer at another place; this one stays where it is.

        Values differ in their last bits between devices, and between one face at a time and
        several: an image may differ by one level on 0.01 % of its pixels.
        """

    def computed_for(self, faces: Sequence[Image]) -> int:
        """Return how many faces it computes when it is given these, with those that fill it up.

        The time of one is the call's divided by this.
        """


def filled_up(count: int, size: int) -> int:
    """Return how many items `filled_batches` yields for ``count``, with those that fill it up."""
    return -(-count // size) * size


def parse_device(name: str) -> str:
    """Return the device that a person names: ``cuda`` is the first GPU, ``cuda:0``.

    Raises
    ------
    DeviceError
        It is no kind of device that restorers run on.
    """
    if name == CPU or re.fullmatch(r"cuda:(0|[1-9][0-9]{0,2})", name):
        return name
    if name == "cuda":
        return "cuda:0"
    raise DeviceError(f"there is no device '{name}': name cpu, cuda or, of several GPUs, cuda:1")


def require_device(device: str) -> None:
    """Raise DeviceError where this machine has no such device (of `parse_device`)."""
    if device == CPU:
        return
    import torch

    if not torch.cuda.is_available():
        raise DeviceError(f"there is no device '{device}' here: use --device cpu")
    count = torch.cuda.device_count()
    if int(device.partition(":")[2]) >= count:
        raise DeviceError(
            f"there is no device '{device}' here, the GPUs are cuda:0 to cuda:{count - 1}: name "
            "one of them"
        )


def device_facts(device: str) -> str:
    """Return a GPU's name and the versions that its values depend on; ``cpu`` for the processor.

    Such as ``NVIDIA A100-SXM4-80GB, CUDA 12.4, cuDNN 90100``.
    """
    if device == CPU:
        return CPU
    import torch

    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return f"{torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}, cuDNN {cudnn}"


@contextlib.contextmanager
def exactly(device: str) -> Iterator[None]:
    """Within the block a GPU computes in whole float32 and gives the same bytes every time.

    cuDNN would take TensorFloat-32 (10 bits of mantissa) for convolutions, time several
    algorithms and keep the fastest of the day (docs.pytorch.org/docs/stable/backends.html);
    what was set before is set again afterwards.
    """
    if device == CPU:
        yield
        return
    import torch

    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def filled_batches(items: Sequence[Item], size: int) -> Iterator[tuple[list[Item], int]]:
    """Yield lists of exactly ``size`` items, and how many of them are wanted.

    The last list is filled up with its own last item.
    """
    for start in range(0, len(items), size):
        batch = list(items[start : start + size])
        yield batch + [batch[-1]] * (size - len(batch)), len(batch)

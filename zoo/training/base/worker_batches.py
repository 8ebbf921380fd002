"""Batches made ahead by worker processes; the same bytes as without them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from degrade.errors import UserError
from zoo.training.data.batches import FaceBatch

__all__ = ["Batches", "batches_of", "fitting_workers", "moved_ahead"]

_AHEAD = 2
"""Batches that each worker keeps ready."""
_SHARED_MEMORY = Path("/dev/shm")
_USABLE = 0.9
"""Share of the free shared memory that batches may take."""

Made = TypeVar("Made", covariant=True)


class Batches(Protocol[Made]):
    """Gives the batch of a step, such as `zoo.training.data.batches.FaceBatches`; picklable."""

    def __getitem__(self, step: int) -> Made:
        """Return the batch of that step, the same each time."""


def batches_of(
    batches: Batches[Made], steps: range, workers: int = 0, *, pinned: bool = False
) -> Iterator[Made]:
    """Yield the batches of those steps in order.

    Parameters
    ----------
    batches
        What makes them.
    steps
        Which ones.
    workers
        Processes that make them ahead; 0 makes each when it is asked for. They are started
        afresh (``spawn``), so a script of yours needs ``if __name__ == "__main__":``.
    pinned
        Put what workers send into page-locked memory, for copies to a GPU.

    Raises
    ------
    UserError
        What the worker met, such as a picture that cannot be read.
    """
    if not workers:
        yield from (batches[step] for step in steps)
        return
    loader: DataLoader[Made | UserError] = DataLoader(
        _Guarded(batches),  # type: ignore[arg-type]  # any object with __getitem__ will do
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        prefetch_factor=_AHEAD,
        pin_memory=pinned,
        collate_fn=_as_it_is,  # one batch, not a list of faces
        # Forked, a worker would inherit locks of threads that it does not have.
        multiprocessing_context="spawn",
        # Of its own: the loader would draw its workers' seeds, unused here, from the global one.
        generator=torch.Generator(),
    )
    for made in loader:
        if isinstance(made, UserError):
            raise made
        yield made


def fitting_workers(
    workers: int, batch_bytes: int, *, processes: int = 1, memory: Path = _SHARED_MEMORY
) -> tuple[int, str]:
    """Return how many workers the shared memory has room for, and what to tell a person.

    Workers send batches through ``/dev/shm``, which a container gives 64 MB by default; without
    room they die of a bus error.

    Parameters
    ----------
    workers
        As many as are asked for.
    batch_bytes
        Of one batch.
    processes
        How many on this machine have workers of their own.
    memory
        Where the shared memory is mounted; where there is none, nothing is checked.

    Returns
    -------
    tuple
        The number, and a line where it is less than asked for; else an empty text.
    """
    if not workers or not memory.is_dir():
        return workers, ""
    status = os.statvfs(memory)
    room = int(_USABLE * status.f_bavail * status.f_frsize) // processes
    # One more: the batch that is being learned from.
    fitting = min(workers, (room // batch_bytes - 1) // _AHEAD)
    if fitting == workers:
        return workers, ""
    fitting = max(0, fitting)
    needed = batch_bytes * (_AHEAD * workers + 1) * processes / _USABLE
    return fitting, (
        f"{memory} has room for the batches of {fitting} of {workers} workers, so {fitting} are "
        f"used: give it {needed / 1e9:.1f} GB (`docker run --shm-size`), or lower --workers"
    )


def moved_ahead(batches: Iterator[FaceBatch], device: torch.device) -> Iterator[FaceBatch]:
    """Yield the batches on a device; on a GPU the next one is copied while this one is used.

    Parameters
    ----------
    batches
        In page-locked memory, so that the copies run beside the computing.
    device
        Where to; the CPU takes the batches as they are.
    """
    if device.type != "cuda":
        yield from batches
        return
    side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    ready: tuple[FaceBatch, torch.cuda.Event] | None = None
    for batch in batches:
        with torch.cuda.stream(side):
            moved = batch.to(device), side.record_event()
        if ready is not None:
            yield _taken_over(*ready, device)
        ready = moved
    if ready is not None:
        yield _taken_over(*ready, device)


def _taken_over(batch: FaceBatch, copied: torch.cuda.Event, device: torch.device) -> FaceBatch:
    """Return the batch for use on the current stream, which waits for its copy alone."""
    stream = torch.cuda.current_stream(device)
    stream.wait_event(copied)

    def used_here(tensor: Tensor) -> Tensor:
        # Its memory belongs to the stream that copied it, and must outlive its use on this one.
        tensor.record_stream(stream)
        return tensor

    return batch.mapped(used_here)


class _Guarded(Generic[Made]):
    """Batches, or as values the mistakes of a person that a worker met on the way.

    A loader raises a worker's error anew with the whole traceback as its message.
    """

    def __init__(self, batches: Batches[Made]) -> None:
        self._batches = batches

    def __getitem__(self, step: int) -> Made | UserError:
        try:
            return self._batches[step]
        except UserError as error:
            return error


def _as_it_is(made: object) -> object:
    return made

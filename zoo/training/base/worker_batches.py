"""Batches made ahead by worker processes; the same bytes as without them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch
from torch.utils.data import DataLoader

from degrade.errors import UserError

__all__ = ["Batches", "batches_of", "fitting_workers"]

_AHEAD = 2
"""Batches that each worker keeps ready."""
_SHARED_MEMORY = Path("/dev/shm")
_USABLE = 0.9
"""Share of the free shared memory that batches may take."""

Batch = TypeVar("Batch", covariant=True)


class Batches(Protocol[Batch]):
    """Gives the batch of a step, such as `zoo.training.data.batches.FaceBatches`; picklable."""

    def __getitem__(self, step: int) -> Batch:
        """Return the batch of that step, the same each time."""


def batches_of(
    batches: Batches[Batch], steps: range, workers: int = 0, *, pinned: bool = False
) -> Iterator[Batch]:
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
        What the worker met, such as an image that cannot be read.
    """
    if not workers:
        yield from (batches[step] for step in steps)
        return
    loader: DataLoader[Batch | UserError] = DataLoader(
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
    for batch in loader:
        if isinstance(batch, UserError):
            raise batch
        yield batch


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


class _Guarded(Generic[Batch]):
    """Batches, or as values the mistakes of a person that a worker met on the way.

    A loader raises a worker's error anew with the whole traceback as its message.
    """

    def __init__(self, batches: Batches[Batch]) -> None:
        self._batches = batches

    def __getitem__(self, step: int) -> Batch | UserError:
        try:
            return self._batches[step]
        except UserError as error:
            return error


def _as_it_is(batch: object) -> object:
    return batch

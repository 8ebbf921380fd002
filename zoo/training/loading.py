"""Batches made ahead by worker processes; the same bytes as without them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

import torch
from torch.utils.data import DataLoader

from degrade.errors import UserError

__all__ = ["Batches", "batches_of"]

_AHEAD = 2
"""Batches that each worker keeps ready."""

Made = TypeVar("Made", covariant=True)


class Batches(Protocol[Made]):
    """Gives the batch of a step, such as `zoo.training.batches.FaceBatches`; picklable."""

    def __getitem__(self, step: int) -> Made:
        """Return the batch of that step, the same each time."""


def batches_of(batches: Batches[Made], steps: range, workers: int = 0) -> Iterator[Made]:
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

    Raises
    ------
    UserError
        What the worker met, such as a picture that cannot be read.
    """
    if not workers:
        yield from (batches[step] for step in steps)
        return
    loader: DataLoader[Made | UserError] = DataLoader(
        _Told(batches),  # type: ignore[arg-type]  # any object with __getitem__ will do
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        prefetch_factor=_AHEAD,
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


class _Told(Generic[Made]):
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

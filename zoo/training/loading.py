"""Batches made ahead by worker processes; the same bytes as without them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader

from degrade.errors import UserError
from zoo.training.batches import FaceBatch, FaceBatches

__all__ = ["batches_of"]

_AHEAD = 2
"""Batches that each worker keeps ready."""


def batches_of(batches: FaceBatches, steps: range, workers: int = 0) -> Iterator[FaceBatch]:
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
    loader: DataLoader[FaceBatch | UserError] = DataLoader(
        _Told(batches),  # type: ignore[arg-type]  # any object with __getitem__ will do
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        prefetch_factor=_AHEAD,
        collate_fn=_as_it_is,  # type: ignore[arg-type]  # one batch, not a list of faces
        # Forked, a worker would inherit locks of threads that it does not have.
        multiprocessing_context="spawn",
        # Of its own: the loader would draw its workers' seeds, unused here, from the global one.
        generator=torch.Generator(),
    )
    for made in loader:
        if isinstance(made, UserError):
            raise made
        yield made


class _Told:
    """Batches, or as values the mistakes of a person that a worker met on the way.

    A loader raises a worker's error anew with the whole traceback as its message.
    """

    def __init__(self, batches: FaceBatches) -> None:
        self._batches = batches

    def __getitem__(self, step: int) -> FaceBatch | UserError:
        try:
            return self._batches[step]
        except UserError as error:
            return error


def _as_it_is(made: FaceBatch | UserError) -> FaceBatch | UserError:
    return made

"""The loop that every training run goes through: log, samples, checkpoints, and what is shown.

Knows nothing of what is learned; a trainer says how to take a step and how to be saved.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from degrade.storage import LocalStorage
from zoo.download import sha256_of
from zoo.training.config import TrainingError
from zoo.training.diary import LOG_EVERY, Diary

__all__ = ["STATE_FILE", "Learner", "Shown", "check_begun_from", "learn"]

STATE_FILE = "state.pt"
_SAVE_EVERY = 250
_SAVE_AFTER = 600.0
"""Seconds after which a slow run is saved too, at the next line of its log."""


class Learner(Protocol):
    """What takes the steps."""

    done: int

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""

    def step(self, batch: Any) -> dict[str, float]:
        """Learn from one batch; return the losses."""

    def save(self, path: Path) -> None:
        """Write everything that a later run needs to go on as if never stopped."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How a person follows a run.

    Attributes
    ----------
    batch_size
        Faces of a step, for the speed.
    notes
        Makes lines that a person should know, before the first step; it is told whether
        TensorBoard is there.
    sheet
        Makes a sheet of samples, uint8 (height, width, 3) RGB; None for none.
    sheet_every
        Steps between two sheets.
    on_start
        Called with the steps done before and the notes.
    on_step
        Called after each step with the steps done and the losses.
    """

    batch_size: int
    notes: Callable[[bool], Sequence[str]]
    sheet: Callable[[], NDArray[np.uint8]] | None = None
    sheet_every: int = 500
    on_start: Callable[[int, list[str]], None] | None = None
    on_step: Callable[[int, dict[str, float]], None] | None = None


def learn(trainer: Learner, batches: Iterable[Any], out: Path, shown: Shown) -> None:
    """Take a step with each batch; what was learned is in the folder at the end.

    Parameters
    ----------
    trainer
        New, or as it was saved.
    batches
        From its next step on.
    out
        The run's folder.
    shown
        How a person follows it.
    """
    LocalStorage(out).sweep()
    with Diary(out, trainer.done, shown.batch_size) as diary:
        if shown.on_start:
            shown.on_start(trainer.done, list(shown.notes(diary.has_events)))
        saved = time.monotonic()
        for batch in batches:
            rate = trainer.learning_rate
            told = trainer.step(batch)
            diary.add(trainer.done, told, rate)
            if shown.sheet and trainer.done % shown.sheet_every == 0:
                diary.sheet(trainer.done, shown.sheet())
            if _is_due(trainer.done, saved):
                trainer.save(out / STATE_FILE)
                saved = time.monotonic()
            if shown.on_step:
                shown.on_step(trainer.done, told)
    trainer.save(out / STATE_FILE)


def check_begun_from(begun_from: str, begin_from: Path | None, state: Path) -> None:
    """Refuse to go on with a state that was not begun from the weights that are asked for.

    Parameters
    ----------
    begun_from
        The sha256 of the weights that the state was begun from; empty for none.
    begin_from
        The weights that are asked for, if any.
    state
        Its file, for the message.

    Raises
    ------
    TrainingError
        It was begun from others, or from none.
    """
    if begin_from is not None and begun_from != sha256_of(begin_from):
        raise TrainingError(
            f"{state} was not begun from {begin_from}: give another --out, or leave --from out"
        )


def _is_due(done: int, saved: float) -> bool:
    slow = done % LOG_EVERY == 0 and time.monotonic() - saved > _SAVE_AFTER
    return done % _SAVE_EVERY == 0 or slow

"""The loop that every training run goes through: log, samples, validation, checkpoints.

Knows nothing of what is learned; a trainer says how to take a step and how to be saved.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from degrade.dataset.storage import LocalStorage
from zoo.training.base.metrics_log import LOG_EVERY, VALIDATION_FILE, MetricsLogger, read_lines
from zoo.training.tasks.restorer.config import TrainingError
from zoo.weights.download import sha256_of

__all__ = ["STATE_FILE", "Callbacks", "Trainable", "Validator", "check_begun_from", "learn"]

STATE_FILE = "state.pt"
_SAVE_EVERY = 250
_SAVE_AFTER = 600.0
"""Seconds after which a slow run is saved too, at the next line of its log."""


class Trainable(Protocol):
    """What takes the steps."""

    done: int

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""

    def step(self, batch: Any) -> Mapping[str, Tensor | float]:
        """Learn from one batch; return the losses."""

    def save(self, path: Path) -> None:
        """Write everything that a later run needs to go on as if never stopped."""


class Validator(Protocol):
    """Scores what was learned."""

    every: int

    def scores(self) -> Mapping[str, float]:
        """Return the scores of the network as it is now."""

    def after(self, lines: Sequence[Mapping[str, float]]) -> bool:
        """Keep a best checkpoint where the last of the scores says so; return whether to stop."""


@dataclass(frozen=True, slots=True)
class Callbacks:
    """How a person follows a run.

    Attributes
    ----------
    batch_size
        Faces of a step, for the speed.
    notes
        Makes lines that a person should know, before the first step, from whether TensorBoard
        is there.
    sheet
        Makes a sheet of samples, uint8 (height, width, 3) RGB; None for none.
    sheet_every
        Steps between two sheets.
    validator
        Scores the network as it goes; None for no validation.
    on_start
        Called with the steps done before and the notes.
    on_step
        Called after each step with the steps done and the losses.
    deadline
        Stop after the first step that ends beyond this time of `time.monotonic`; None for no limit.
    """

    batch_size: int
    notes: Callable[[bool], Sequence[str]]
    sheet: Callable[[], NDArray[np.uint8]] | None = None
    sheet_every: int = 500
    validator: Validator | None = None
    on_start: Callable[[int, list[str]], None] | None = None
    on_step: Callable[[int, Mapping[str, Tensor | float]], None] | None = None
    deadline: float | None = None


def learn(trainer: Trainable, batches: Iterable[Any], out: Path, callbacks: Callbacks) -> None:
    """Take a step with each batch; what was learned is in the folder at the end.

    Parameters
    ----------
    trainer
        New, or as it was saved.
    batches
        From its next step on.
    out
        The run's folder.
    callbacks
        How a person follows it.

    Raises
    ------
    TrainingError
        A loss is not finite; the last state is kept.
    """
    LocalStorage(out).sweep()
    with MetricsLogger(out, trainer.done, callbacks.batch_size) as logger:
        if callbacks.on_start:
            callbacks.on_start(trainer.done, list(callbacks.notes(logger.has_tensorboard)))
        saved = time.monotonic()
        for batch in batches:
            rate = trainer.learning_rate
            metrics = trainer.step(batch)
            logger.add(trainer.done, metrics, rate)
            if callbacks.on_step:
                callbacks.on_step(trainer.done, metrics)
            if _is_due(trainer.done, saved):
                logger.check(trainer.done)
                trainer.save(out / STATE_FILE)
                saved = time.monotonic()
            if _observe(trainer.done, logger, out, callbacks):
                break
            if callbacks.deadline is not None and time.monotonic() > callbacks.deadline:
                break
        logger.check(trainer.done)
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


def _observe(done: int, logger: MetricsLogger, out: Path, callbacks: Callbacks) -> bool:
    """Draw a sheet and validate where it is time to; return whether to stop."""
    if callbacks.sheet and done % callbacks.sheet_every == 0:
        logger.sheet(done, callbacks.sheet())
    validator = callbacks.validator
    if validator is None or done % validator.every:
        return False
    logger.validation(done, validator.scores())
    return validator.after(read_lines(out / VALIDATION_FILE))


def _is_due(done: int, saved: float) -> bool:
    slow = done % LOG_EVERY == 0 and time.monotonic() - saved > _SAVE_AFTER
    return done % _SAVE_EVERY == 0 or slow

"""A training run in a folder: goes on where it stopped, logs, validates and checkpoints.

The folder holds ``state.pt`` (everything to go on from), ``losses.jsonl``, ``validation.jsonl`` and
``samples-*.png`` (see `zoo.training.base.metrics_log`), and at the end ``<name>.safetensors``, the
weights in 16 bits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from degrade.dataset.folder_lock import hold_file
from degrade.dataset.storage import LocalStorage
from zoo.training.base.config import RunConfig, TrainingError
from zoo.training.base.distributed import joined
from zoo.training.base.metrics_log import LOG_EVERY, VALIDATION_FILE, MetricsLogger, read_lines
from zoo.training.base.trainer import OnFace, Trainer
from zoo.training.base.worker_batches import batches_of, fitting_workers
from zoo.training.tasks.registry import trainer_of
from zoo.weights.download import sha256_of

__all__ = ["STATE_FILE", "train"]

STATE_FILE = "state.pt"
_SAVE_EVERY = 250
_SAVE_AFTER = 600.0
"""Seconds after which a slow run is saved too, at the next line of its log."""

OnStart = Callable[[int, list[str]], None]
OnStep = Callable[[int, Mapping[str, Tensor | float]], None]


def train(
    config: RunConfig,
    faces: Path,
    out: Path,
    *,
    device: str = "cpu",
    until: int | None = None,
    deadline: float | None = None,
    workers: int = 0,
    begin_from: Path | None = None,
    on_face: OnFace | None = None,
    on_start: OnStart | None = None,
    on_step: OnStep | None = None,
) -> Path:
    """Train, or go on training, and return the file of weights.

    Under ``torchrun`` every process calls it alike, each learns from its part of the same
    batches, and the first alone writes files and calls ``on_start`` and ``on_step``.

    Parameters
    ----------
    config
        What to train, of any task.
    faces
        A pack of aligned faces or a folder of them, as the task takes it.
    out
        The run's folder: new, or begun with the same configuration.
    device
        ``cpu`` or ``cuda``.
    until
        Stop after this many steps in all, in the middle of the run.
    deadline
        Stop after the first step that ends beyond this time of `time.monotonic`; with one process
        only.
    workers
        Processes that make batches ahead, see `zoo.training.base.worker_batches.batches_of`.
    begin_from
        Weights that a run exported, to begin with, where the task takes them.
    on_face
        Called with the number of faces packed and of all.
    on_start
        Called before the first step with the steps done before and with what a person should
        know, one line each.
    on_step
        Called after each step with the steps done and the losses.

    Raises
    ------
    TrainingError
        The folder was begun with another configuration, the faces or weights do not fit, there
        is no such device, the batch cannot be shared equally, or a loss is not finite.
    WeightsMissing, WeightsRefused, PackError, DatasetError
        Weights or faces cannot be read, or another process trains in this folder.
    """
    kind = trainer_of(config)
    with ExitStack() as held, joined(device) as (processes, own_device):
        if processes.first:
            held.enter_context(hold_file(out))
        if processes.count > 1 and not kind.shared:
            raise TrainingError(f"{config.name} trains in one process: leave torchrun out")
        processes.part(config.batch_size)
        trainer = kind(config, own_device, processes)
        notes = _begin(trainer, out / STATE_FILE, begin_from)
        # No process may write before every other has read.
        processes.wait()
        trainer.open(faces, out, on_face)
        path = out / f"{config.name}.safetensors"
        workers = workers if kind.uses_workers else 0
        if trainer.batch_bytes is not None:
            workers, note = fitting_workers(
                workers, trainer.batch_bytes, processes=processes.on_this_machine
            )
            notes += [note] if note else []
        last = config.steps if until is None else min(until, config.steps)
        steps = range(trainer.done, last)
        sent = batches_of(trainer.batches, steps, workers, pinned=own_device.type == "cuda")
        batches = trainer.receive(sent)
        if not processes.first:
            for batch in batches:
                trainer.step(batch)
        elif not trainer.is_exhausted(read_lines(out / VALIDATION_FILE)):
            notes += trainer.notes()
            if processes.count > 1:
                notes.append(f"{processes.count} processes share each batch of {config.batch_size}")
            _learn(trainer, batches, out, _Observer(notes, on_start, on_step, deadline))
        if processes.first:
            trainer.export(path)
        processes.wait()
        return path


@dataclass(frozen=True, slots=True)
class _Observer:
    """How a person follows a run, and when it must end."""

    notes: list[str]
    on_start: OnStart | None
    on_step: OnStep | None
    deadline: float | None


def _begin(trainer: Trainer, state: Path, weights: Path | None) -> list[str]:
    """Go on from the state where there is one, else begin from the weights where they are given.

    Returns what a person should know, one line each.
    """
    if weights is not None and type(trainer).begin_from is Trainer.begin_from:
        trainer.begin_from(weights)  # raises
    if state.is_file():
        trainer.load(state)
        if weights is not None and trainer.begun_from != sha256_of(weights):
            raise TrainingError(
                f"{state} was not begun from {weights}: give another --out, or leave --from out"
            )
        return []
    return [] if weights is None else trainer.begin_from(weights)


def _learn(trainer: Trainer, batches: Iterable[Any], out: Path, observer: _Observer) -> None:
    """Take a step with each batch; what was learned is in the folder at the end."""
    LocalStorage(out).sweep()
    with MetricsLogger(out, trainer.done, trainer.config.batch_size) as logger:
        if observer.on_start:
            notes = observer.notes
            if not logger.has_tensorboard:
                notes.append(
                    "no TensorBoard: `pip install 'relume[train]'`; losses.jsonl has it all"
                )
            observer.on_start(trainer.done, notes)
        saved = time.monotonic()
        for batch in batches:
            rate = trainer.learning_rate
            metrics = trainer.step(batch)
            logger.add(trainer.done, metrics, rate)
            if observer.on_step:
                observer.on_step(trainer.done, metrics)
            if _is_due(trainer.done, saved):
                logger.check(trainer.done)
                trainer.save(out / STATE_FILE)
                saved = time.monotonic()
            if _is_at(trainer.done, trainer.sheet_every):
                logger.sheet(trainer.done, trainer.sheet())
            if _is_at(trainer.done, trainer.validate_every):
                logger.validation(trainer.done, trainer.validate())
                lines = read_lines(out / VALIDATION_FILE)
                trainer.after_validation(lines, out)
                if trainer.is_exhausted(lines):
                    break
            if observer.deadline is not None and time.monotonic() > observer.deadline:
                break
        logger.check(trainer.done)
    trainer.save(out / STATE_FILE)


def _is_at(done: int, every: int) -> bool:
    return every > 0 and done % every == 0


def _is_due(done: int, saved: float) -> bool:
    slow = done % LOG_EVERY == 0 and time.monotonic() - saved > _SAVE_AFTER
    return done % _SAVE_EVERY == 0 or slow

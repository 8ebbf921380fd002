"""A training run in a folder: goes on where it stopped, logs, samples and checkpoints as it goes.

The folder holds ``state.pt`` (everything to go on from), ``losses.jsonl`` and ``samples-*.png``
(input, restored, truth; see `zoo.training.diary`), and at the end ``<name>.safetensors``, the
averaged weights in 16 bits.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from degrade.images import atomic_file
from degrade.storage import LocalStorage
from zoo.download import sha256_of
from zoo.training.batches import FaceBatches
from zoo.training.config import TrainingConfig, TrainingError
from zoo.training.diary import LOG_EVERY, Diary
from zoo.training.loading import batches_of
from zoo.training.processes import Processes, joined
from zoo.training.starting import starting_weights
from zoo.training.trainer import Trainer

__all__ = ["LOG_EVERY", "STATE_FILE", "export_weights", "train"]

STATE_FILE = "state.pt"
_SAVE_EVERY = 250
_SAVE_AFTER = 600.0
"""Seconds after which a slow run is saved too, at the next line of its log."""
_SAMPLE_EVERY = 500


def train(
    config: TrainingConfig,
    faces: Path,
    out: Path,
    *,
    device: str = "cpu",
    until: int | None = None,
    workers: int = 0,
    begin_from: Path | None = None,
    on_start: Callable[[int, list[str]], None] | None = None,
    on_step: Callable[[int, dict[str, float]], None] | None = None,
) -> Path:
    """Train, or go on training, and return the file of weights.

    Under ``torchrun`` every process calls it alike, each learns from its part of the same
    batches, and the first alone writes files and calls ``on_start`` and ``on_step``.

    Parameters
    ----------
    config
        What to train.
    faces
        A folder of aligned faces, see `FaceBatches`.
    out
        The run's folder: new, or begun with the same configuration.
    device
        ``cpu`` or ``cuda``.
    until
        Stop after this many steps in all, in the middle of the run.
    workers
        Processes that make batches ahead, see `zoo.training.loading.batches_of`.
    begin_from
        Weights that a run exported, of the same network, to begin with.
    on_start
        Called before the first step with the steps done before and with what a person should
        know, one line each.
    on_step
        Called after each step with the steps done and the losses.

    Raises
    ------
    TrainingError
        The folder was begun with another configuration, the faces or weights do not fit, there
        is no such device, or the batch cannot be shared equally.
    """
    with joined(device) as (processes, place):
        batches = FaceBatches(config, faces, processes.part(config.batch_size))
        trainer = Trainer(config, place, processes)
        _take_up(trainer, out / STATE_FILE, begin_from)
        # No process may write before every other has read.
        processes.wait()
        last = config.steps if until is None else min(until, config.steps)
        steps = range(trainer.done, last)
        work = batches_of(batches, steps, workers)
        if not processes.first:
            for batch in work:
                trainer.step(batch)
            processes.wait()
            return out / f"{config.name}.safetensors"
        LocalStorage(out).sweep()
        with Diary(out, trainer.done, config.batch_size) as diary:
            if on_start:
                on_start(trainer.done, _notes(config, batches, diary, processes))
            saved = time.monotonic()
            for batch in work:
                rate = trainer.learning_rate
                told = trainer.step(batch)
                diary.add(trainer.done, told, rate)
                if trainer.done % _SAMPLE_EVERY == 0:
                    diary.sheet(trainer.done, _sheet(trainer, batches))
                if _is_due(trainer.done, saved):
                    trainer.save(out / STATE_FILE)
                    saved = time.monotonic()
                if on_step:
                    on_step(trainer.done, told)
        trainer.save(out / STATE_FILE)
        path = export_weights(trainer, out / f"{config.name}.safetensors", batches.template)
        processes.wait()
        return path


def export_weights(trainer: Trainer, path: Path, template: str = "tight") -> Path:
    """Write the averaged weights as 16-bit safetensors, with what made them in the header.

    Parameters
    ----------
    trainer
        Has the weights.
    path
        The file; returned.
    template
        How the faces that it learned from are aligned.
    """
    from safetensors.torch import save

    tensors = {
        name: value.detach().half().contiguous().cpu()
        for name, value in trainer.average.state_dict().items()
    }
    # One entry: safetensors writes several in an order that changes from run to run.
    told = {
        "config": trainer.config.as_record(),
        "steps": trainer.done,
        "template": template,
        "loss_networks": trainer.loss_networks,
    }
    if trainer.begun_from:
        told["begun_from"] = trainer.begun_from
    with atomic_file(path) as file:
        file.write(save(tensors, metadata={"relume": json.dumps(told, sort_keys=True)}))
    return path


def _take_up(trainer: Trainer, state: Path, begin_from: Path | None) -> None:
    """Go on from the state where there is one, else begin from the weights where they are given."""
    if not state.is_file():
        if begin_from is not None:
            trainer.begin_from(*starting_weights(begin_from, trainer.config))
        return
    trainer.load(state)
    if begin_from is not None and trainer.begun_from != sha256_of(begin_from):
        raise TrainingError(
            f"{state} was not begun from {begin_from}: give another --out, or leave --from out"
        )


def _is_due(done: int, saved: float) -> bool:
    slow = done % LOG_EVERY == 0 and time.monotonic() - saved > _SAVE_AFTER
    return done % _SAVE_EVERY == 0 or slow


def _notes(
    config: TrainingConfig, batches: FaceBatches, diary: Diary, processes: Processes
) -> list[str]:
    notes = []
    if config.network.masked and not batches.masked:
        notes.append(
            "masks are off: the faces have no landmarks68.npz beside them, "
            "`zoo align --accept-licence ibug-68` writes it"
        )
    if not diary.has_events:
        notes.append("no TensorBoard: `pip install 'relume[train]'`; losses.jsonl has it all")
    if processes.count > 1:
        notes.append(f"{processes.count} processes share each batch of {config.batch_size}")
    return notes


@torch.inference_mode()
def _sheet(trainer: Trainer, batches: FaceBatches) -> NDArray[np.uint8]:
    """Return up to eight inputs, results and truths in three rows."""
    batch = batches[0]
    lq, mask = batch.lq.to(trainer.device), batch.mask.to(trainer.device)
    restored = trainer.average(lq, mask).clamp(0, 1).cpu()
    rows = [torch.cat(list(images[:8]), dim=2) for images in (batch.lq, restored, batch.hq)]
    sheet = (torch.cat(rows, dim=1) * 255).round().byte().permute(1, 2, 0).numpy()
    return np.ascontiguousarray(sheet)

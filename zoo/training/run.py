"""A training run in a folder: goes on where it stopped, logs, samples and checkpoints as it goes.

The folder holds ``state.pt`` (everything to go on from), ``losses.jsonl`` and ``samples-*.png``
(input, restored, truth; see `zoo.training.diary`), and at the end ``<name>.safetensors``, the
averaged weights in 16 bits.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from zoo.training.batches import FaceBatches
from zoo.training.config import TrainingConfig
from zoo.training.device_batch import DeviceBatch, DeviceBatches
from zoo.training.diary import LOG_EVERY
from zoo.training.exporting import write_weights
from zoo.training.face_pack import FacePack
from zoo.training.loading import batches_of, fitting_workers, moved_ahead
from zoo.training.loop import STATE_FILE, Shown, check_begun_from, learn
from zoo.training.packing import DEFAULT_PARSER, NO_PARSER, prepare_pack
from zoo.training.processes import Processes, joined
from zoo.training.starting import starting_weights
from zoo.training.trainer import Trainer

__all__ = ["LOG_EVERY", "PACK_FILE", "STATE_FILE", "export_weights", "train"]

PACK_FILE = "faces.pack"
"""Where a folder of faces is packed to, in the run's folder."""


def train(
    config: TrainingConfig,
    faces: Path,
    out: Path,
    *,
    device: str = "cpu",
    until: int | None = None,
    workers: int = 0,
    begin_from: Path | None = None,
    on_face: Callable[[int, int], None] | None = None,
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
        A pack of aligned faces, or a folder of them, which is packed to ``out/faces.pack`` first.
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
        is no such device, or the batch cannot be shared equally.
    """
    with joined(device) as (processes, place):
        part = processes.part(config.batch_size)
        trainer = Trainer(config, place, processes)
        _take_up(trainer, out / STATE_FILE, begin_from)
        # No process may write before every other has read.
        processes.wait()
        pack = _open_pack(config, faces, out, processes, on_face)
        batches = FaceBatches(config, pack, part)
        to_device = DeviceBatches(config, pack.template, place, masked=pack.masked)
        last = config.steps if until is None else min(until, config.steps)
        steps = range(trainer.done, last)
        workers, memory = fitting_workers(
            workers, batches.batch_bytes, processes=processes.on_this_machine
        )
        made = batches_of(batches, steps, workers, pinned=place.type == "cuda")
        work = map(to_device, moved_ahead(made, place))
        if not processes.first:
            for batch in work:
                trainer.step(batch)
            processes.wait()
            return out / f"{config.name}.safetensors"
        shown = Shown(
            config.batch_size,
            lambda has_events: _notes(config, pack, memory, has_events, processes),
            sheet=lambda: _sheet(trainer, to_device(batches[0])),
            on_start=on_start,
            on_step=on_step,
        )
        learn(trainer, work, out, shown)
        path = export_weights(trainer, out / f"{config.name}.safetensors", pack.template)
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
    told = {
        "config": trainer.config.as_record(),
        "steps": trainer.done,
        "template": template,
        "loss_networks": trainer.loss_networks,
        "begun_from": trainer.begun_from,
    }
    return write_weights(trainer.average, path, told)


def _take_up(trainer: Trainer, state: Path, begin_from: Path | None) -> None:
    """Go on from the state where there is one, else begin from the weights where they are given."""
    if not state.is_file():
        if begin_from is not None:
            trainer.begin_from(*starting_weights(begin_from, trainer.config))
        return
    trainer.load(state)
    check_begun_from(trainer.begun_from, begin_from, state)


def _open_pack(
    config: TrainingConfig,
    faces: Path,
    out: Path,
    processes: Processes,
    on_face: Callable[[int, int], None] | None,
) -> FacePack:
    """Return the pack; the first process makes it where there is none, the others wait."""
    parser = DEFAULT_PARSER if config.network.masked else NO_PARSER
    path = out / PACK_FILE
    if processes.first:
        path = prepare_pack(faces, path, config.network.size, parser, on_face)
    processes.wait()
    return FacePack(faces if faces.is_file() else path)


def _notes(
    config: TrainingConfig, pack: FacePack, memory: str, has_events: bool, processes: Processes
) -> list[str]:
    """Return what a person should know; ``memory`` is a note on it, or empty."""
    notes = [memory] if memory else []
    if config.network.masked and not pack.masked:
        notes.append(f"masks are off: {pack.path} was packed without a parser")
    if config.network.masked and pack.index.parser == "template":
        notes.append("every mask is the mean face's: run `zoo fetch face-mesh` and pack again")
    if not has_events:
        notes.append("no TensorBoard: `pip install 'relume[train]'`; losses.jsonl has it all")
    if processes.count > 1:
        notes.append(f"{processes.count} processes share each batch of {config.batch_size}")
    return notes


@torch.inference_mode()
def _sheet(trainer: Trainer, batch: DeviceBatch) -> NDArray[np.uint8]:
    """Return up to eight inputs, results and truths in three rows."""
    restored = trainer.average(batch.lq, batch.mask).clamp(0, 1)
    rows = [torch.cat(list(images[:8]), dim=2) for images in (batch.lq, restored, batch.hq)]
    sheet = (torch.cat(rows, dim=1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(sheet)

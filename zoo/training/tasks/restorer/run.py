"""A training run in a folder: goes on where it stopped, logs, validates and checkpoints.

The folder holds ``state.pt`` (everything to go on from), ``losses.jsonl``, ``validation.jsonl``
and ``samples-*.png`` (see `zoo.training.base.metrics_log`), ``best.safetensors`` (the averaged
weights of the best validation, see `zoo.training.tasks.restorer.validation.is_best`), and at the
end ``<name>.safetensors``, the averaged weights in 16 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.training.base.distributed import Processes, joined
from zoo.training.base.export import write_weights
from zoo.training.base.initial_weights import starting_weights
from zoo.training.base.loop import STATE_FILE, Callbacks, check_begun_from, learn
from zoo.training.base.metrics_log import LOG_EVERY, VALIDATION_FILE, read_lines
from zoo.training.base.worker_batches import batches_of, fitting_workers, moved_ahead
from zoo.training.data.batches import FaceBatches
from zoo.training.data.device_batch import DeviceBatch, DeviceBatches
from zoo.training.data.face_pack import FacePack
from zoo.training.data.packing import DEFAULT_PARSER, NO_PARSER, prepare_pack
from zoo.training.tasks.restorer.config import TrainingConfig
from zoo.training.tasks.restorer.trainer import Trainer
from zoo.training.tasks.restorer.validation import Validation, is_best, is_exhausted
from zoo.training.tasks.restorer.validation_set import FEWEST, validation_faces

__all__ = ["BEST_FILE", "LOG_EVERY", "PACK_FILE", "STATE_FILE", "export_weights", "train"]

PACK_FILE = "faces.pack"
"""Where a folder of faces is packed to, in the run's folder."""
BEST_FILE = "best.safetensors"
_MOST_VALIDATED = 128
_SHEET_EVERY = 500


def train(
    config: TrainingConfig,
    faces: Path,
    out: Path,
    *,
    device: str = "cpu",
    until: int | None = None,
    deadline: float | None = None,
    workers: int = 0,
    begin_from: Path | None = None,
    on_face: Callable[[int, int], None] | None = None,
    on_start: Callable[[int, list[str]], None] | None = None,
    on_step: Callable[[int, Mapping[str, Tensor | float]], None] | None = None,
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
    deadline
        Stop after the first step that ends beyond this time of `time.monotonic`; with one process
        only.
    workers
        Processes that make batches ahead, see `zoo.training.base.worker_batches.batches_of`.
    begin_from
        Weights that a run exported, to begin with, see `zoo.training.base.initial_weights`.
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
    """
    with joined(device) as (processes, place):
        part = processes.part(config.batch_size)
        trainer = Trainer(config, place, processes)
        begun = _begin(trainer, out / STATE_FILE, begin_from)
        # No process may write before every other has read.
        processes.wait()
        pack = _open_pack(config, faces, out, processes, on_face)
        batches = FaceBatches(config, pack, part)
        to_device = DeviceBatches(config, pack.template, place, masked=pack.masked)
        path = out / f"{config.name}.safetensors"
        last = config.steps if until is None else min(until, config.steps)
        workers, memory = fitting_workers(
            workers, batches.batch_bytes, processes=processes.on_this_machine
        )
        steps = range(trainer.done, last)
        made = batches_of(batches, steps, workers, pinned=place.type == "cuda")
        work = map(to_device, moved_ahead(made, place))
        if not processes.first:
            for batch in work:
                trainer.step(batch)
            processes.wait()
            return path
        validator = _validator(trainer, pack, out)
        if validator and validator.is_stopped():
            return export_weights(trainer, path, pack)
        callbacks = Callbacks(
            config.batch_size,
            lambda has_tensorboard: [
                *(note for note in (*begun, memory) if note),
                *_notes(config, pack, has_tensorboard, processes),
            ],
            sheet=validator.sheet if validator else lambda: _sheet(trainer, to_device(batches[0])),
            sheet_every=config.validate_every if validator else _SHEET_EVERY,
            validator=validator,
            on_start=on_start,
            on_step=on_step,
            deadline=deadline,
        )
        learn(trainer, work, out, callbacks)
        export_weights(trainer, path, pack)
        processes.wait()
        return path


class _Validator:
    """Validates the averaged weights and keeps the best of them."""

    def __init__(self, trainer: Trainer, validation: Validation, pack: FacePack, out: Path) -> None:
        self.every = trainer.config.validate_every
        self._trainer, self._validation = trainer, validation
        self._pack, self._out = pack, out

    def scores(self) -> dict[str, float]:
        inputs = {f"input_{name}": value for name, value in self._validation.input.items()}
        return self._validation(self._trainer.average) | inputs

    def sheet(self) -> NDArray[np.uint8]:
        return self._validation.sheet(self._trainer.average)

    def after(self, lines: Sequence[Mapping[str, float]]) -> bool:
        if is_best(lines):
            export_weights(self._trainer, self._out / BEST_FILE, self._pack)
        return is_exhausted(lines, self._trainer.config.patience)

    def is_stopped(self) -> bool:
        """Return whether the run was ended early before."""
        return is_exhausted(read_lines(self._out / VALIDATION_FILE), self._trainer.config.patience)


def _validator(trainer: Trainer, pack: FacePack, out: Path) -> _Validator | None:
    config = trainer.config
    if not config.validate_every:
        return None
    faces = validation_faces(config, pack, _MOST_VALIDATED)
    if faces is None:
        return None
    return _Validator(trainer, Validation(faces, trainer.device), pack, out)


def export_weights(trainer: Trainer, path: Path, pack: FacePack) -> Path:
    """Write the averaged weights as 16-bit safetensors, with what made them in the header.

    Parameters
    ----------
    trainer
        Has the weights.
    path
        The file; returned.
    pack
        The faces that it learned from: their alignment and what made their masks.
    """
    header = {
        "config": trainer.config.as_record(),
        "steps": trainer.done,
        "template": pack.template,
        "parser": pack.index.parser,
        "loss_networks": trainer.loss_networks,
        "begun_from": trainer.begun_from,
    }
    return write_weights(trainer.average, path, header)


def _begin(trainer: Trainer, state: Path, begin_from: Path | None) -> list[str]:
    """Go on from the state where there is one, else begin from the weights where they are given.

    Returns what a person should know, one line each.
    """
    if state.is_file():
        trainer.load(state)
        check_begun_from(trainer.begun_from, begin_from, state)
        return []
    if begin_from is None:
        return []
    weights = starting_weights(begin_from, trainer.config, trainer.network)
    trainer.begin_from(weights.tensors, weights.digest, weights.loss_networks)
    return list(weights.notes)


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
    config: TrainingConfig, pack: FacePack, has_tensorboard: bool, processes: Processes
) -> list[str]:
    notes = []
    if config.network.masked and not pack.masked:
        notes.append(f"masks are off: {pack.path} was packed without a parser")
    if config.network.masked and pack.index.parser == "template":
        notes.append("every mask is the mean face's: run `zoo fetch face-mesh` and pack again")
    if config.validate_every and len(pack.indices("val")) < FEWEST:
        notes.append(f"no validation: {pack.path} has under {FEWEST} faces to validate on")
    if not has_tensorboard:
        notes.append("no TensorBoard: `pip install 'relume[train]'`; losses.jsonl has it all")
    if processes.count > 1:
        notes.append(f"{processes.count} processes share each batch of {config.batch_size}")
    return notes


@torch.inference_mode()
def _sheet(trainer: Trainer, batch: DeviceBatch) -> NDArray[np.uint8]:
    """Return up to eight inputs, results and HQ faces in three rows."""
    restored = trainer.average(batch.lq, batch.mask).clamp(0, 1)
    rows = [torch.cat(list(images[:8]), dim=2) for images in (batch.lq, restored, batch.hq)]
    sheet = (torch.cat(rows, dim=1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(sheet)

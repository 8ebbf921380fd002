"""A generator's training run in a folder: goes on where it stopped, logs and samples as it goes.

The folder holds ``state.pt``, ``losses.jsonl`` and ``samples-*.png`` (the same 32 drawn faces
each time), and at the end ``<name>.safetensors``, the averaged generator in 16 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.training.base.distributed import Processes, joined
from zoo.training.base.export import write_weights
from zoo.training.base.loop import STATE_FILE, Callbacks, learn
from zoo.training.tasks.generator.config import GeneratorTraining
from zoo.training.tasks.generator.faces import RealFaces
from zoo.training.tasks.generator.trainer import GeneratorTrainer
from zoo.training.tasks.restorer.config import TrainingError

__all__ = ["STATE_FILE", "export_generator", "face_sheet", "train"]

_SAMPLE_EVERY = 250
_COLUMNS, _ROWS = 8, 4


def train(
    config: GeneratorTraining,
    faces: Path,
    out: Path,
    *,
    device: str = "cpu",
    until: int | None = None,
    deadline: float | None = None,
    workers: int = 0,
    begin_from: Path | None = None,
    on_start: Callable[[int, list[str]], None] | None = None,
    on_step: Callable[[int, Mapping[str, Tensor | float]], None] | None = None,
) -> Path:
    """Train, or go on training, and return the file of weights.

    Parameters are those of `zoo.training.tasks.restorer.run.train`; ``workers`` changes nothing
    here, the faces are in memory, and there is no beginning from other weights.

    Raises
    ------
    TrainingError
        The folder was begun with another configuration, the faces do not fit, there is no such
        device, or ``begin_from`` is given.
    """
    if begin_from is not None:
        raise TrainingError("a generator begins anew: leave --from out")
    with joined(device) as (processes, place):
        part = processes.part(config.batch_size)
        real = RealFaces(faces, config.network.size, config.batch_size, config.seed)
        trainer = GeneratorTrainer(config, place, processes)
        if (out / STATE_FILE).is_file():
            trainer.load(out / STATE_FILE)
        processes.wait()
        steps = range(trainer.done, config.steps if until is None else min(until, config.steps))
        path = out / f"{config.name}.safetensors"
        if not processes.first:
            for step in steps:
                trainer.step(real.batch(step, part))
            processes.wait()
            return path
        callbacks = Callbacks(
            config.batch_size,
            lambda _: _notes(config, real, processes),
            sheet=lambda: face_sheet(trainer.draw(_COLUMNS * _ROWS)),
            sheet_every=_SAMPLE_EVERY,
            on_start=on_start,
            on_step=on_step,
            deadline=deadline,
        )
        learn(trainer, (real.batch(step, part) for step in steps), out, callbacks)
        export_generator(trainer, path, real.template, len(real))
        processes.wait()
        return path


def export_generator(trainer: GeneratorTrainer, path: Path, template: str, faces: int) -> Path:
    """Write the averaged generator as 16-bit safetensors, with what made it in the header.

    Parameters
    ----------
    trainer
        Has the weights.
    path
        The file; returned.
    template
        How the faces that it learned from are aligned.
    faces
        How many they were.
    """
    told = {
        "config": trainer.config.as_record(),
        "steps": trainer.done,
        "template": template,
        "faces": faces,
        "loss_networks": [],
    }
    return write_weights(trainer.average, path, told)


def face_sheet(faces: Tensor, columns: int = _COLUMNS) -> NDArray[np.uint8]:
    """Return a sheet of ``(n, 3, size, size)`` faces in [0, 1], uint8 (height, width, 3) RGB."""
    starts = range(0, len(faces) - columns + 1, columns)
    rows = [torch.cat(list(faces[start : start + columns]), dim=2) for start in starts]
    sheet = (torch.cat(rows, dim=1).clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
    return np.ascontiguousarray(sheet.numpy())


def _notes(config: GeneratorTraining, real: RealFaces, processes: Processes) -> list[str]:
    shown = config.steps * config.batch_size
    notes = [f"{len(real)} faces, each shown about {shown / len(real):.0f} times"]
    if processes.count > 1:
        notes.append(f"{processes.count} processes share each batch of {config.batch_size}")
    return notes

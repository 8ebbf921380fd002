"""A generator's training run in a folder: goes on where it stopped, logs and samples as it goes.

The folder holds ``state.pt``, ``losses.jsonl`` and ``samples-*.png`` (the same 32 drawn faces
each time), and at the end ``<name>.safetensors``, the averaged generator in 16 bits.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from degrade.images import atomic_file
from degrade.storage import LocalStorage
from zoo.generating.config import GeneratorTraining
from zoo.generating.faces import RealFaces
from zoo.generating.trainer import GeneratorTrainer
from zoo.training.config import TrainingError
from zoo.training.diary import Diary
from zoo.training.processes import Processes, joined
from zoo.weights_header import ENTRY

__all__ = ["STATE_FILE", "export_generator", "train"]

STATE_FILE = "state.pt"
_SAVE_AFTER = 300.0
"""Seconds between two checkpoints."""
_SAMPLE_EVERY = 250
_COLUMNS, _ROWS = 8, 4


def train(
    config: GeneratorTraining,
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

    Parameters are those of `zoo.training.run.train`; ``workers`` changes nothing here, the faces
    are in memory, and there is no beginning from other weights.

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
        LocalStorage(out).sweep()
        with Diary(out, trainer.done, config.batch_size) as diary:
            if on_start:
                on_start(trainer.done, _notes(config, real, processes))
            saved = time.monotonic()
            for step in steps:
                told = trainer.step(real.batch(step, part))
                diary.add(trainer.done, told, config.learning_rate)
                if trainer.done % _SAMPLE_EVERY == 0:
                    diary.sheet(trainer.done, face_sheet(trainer.draw(_COLUMNS * _ROWS)))
                if time.monotonic() - saved > _SAVE_AFTER:
                    trainer.save(out / STATE_FILE)
                    saved = time.monotonic()
                if on_step:
                    on_step(trainer.done, told)
        trainer.save(out / STATE_FILE)
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
    from safetensors.torch import save

    tensors = {
        name: value.detach().half().contiguous().cpu()
        for name, value in trainer.average.state_dict().items()
    }
    told = {
        "config": trainer.config.as_record(),
        "steps": trainer.done,
        "template": template,
        "faces": faces,
        "loss_networks": [],
    }
    with atomic_file(path) as file:
        file.write(save(tensors, metadata={ENTRY: json.dumps(told, sort_keys=True)}))
    return path


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

"""The training of an encoder in a folder: goes on where it stopped, logs and samples as it goes.

The folder holds ``state.pt`` (everything to go on from), ``losses.jsonl`` and ``samples-*.png``
(input, encoded, truth; see `zoo.training.diary`), and at the end ``<name>.safetensors``, the
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
from zoo.encoding.batches import EncodingBatches
from zoo.encoding.config import EncoderTraining
from zoo.encoding.stored import GENERATOR_KEY
from zoo.encoding.trainer import EncoderTrainer
from zoo.generating.loading import load_generator
from zoo.training.config import TrainingError
from zoo.training.diary import LOG_EVERY, Diary
from zoo.training.loading import batches_of
from zoo.training.processes import joined
from zoo.weights_header import ENTRY, read_trained_file

__all__ = ["STATE_FILE", "export_encoder", "train"]

STATE_FILE = "state.pt"
_SAVE_EVERY = 250
_SAVE_AFTER = 600.0
"""Seconds after which a slow run is saved too, at the next line of its log."""
_SAMPLE_EVERY = 500


def train(
    config: EncoderTraining,
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

    Parameters are those of `zoo.training.run.train`; ``begin_from`` is an encoder's file of the
    same sizes, of whatever generator.

    Raises
    ------
    TrainingError
        The folder was begun with another configuration or generator, the faces, the generator or
        the weights do not fit, there is no such device, or several processes were started.
    UnknownGeneratorError, WeightsMissing, WeightsRefused
        The generator cannot be loaded.
    """
    with joined(device) as (processes, place):
        if processes.count > 1:
            raise TrainingError(f"{config.name} trains in one process: leave torchrun out")
        batches = EncodingBatches(config, faces)
        generator = load_generator(config.generator)
        if generator.template != batches.template:
            raise TrainingError(
                f"{faces} holds faces of the template {batches.template}, {generator.name} makes "
                f"those of {generator.template}: run `zoo align` with --template "
                f"{generator.template}"
            )
        trainer = EncoderTrainer(config, generator, place)
        _take_up(trainer, out / STATE_FILE, begin_from)
        LocalStorage(out).sweep()
        last = config.steps if until is None else min(until, config.steps)
        with Diary(out, trainer.done, config.batch_size + config.drawn) as diary:
            if on_start:
                on_start(trainer.done, [_note(config, batches)])
            saved = time.monotonic()
            for batch in batches_of(batches, range(trainer.done, last), workers):
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
        return export_encoder(trainer, out / f"{config.name}.safetensors", batches.template)


def export_encoder(trainer: EncoderTrainer, path: Path, template: str) -> Path:
    """Write the averaged encoder as 16-bit safetensors, with what made it in the header.

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
    record = trainer.config.as_record()
    told = {
        "config": {**record, GENERATOR_KEY: trainer.generator_sha256},
        "steps": trainer.done,
        "template": template,
        "loss_networks": trainer.loss_networks,
    }
    if trainer.begun_from:
        told["begun_from"] = trainer.begun_from
    with atomic_file(path) as file:
        file.write(save(tensors, metadata={ENTRY: json.dumps(told, sort_keys=True)}))
    return path


def _take_up(trainer: EncoderTrainer, state: Path, begin_from: Path | None) -> None:
    """Go on from the state where there is one, else begin from the weights where they are given."""
    if not state.is_file():
        if begin_from is not None:
            trainer.begin_from(read_trained_file(begin_from))
        return
    trainer.load(state)
    if begin_from is not None and trainer.begun_from != sha256_of(begin_from):
        raise TrainingError(
            f"{state} was not begun from {begin_from}: give another --out, or leave --from out"
        )


def _note(config: EncoderTraining, batches: EncodingBatches) -> str:
    shown = config.steps * config.batch_size
    return f"{batches.faces} faces, each shown about {shown / batches.faces:.0f} times"


def _is_due(done: int, saved: float) -> bool:
    slow = done % LOG_EVERY == 0 and time.monotonic() - saved > _SAVE_AFTER
    return done % _SAVE_EVERY == 0 or slow


def _sheet(trainer: EncoderTrainer, batches: EncodingBatches) -> NDArray[np.uint8]:
    """Return up to eight inputs, results and truths in three rows."""
    batch = batches[0]
    encoded = trainer.encoded(batch.lq)
    rows = [torch.cat(list(images[:8]), dim=2) for images in (batch.lq, encoded, batch.hq)]
    sheet = (torch.cat(rows, dim=1) * 255).round().byte().permute(1, 2, 0).numpy()
    return np.ascontiguousarray(sheet)

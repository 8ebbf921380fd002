"""The training of an encoder in a folder: goes on where it stopped, logs and samples as it goes.

The folder holds ``state.pt`` (everything to go on from), ``losses.jsonl`` and ``samples-*.png``
(input, encoded, truth; see `zoo.training.base.metrics_log`), and at the end
``<name>.safetensors``, the averaged weights in 16 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zoo.restorers.inversion.stored_encoder import GENERATOR_KEY
from zoo.synthesis.generators import load_generator
from zoo.training.base.distributed import joined
from zoo.training.base.export import write_weights
from zoo.training.base.loop import STATE_FILE, Callbacks, check_begun_from, learn
from zoo.training.base.worker_batches import batches_of
from zoo.training.tasks.encoder.batches import EncodingBatches
from zoo.training.tasks.encoder.config import EncoderTraining
from zoo.training.tasks.encoder.trainer import EncoderTrainer
from zoo.training.tasks.restorer.config import TrainingError
from zoo.weights.header import read_trained_file

__all__ = ["STATE_FILE", "export_encoder", "train"]


def train(
    config: EncoderTraining,
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

    Parameters are those of `zoo.training.tasks.restorer.run.train`; ``begin_from`` is an encoder's
    file of the same sizes, of whatever generator.

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
        last = config.steps if until is None else min(until, config.steps)
        callbacks = Callbacks(
            config.batch_size + config.drawn,
            lambda _: [_note(config, batches)],
            sheet=lambda: _sheet(trainer, batches),
            on_start=on_start,
            on_step=on_step,
            deadline=deadline,
        )
        learn(trainer, batches_of(batches, range(trainer.done, last), workers), out, callbacks)
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
    record = trainer.config.as_record()
    told = {
        "config": {**record, GENERATOR_KEY: trainer.generator_sha256},
        "steps": trainer.done,
        "template": template,
        "loss_networks": trainer.loss_networks,
        "begun_from": trainer.begun_from,
    }
    return write_weights(trainer.average, path, told)


def _take_up(trainer: EncoderTrainer, state: Path, begin_from: Path | None) -> None:
    """Go on from the state where there is one, else begin from the weights where they are given."""
    if not state.is_file():
        if begin_from is not None:
            trainer.begin_from(read_trained_file(begin_from))
        return
    trainer.load(state)
    check_begun_from(trainer.begun_from, begin_from, state)


def _note(config: EncoderTraining, batches: EncodingBatches) -> str:
    shown = config.steps * config.batch_size
    return f"{batches.faces} faces, each shown about {shown / batches.faces:.0f} times"


def _sheet(trainer: EncoderTrainer, batches: EncodingBatches) -> NDArray[np.uint8]:
    """Return up to eight inputs, results and truths in three rows."""
    batch = batches[0]
    encoded = trainer.encoded(batch.lq)
    rows = [torch.cat(list(images[:8]), dim=2) for images in (batch.lq, encoded, batch.hq)]
    sheet = (torch.cat(rows, dim=1) * 255).round().byte().permute(1, 2, 0).numpy()
    return np.ascontiguousarray(sheet)

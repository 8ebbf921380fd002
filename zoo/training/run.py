"""A training run in a folder: goes on where it stopped, logs, samples and checkpoints as it goes.

The folder holds ``state.pt`` (everything to go on from), ``losses.jsonl`` (a line every
`LOG_EVERY` steps), ``samples-*.png`` (input, restored, truth), and at the end
``<name>.safetensors``, the averaged weights in 16 bits.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from degrade.images import atomic_file, write_png
from zoo.training.batches import FaceBatches
from zoo.training.config import TrainingConfig
from zoo.training.trainer import Trainer

__all__ = ["LOG_EVERY", "STATE_FILE", "export_weights", "train"]

STATE_FILE = "state.pt"
LOG_EVERY = 50
_SAVE_EVERY = 250
_SAMPLE_EVERY = 500


def train(
    config: TrainingConfig,
    faces: Path,
    out: Path,
    *,
    device: str = "cpu",
    until: int | None = None,
    on_step: Callable[[int, dict[str, float]], None] | None = None,
) -> Path:
    """Train, or go on training, and return the file of weights.

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
    on_step
        Called after each step with the steps done and the losses.

    Raises
    ------
    TrainingError
        The folder was begun with another configuration, or the faces do not fit.
    """
    batches = FaceBatches(config, faces)
    trainer = Trainer(config, torch.device(device))
    state = out / STATE_FILE
    if state.is_file():
        trainer.load(state)
    last = config.steps if until is None else min(until, config.steps)
    losses: defaultdict[str, list[float]] = defaultdict(list)
    while trainer.done < last:
        for name, value in (told := trainer.step(batches[trainer.done])).items():
            losses[name].append(value)
        if trainer.done % LOG_EVERY == 0:
            _log(out, trainer.done, losses)
            losses.clear()
        if trainer.done % _SAMPLE_EVERY == 0:
            _sample(out, trainer, batches)
        if trainer.done % _SAVE_EVERY == 0:
            trainer.save(state)
        if on_step:
            on_step(trainer.done, told)
    trainer.save(state)
    return export_weights(trainer, out / f"{config.name}.safetensors")


def export_weights(trainer: Trainer, path: Path) -> Path:
    """Write the averaged weights as 16-bit safetensors, with what made them in the header."""
    from safetensors.torch import save

    tensors = {
        name: value.detach().half().contiguous().cpu()
        for name, value in trainer.average.state_dict().items()
    }
    # One entry: safetensors writes several in an order that changes from run to run.
    told = {"config": trainer.config.as_record(), "steps": trainer.done}
    with atomic_file(path) as file:
        file.write(save(tensors, metadata={"relume": json.dumps(told, sort_keys=True)}))
    return path


def _log(out: Path, done: int, losses: dict[str, list[float]]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    means = {name: sum(values) / len(values) for name, values in losses.items()}
    with (out / "losses.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": done, **means}) + "\n")


@torch.inference_mode()
def _sample(out: Path, trainer: Trainer, batches: FaceBatches) -> None:
    """Draw one batch's inputs, results and truths in three rows."""
    batch = batches[0]
    lq, mask = batch.lq.to(trainer.device), batch.mask.to(trainer.device)
    restored = trainer.average(lq, mask).clamp(0, 1).cpu()
    rows = [torch.cat(list(images[:8]), dim=2) for images in (batch.lq, restored, batch.hq)]
    sheet = (torch.cat(rows, dim=1) * 255).round().byte().permute(1, 2, 0).numpy()
    write_png(out / f"samples-{trainer.done:06d}.png", np.ascontiguousarray(sheet))

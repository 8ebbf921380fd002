"""The training of a descriptor in a folder: goes on where it stopped, logs and checkpoints.

The folder holds ``state.pt`` (everything to go on from), ``losses.jsonl`` (see
`zoo.training.base.metrics_log`), and at the end ``<name>.safetensors``, the weights in 16 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from torch import Tensor

from zoo.networks.faces.face_descriptor import load_descriptor, save_descriptor
from zoo.training.base.distributed import joined
from zoo.training.base.loop import STATE_FILE, Callbacks, check_begun_from, learn
from zoo.training.base.worker_batches import batches_of
from zoo.training.tasks.embedder.batches import IdentityBatches
from zoo.training.tasks.embedder.config import DescriptorTraining
from zoo.training.tasks.embedder.trainer import DescriptorTrainer
from zoo.training.tasks.restorer.config import TrainingError
from zoo.weights.download import sha256_of
from zoo.weights.files import WeightsMissing

__all__ = ["STATE_FILE", "train"]


def train(
    config: DescriptorTraining,
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

    Parameters
    ----------
    config
        What to train.
    faces
        A folder of aligned faces, see `IdentityBatches`.
    out
        The run's folder: new, or begun with the same configuration.
    device
        ``cpu`` or ``cuda``.
    until
        Stop after this many steps in all, in the middle of the run.
    workers
        Processes that make batches ahead, see `zoo.training.base.worker_batches.batches_of`.
    begin_from
        A descriptor's file of the same sizes to begin with.
    on_start
        Called before the first step with the steps done before and with what a person should
        know, one line each.
    on_step
        Called after each step with the steps done and the losses.

    Raises
    ------
    TrainingError
        The folder was begun with another configuration, the faces or weights do not fit, there is
        no such device, or several processes were started.
    WeightsMissing, WeightsRefused
        The file to begin with cannot be read, or holds no descriptor.
    """
    with joined(device) as (processes, place):
        if processes.count > 1:
            raise TrainingError(
                f"{config.name} trains in one process, its norms see whole batches: leave "
                "torchrun out"
            )
        batches = IdentityBatches(config, faces)
        trainer = DescriptorTrainer(config, place)
        _take_up(trainer, out / STATE_FILE, begin_from)
        last = config.steps if until is None else min(until, config.steps)
        callbacks = Callbacks(
            config.batch_size,
            lambda _: [f"{batches.classes} photographs, each a person of its own"],
            on_start=on_start,
            on_step=on_step,
            deadline=deadline,
        )
        learn(trainer, batches_of(batches, range(trainer.done, last), workers), out, callbacks)
        return _export(trainer, out / f"{config.name}.safetensors", batches)


def _export(trainer: DescriptorTrainer, path: Path, batches: IdentityBatches) -> Path:
    told = {
        "config": trainer.config.as_record(),
        "steps": trainer.done,
        "photographs": batches.classes,
        "template": batches.template,
    }
    if trainer.begun_from:
        told["begun_from"] = trainer.begun_from
    save_descriptor(trainer.network, path, told)
    return path


def _take_up(trainer: DescriptorTrainer, state: Path, begin_from: Path | None) -> None:
    """Go on from the state where there is one, else begin from the weights where they are given."""
    if not state.is_file():
        if begin_from is not None:
            digest = _digest(begin_from)
            trainer.begin_from(load_descriptor(begin_from).state_dict(), digest)
        return
    trainer.load(state)
    check_begun_from(trainer.begun_from, begin_from, state)


def _digest(weights: Path) -> str:
    try:
        return sha256_of(weights)
    except OSError as error:
        raise WeightsMissing(
            f"{weights} cannot be read ({error.strerror}): name a .safetensors file of `zoo train`"
        ) from error

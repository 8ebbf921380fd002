"""The training of a parser in a folder: goes on where it stopped, logs, validates, checkpoints.

The folder holds ``state.pt`` (everything to go on from), ``losses.jsonl`` and ``validation.jsonl``
(see `zoo.training.base.metrics_log`), and at the end ``<name>.safetensors``, the averaged weights
in 16 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from zoo.portrait.parse.labels import LABELS
from zoo.training.base.distributed import joined
from zoo.training.base.export import write_weights
from zoo.training.base.loop import STATE_FILE, Callbacks, learn
from zoo.training.base.worker_batches import batches_of, fitting_workers
from zoo.training.data.batches import FaceBatches
from zoo.training.data.face_pack import FacePack
from zoo.training.tasks.parser.config import ParserTraining
from zoo.training.tasks.parser.losses import mean_iou
from zoo.training.tasks.parser.trainer import ParserTrainer
from zoo.training.tasks.restorer.config import TrainingError
from zoo.training.tasks.restorer.validation_set import validation_faces

__all__ = ["train"]

_MOST_VALIDATED = 64
_FEATURES = ("l_eye", "r_eye", "l_brow", "r_brow", "nose", "mouth", "u_lip", "l_lip")


def train(
    config: ParserTraining,
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
        A pack of faces aligned to ``ffhq`` with their label maps, see `zoo pack`.
    out
        The run's folder: new, or begun with the same configuration.
    device, until, deadline, workers, on_start, on_step
        As in `zoo.training.tasks.restorer.run.train`.
    begin_from
        Refused: there are no weights to begin with.

    Raises
    ------
    TrainingError
        The folder was begun with another configuration, the faces do not fit, there is no such
        device, or several processes were started.
    PackError
        The faces are no pack.
    """
    if begin_from is not None:
        raise TrainingError(f"{config.name} begins from no other weights: leave --from out")
    with joined(device) as (processes, place):
        if processes.count > 1:
            raise TrainingError(f"{config.name} trains in one process: leave torchrun out")
        pack = FacePack(faces)
        if pack.template != "ffhq" or not pack.masked:
            raise TrainingError(
                f"{faces} has no label maps of faces aligned to ffhq: run `zoo align --template "
                "ffhq`, then `zoo pack`"
            )
        batches = FaceBatches(config.data, pack)
        trainer = ParserTrainer(config, place)
        if (out / STATE_FILE).is_file():
            trainer.load(out / STATE_FILE)
        last = config.steps if until is None else min(until, config.steps)
        workers, memory = fitting_workers(workers, batches.batch_bytes)
        callbacks = Callbacks(
            config.batch_size,
            lambda _: [note for note in (memory,) if note],
            validator=_validator(trainer, pack),
            on_start=on_start,
            on_step=on_step,
            deadline=deadline,
        )
        learn(trainer, batches_of(batches, range(trainer.done, last), workers), out, callbacks)
        header = {"config": config.as_record(), "steps": trainer.done}
        header |= {"template": pack.template, "parser": pack.index.parser}
        return write_weights(trainer.average, out / f"{config.name}.safetensors", header)


class _Validator:
    """Compares the averaged network's masks of degraded faces with those of the sharp ones."""

    def __init__(self, trainer: ParserTrainer, lq: Tensor, labels: Tensor) -> None:
        self.every = trainer.config.validate_every
        self._trainer, self._lq, self._labels = trainer, lq, labels

    @torch.inference_mode()
    def scores(self) -> dict[str, float]:
        """Return the mean IoU of all regions that are there, and that of eyes to lips."""
        predicted = [
            self._trainer.average(face[None].to(self._trainer.device)).argmax(dim=1).byte().cpu()
            for face in self._lq
        ]
        each = mean_iou(torch.cat(predicted), self._labels)
        features = each[[LABELS.index(name) for name in _FEATURES]]
        return {"iou": float(each.nanmean()), "iou_features": float(features.nanmean())}

    def after(self, lines: Sequence[Mapping[str, float]]) -> bool:
        """Never stop early."""
        return False


def _validator(trainer: ParserTrainer, pack: FacePack) -> _Validator | None:
    config = trainer.config
    faces = validation_faces(config.data, pack, _MOST_VALIDATED) if config.validate_every else None
    if faces is None:
        return None
    levels = torch.from_numpy(faces.lq).permute(0, 3, 1, 2).float() / 255
    size = config.network.size
    lq = functional.interpolate(levels, (size, size), mode="area")
    labels = np.stack([pack.labels(i) for i in pack.indices("val")[: len(lq)]])
    return _Validator(trainer, lq, torch.from_numpy(labels))

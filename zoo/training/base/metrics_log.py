"""What a run logs beside its state: metrics, validations, sample sheets, TensorBoard's events.

A process that goes on first takes back what an earlier one wrote of steps that come again.
"""

from __future__ import annotations

import importlib.util
import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from degrade.images import atomic_file
from zoo.training.base.config import TrainingError

__all__ = [
    "LOG_EVERY",
    "LOSSES_FILE",
    "VALIDATION_FILE",
    "MetricsLogger",
    "TensorBoardLogger",
    "read_lines",
]

LOG_EVERY = 50
"""Steps whose means make one line."""
LOSSES_FILE = "losses.jsonl"
VALIDATION_FILE = "validation.jsonl"


class MetricsLogger:
    """The metrics of a run as they come; a context, at whose end everything is on disk.

    They are added up where they are: reading a number of a GPU would make it wait.

    Parameters
    ----------
    out
        The run's folder.
    done
        Steps that the run has done.
    batch_size
        Faces of a step, for the speed.
    """

    def __init__(self, out: Path, done: int, batch_size: int) -> None:
        self._out, self._batch_size, self._logged = out, batch_size, done
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._since, self._steps = time.monotonic(), 0
        out.mkdir(parents=True, exist_ok=True)
        for name in (LOSSES_FILE, VALIDATION_FILE):
            _take_back(out / name, done)
        self._tensorboard = open_tensorboard(out / "tensorboard", done)

    @property
    def has_tensorboard(self) -> bool:
        """Whether TensorBoard is there to be written for."""
        return self._tensorboard is not None

    def __enter__(self) -> MetricsLogger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._tensorboard is not None:
            self._tensorboard.close()

    def add(self, done: int, metrics: Mapping[str, Tensor | float], learning_rate: float) -> None:
        """Keep the metrics of a step; every `LOG_EVERY` steps write a line of their means.

        A line has the step, the mean of each metric over the steps that this process did since
        the last line, the learning rate and the faces a second.

        Raises
        ------
        TrainingError
            A mean is not finite.
        """
        for name, value in metrics.items():
            value = torch.as_tensor(value).detach()
            self._sums[name] = self._sums[name] + value if name in self._sums else value.clone()
            self._counts[name] = self._counts.get(name, 0) + 1
        self._steps += 1
        if done % LOG_EVERY:
            return
        means = self.check(done)
        spent = max(time.monotonic() - self._since, 1e-9)
        means |= {
            "learning_rate": learning_rate,
            "images_per_second": round(self._steps * self._batch_size / spent, 2),
        }
        self._write(LOSSES_FILE, done, means)
        self._sums.clear()
        self._counts.clear()
        self._since, self._steps, self._logged = time.monotonic(), 0, done

    def check(self, done: int) -> dict[str, float]:
        """Return the means since the last line; TrainingError where one is not finite."""
        if not self._sums:
            return {}
        values = torch.stack([value.float().cpu() for value in self._sums.values()]).tolist()
        means = {
            name: value / self._counts[name] for name, value in zip(self._sums, values, strict=True)
        }
        if bad := [name for name, value in means.items() if not math.isfinite(value)]:
            raise TrainingError(
                f"{self._out}: {bad[0]} is not finite between steps {self._logged + 1} and {done}: "
                "the last state there is from before; lower learning_rate or the weight of that "
                "loss",
                exit_code=1,
            )
        return means

    def validation(self, done: int, metrics: Mapping[str, float]) -> None:
        """Write a line of validation metrics."""
        self._write(VALIDATION_FILE, done, metrics, "validation/")

    def sheet(self, done: int, sheet: NDArray[np.uint8]) -> None:
        """Write a sheet of samples, uint8 (height, width, 3) RGB, as ``samples-<step>.png``."""
        # By OpenCV: where faces come in a pack, training needs no other codec.
        _, coded = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
        with atomic_file(self._out / f"samples-{done:06d}.png") as file:
            file.write(coded.tobytes())
        if self._tensorboard is not None:
            self._tensorboard.sheet(done, sheet)

    def _write(self, file: str, done: int, values: Mapping[str, float], prefix: str = "") -> None:
        with (self._out / file).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"step": done, **values}) + "\n")
        if self._tensorboard is not None:
            self._tensorboard.scalars(done, {prefix + key: each for key, each in values.items()})


def read_lines(path: Path) -> list[dict[str, float]]:
    """Return the whole lines of a log, in order; none where there is no such file."""
    if not path.is_file():
        return []
    lines = path.read_text("utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _take_back(path: Path, done: int) -> None:
    """Drop the lines of steps beyond ``done``, and a last line that was cut."""
    if not path.is_file():
        return
    lines = [line for line in read_lines(path) if line["step"] <= done]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    if text != path.read_text("utf-8"):
        with atomic_file(path) as file:
            file.write(text.encode())


class TensorBoardLogger:
    """Scalars and sample sheets in a folder that ``tensorboard --logdir`` reads.

    Parameters
    ----------
    folder
        Where the event files go.
    done
        Steps done before; what an earlier process wrote of later ones is no longer shown.
    """

    def __init__(self, folder: Path, done: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=done + 1)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Add one point to each curve."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def sheet(self, step: int, sheet: NDArray[np.uint8]) -> None:
        """Show a sheet of samples, uint8 (height, width, 3) RGB."""
        self._writer.add_image("samples", sheet, step, dataformats="HWC")

    def close(self) -> None:
        """Write what is still in memory."""
        self._writer.close()


def open_tensorboard(folder: Path, done: int) -> TensorBoardLogger | None:
    """Return the logger of a run, or None where TensorBoard is not installed."""
    if importlib.util.find_spec("tensorboard") is None:
        return None
    return TensorBoardLogger(folder, done)

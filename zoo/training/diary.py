"""What a run writes down beside its state: losses, sample sheets, TensorBoard's events.

A process that goes on first takes back what an earlier one wrote of steps that come again.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from degrade.images import atomic_file, write_png
from zoo.training.events import open_events

__all__ = ["LOG_EVERY", "LOSSES_FILE", "Diary"]

LOG_EVERY = 50
"""Steps whose means make one line."""
LOSSES_FILE = "losses.jsonl"


class Diary:
    """The losses of a run as they come; a context, at whose end everything is on disk.

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
        self._out, self._batch_size = out, batch_size
        self._losses: defaultdict[str, list[float]] = defaultdict(list)
        self._since, self._steps = time.monotonic(), 0
        out.mkdir(parents=True, exist_ok=True)
        _take_back(out / LOSSES_FILE, done)
        self._events = open_events(out / "tensorboard", done)

    @property
    def has_events(self) -> bool:
        """Whether TensorBoard is there to be written for."""
        return self._events is not None

    def __enter__(self) -> Diary:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._events is not None:
            self._events.close()

    def add(self, done: int, told: Mapping[str, float], learning_rate: float) -> None:
        """Keep the losses of a step; every `LOG_EVERY` steps write a line of their means.

        A line has the step, the mean of each loss over the steps that this process did since
        the last line, the learning rate and the faces a second.
        """
        for name, value in told.items():
            self._losses[name].append(value)
        self._steps += 1
        if done % LOG_EVERY:
            return
        means = {name: sum(values) / len(values) for name, values in self._losses.items()}
        spent = max(time.monotonic() - self._since, 1e-9)
        means |= {
            "learning_rate": learning_rate,
            "images_per_second": round(self._steps * self._batch_size / spent, 2),
        }
        with (self._out / LOSSES_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": done, **means}) + "\n")
        if self._events is not None:
            self._events.scalars(done, means)
        self._losses.clear()
        self._since, self._steps = time.monotonic(), 0

    def sheet(self, done: int, sheet: NDArray[np.uint8]) -> None:
        """Write a sheet of samples, uint8 (height, width, 3) RGB, as ``samples-<step>.png``."""
        write_png(self._out / f"samples-{done:06d}.png", sheet)
        if self._events is not None:
            self._events.sheet(done, sheet)


def _take_back(path: Path, done: int) -> None:
    """Drop the lines of steps beyond ``done``, and a last line that was cut."""
    if not path.is_file():
        return
    lines = path.read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= done]
    if kept != lines:
        with atomic_file(path) as file:
            file.write("".join(kept).encode())

"""A run's curves and sheets in TensorBoard, where that package is installed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["TensorBoardLogger", "open_tensorboard"]


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
    import importlib.util

    if importlib.util.find_spec("tensorboard") is None:
        return None
    return TensorBoardLogger(folder, done)

"""insightface's ArcFace networks as ONNX files, run by onnxruntime on the CPU.

``w600k_r50.onnx`` of the model pack buffalo_l, ``glintr100.onnx`` of antelopev2, and any other
file of their layout: one input ``(n, 3, 112, 112)``, RGB in [-1, 1]; one output ``(n, features)``
(insightface, python-package/insightface/model_zoo/arcface_onnx.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degrade.errors import DependencyError
from zoo.weights.files import WeightsRefused

__all__ = ["SIDE", "OnnxArcFace"]

SIDE = 112
"""Side of the input in pixels."""


class OnnxArcFace:
    """A network in a file of that layout, on one thread: the same bytes on one machine.

    Parameters
    ----------
    path
        The file, already verified where it can be.

    Raises
    ------
    DependencyError
        onnxruntime is not installed.
    WeightsRefused
        The file is damaged, or of another layout.
    """

    def __init__(self, path: Path) -> None:
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise DependencyError(
                "the package onnxruntime is not installed: run `pip install 'relume[arcface]'`"
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(
                path.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        except _refusals() as error:
            reason = str(error).splitlines()[0]
            raise WeightsRefused(f"{path} is damaged or no ONNX network: {reason}") from None
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        shapes = [list(each.shape) for each in (*inputs, *outputs)]
        if len(shapes) != 2 or shapes[0][1:] != [3, SIDE, SIDE] or len(shapes[1]) != 2:
            raise WeightsRefused(
                f"{path} is no ArcFace network of insightface's layout: it takes and gives "
                f"{shapes} instead of [n, 3, {SIDE}, {SIDE}] and [n, features]"
            )
        self._input = inputs[0].name

    def describe(self, face: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the ``(features,)`` descriptor of a crop, float32 (112, 112, 3) RGB, 0 to 255."""
        planes = np.ascontiguousarray(face.transpose(2, 0, 1)[None], np.float32)
        (described,) = self._session.run(None, {self._input: (planes - 127.5) / 127.5})
        return np.asarray(described[0], np.float64)


def _refusals() -> tuple[type[Exception], ...]:
    """Return what onnxruntime raises for a file that it cannot take."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return (
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NotImplemented,
    )

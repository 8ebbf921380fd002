"""A trained restorer as an ONNX file, for programs without PyTorch.

The graph is the network as it is: faces and masks in [0, 1] in, faces out, not clipped; rounding
to 8 bits, alignment and pasting are its caller's.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from degrade import __version__
from degrade.errors import DependencyError, UserError
from degrade.images import atomic_file
from zoo.model_card import RestorerEntry
from zoo.restorer import Card, Restorer

__all__ = ["OPSET", "export_onnx"]

OPSET = 18
"""Version of ONNX's operators: of 2022, the first that PyTorch's exporter writes without
converting."""
_PACKAGES = ("onnx", "onnxscript")


def export_onnx(entry: RestorerEntry, path: Path) -> Path:
    """Write a restorer as an ONNX file, and return its path.

    Inputs: ``faces`` ``(n, 3, size, size)`` float32 RGB in [0, 1]; where the network takes one,
    ``mask`` ``(n, 19, size, size)`` float32 as in `zoo.networks.restoration.style.complete_mask`,
    zeros for none. Output: ``restored``, of the shape of ``faces``, to be clipped to [0, 1]. n is
    any. Metadata: name, version, licences, sha256 of the weights, regions of the mask.

    Parameters
    ----------
    entry
        Of a trained restorer, or of a file of weights.
    path
        A ``.onnx`` file, replaced when there.

    Raises
    ------
    UserError
        A restorer that is no trained network of ours, or a path that does not end in ``.onnx``.
    DependencyError
        The packages that write ONNX are not installed.
    """
    if path.suffix.lower() != ".onnx":
        raise UserError(f"{path} is not the name of an ONNX file: end it in .onnx")
    card = entry.card.card
    missing = [package for package in _PACKAGES if importlib.util.find_spec(package) is None]
    if card.kind == "network" and missing:
        raise DependencyError(
            f"the package {missing[0]} is not installed: run `pip install 'relume[export]'`"
        )
    content = _graph(entry.load(), card)
    with atomic_file(path) as stream:
        stream.write(content)
    return path


def _graph(restorer: Restorer, card: Card) -> bytes:
    import torch

    from zoo.restorers.trained import TrainedRestorer

    if not isinstance(restorer, TrainedRestorer):
        raise UserError(
            f"{card.name} is not a network of `zoo train`: `zoo export` writes those alone"
        )
    side = restorer.side
    inputs: dict[str, Any] = {"faces": torch.zeros(2, 3, side, side)}
    if restorer.masked:
        inputs["mask"] = torch.zeros(2, 19, side, side)
    with warnings.catch_warnings():
        # Faces and masks share their first dimension, as they should.
        warnings.filterwarnings("ignore", "# The axis name: n will not be used", UserWarning)
        program = torch.onnx.export(
            restorer.network,
            kwargs=inputs,
            input_names=list(inputs),
            output_names=["restored"],
            dynamic_shapes={key: {0: torch.export.Dim("n", min=1)} for key in inputs},
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    model = program.model
    model.producer_name, model.producer_version = "relume", __version__
    model.doc_string = card.summary
    model.metadata_props.update(_metadata(card, restorer.masked))
    return bytes(program.model_proto.SerializeToString())


def _metadata(card: Card, masked: bool) -> Mapping[str, str]:
    values = {
        "name": card.name,
        "version": __version__,
        "licence_weights": card.licence_weights,
        "licence_code": card.licence_code,
        "sha256": card.sha256,
        "template": card.template,
        "notice": "Restored detail is invented; it is no evidence of who someone is.",
    }
    return values | ({"mask_regions": ",".join(card.regions)} if masked else {})

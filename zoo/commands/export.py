"""``zoo export``."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["export"]


@click.command("export")
@click.argument("name", metavar="NAME")
@click.argument("out", metavar="OUT.onnx", type=click.Path(path_type=Path, dir_okay=False))
def export(name: str, out: Path) -> None:
    """Write the trained restorer NAME, or a file of weights, as OUT.onnx.

    \b
    Inputs, float32, n faces of s × s pixels:
      faces  (n, 3, s, s)   RGB in [0, 1], aligned as `zoo card NAME` says
      mask   (n, 19, s, s)  labels in CelebAMask-HQ's order in [0, 1], zeros for
                            no mask; only where the network takes masks
    Output:
      restored  (n, 3, s, s), to be clipped to [0, 1]

    The file carries name, version and licence as metadata. It needs `pip install
    'relume[export]'`; running it needs onnxruntime alone. With crops, uint8 (n, 128, 128, 3):

    \b
      import numpy as np, onnxruntime
      session = onnxruntime.InferenceSession("style-128.onnx")
      faces = crops.transpose(0, 3, 1, 2).astype(np.float32) / 255
      mask = np.zeros((len(faces), 19, 128, 128), np.float32)
      (restored,) = session.run(None, {"faces": faces, "mask": mask})
      levels = np.rint(restored.clip(0, 1) * 255).astype(np.uint8)
      restored_crops = levels.transpose(0, 2, 3, 1)

    \b
    Examples:
      zoo export style-128 style-128.onnx
      zoo export runs/mine/mine.safetensors mine.onnx
    """
    from zoo.registry.registry import find
    from zoo.restorers.onnx_export import export_onnx

    path = export_onnx(find(name), out)
    click.echo(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")

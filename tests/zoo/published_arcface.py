"""State dicts in the layouts of published ArcFace networks, with random numbers.

The names and shapes are written from the projects' sources, not from our networks:
TreB1eN/InsightFace_Pytorch ``model.py`` (``Backbone(50, mode='ir_se')``) and GFPGAN's
``gfpgan/archs/arcface_arch.py`` (``ResNetArcFace('IRBlock', [2, 2, 2, 2], use_se=False)``).
"""

from __future__ import annotations

import torch
from torch import Tensor


def _norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    told: dict[str, tuple[int, ...]] = {
        f"{name}.{part}": (width,) for part in ("weight", "bias", "running_mean", "running_var")
    }
    return {**told, f"{name}.num_batches_tracked": ()}


def irse50_shapes() -> dict[str, tuple[int, ...]]:
    """Return name to shape of ``model_ir_se50.pth``: 24 blocks of 64, 128, 256 and 512."""
    shapes: dict[str, tuple[int, ...]] = {
        "input_layer.0.weight": (64, 3, 3, 3),
        **_norm("input_layer.1", 64),
        "input_layer.2.weight": (64,),
        **_norm("output_layer.0", 512),
        "output_layer.3.weight": (512, 512 * 7 * 7),
        "output_layer.3.bias": (512,),
        **_norm("output_layer.4", 512),
    }
    units = [(64, 64)] * 3 + [(64, 128)] + [(128, 128)] * 3 + [(128, 256)]
    units += [(256, 256)] * 13 + [(256, 512)] + [(512, 512)] * 2
    assert len(units) == 24
    for place, (before, after) in enumerate(units):
        unit = f"body.{place}"
        if before != after:
            shapes[f"{unit}.shortcut_layer.0.weight"] = (after, before, 1, 1)
            shapes |= _norm(f"{unit}.shortcut_layer.1", after)
        shapes |= _norm(f"{unit}.res_layer.0", before)
        shapes[f"{unit}.res_layer.1.weight"] = (after, before, 3, 3)
        shapes[f"{unit}.res_layer.2.weight"] = (after,)
        shapes[f"{unit}.res_layer.3.weight"] = (after, after, 3, 3)
        shapes |= _norm(f"{unit}.res_layer.4", after)
        shapes[f"{unit}.res_layer.5.fc1.weight"] = (after // 16, after, 1, 1)
        shapes[f"{unit}.res_layer.5.fc2.weight"] = (after, after // 16, 1, 1)
    return shapes


def gray_shapes() -> dict[str, tuple[int, ...]]:
    """Return name to shape of ``arcface_resnet18.pth``, without ``module.``."""
    shapes: dict[str, tuple[int, ...]] = {
        "conv1.weight": (64, 1, 3, 3),
        **_norm("bn1", 64),
        "prelu.weight": (1,),
        **_norm("bn4", 512),
        "fc5.weight": (512, 512 * 8 * 8),
        "fc5.bias": (512,),
        **_norm("bn5", 512),
    }
    before = 64
    for level, after in enumerate((64, 128, 256, 512), start=1):
        for place in (0, 1):
            unit = f"layer{level}.{place}"
            shapes |= _norm(f"{unit}.bn0", before)
            shapes[f"{unit}.conv1.weight"] = (before, before, 3, 3)
            shapes |= _norm(f"{unit}.bn1", before)
            shapes[f"{unit}.prelu.weight"] = (1,)
            shapes[f"{unit}.conv2.weight"] = (after, before, 3, 3)
            shapes |= _norm(f"{unit}.bn2", after)
            if before != after:
                shapes[f"{unit}.downsample.0.weight"] = (after, before, 1, 1)
                shapes |= _norm(f"{unit}.downsample.1", after)
            before = after
    return shapes


def random_state(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, Tensor]:
    """Return tensors of these shapes whose network neither vanishes nor explodes."""
    drawn = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(1000)
        elif name.endswith("running_var"):
            state[name] = torch.rand(shape, generator=drawn) + 0.5
        elif len(shape) > 1:
            fan = torch.Size(shape[1:]).numel()
            state[name] = torch.randn(shape, generator=drawn) / fan**0.5
        else:
            state[name] = 0.2 * torch.rand(shape, generator=drawn)
    return state

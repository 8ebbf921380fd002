"""Feed a network that spandrel describes, in the range that it was trained on.

spandrel feeds levels in [0, 1]. Some networks were trained on [-1, 1]; they are fed here, past
spandrel's own call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from degrade.errors import UserError
from zoo.restorers.placement import CPU, exactly

if TYPE_CHECKING:
    from spandrel import ImageModelDescriptor
    from torch import Tensor

__all__ = ["FIDELITY", "RestorationError", "forwarded"]

FIDELITY = 0.5
"""CodeFormer's ``w`` where none is asked for: its authors' default (inference_codeformer.py)."""


class RestorationError(UserError):
    """A network that cannot take this picture, or returned what is no picture."""


def forwarded(
    network: ImageModelDescriptor[Any],
    planes: NDArray[np.float32],
    name: str,
    fidelity: float,
    device: str,
) -> tuple[NDArray[np.float32], bool]:
    """Return what the network makes of ``(n, 3, height, width)`` in [0, 1], and whether it drew.

    Deterministic: every call draws from generators that are seeded alike here, and put back as
    they were.

    Parameters
    ----------
    planes
        float32 RGB.
    name
        What errors call the network.
    fidelity
        CodeFormer's weight of the input's features, 0 to 1; others have none.
    device
        Where the network is.

    Returns
    -------
    found
        float32 ``(n, 3, height · scale, width · scale)``, about [0, 1].
    drew
        Whether it drew numbers, so that what a picture is given of them depends on its neighbours.

    Raises
    ------
    RestorationError
        It cannot take the size.
    torch.OutOfMemoryError
        The device has no room for so many.
    """
    import torch

    tensor = torch.from_numpy(planes).to(device)
    # A network for grey pictures sees the three channels one after another.
    parts = [tensor] if network.input_channels == 3 else [tensor[:, i : i + 1] for i in range(3)]
    forward = _FORWARD.get(str(network.architecture.id), _as_spandrel)
    gpus = [] if device == CPU else [torch.device(device).index]
    drawn_from = [torch.default_generator, *(torch.cuda.default_generators[i] for i in gpus)]
    with torch.inference_mode(), torch.random.fork_rng(devices=gpus), exactly(device):
        for generator in drawn_from:  # these alone; other devices' stay
            generator.manual_seed(0)
        before = [generator.get_state() for generator in drawn_from]
        try:
            restored = torch.cat([forward(network, part, fidelity) for part in parts], dim=1)
        except torch.OutOfMemoryError:
            raise  # fewer at once may do
        except RuntimeError as error:
            height, width = planes.shape[2:]
            reason = str(error).splitlines()[0] if str(error) else "no reason given"
            raise RestorationError(
                f"{name} cannot take {height} × {width} pixels: {reason}"
            ) from error
        after = [generator.get_state() for generator in drawn_from]
    drew = not all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    return np.asarray(restored.float().cpu().numpy()), drew


Forward = Callable[["ImageModelDescriptor[Any]", "Tensor", float], "Tensor"]
"""A network, (1, channels, height, width) in [0, 1] and a fidelity to a picture in [0, 1]."""


def _as_spandrel(network: ImageModelDescriptor[Any], image: Tensor, fidelity: float) -> Tensor:
    restored: Tensor = network(image)
    return restored


# The four below were trained on [-1, 1], in and out: `normalize(face, (0.5,) * 3, (0.5,) * 3)` and
# `tensor2img(..., min_max=(-1, 1))` in GFPGAN's gfpgan/utils.py and CodeFormer's
# inference_codeformer.py; `output * 0.5 + 0.5` in MixDehazeNet's predict.py, whose output is its
# input and a correction. spandrel 0.4.2 feeds GFPGAN, CodeFormer and MixDehazeNet [0, 1], and
# takes what the first two return for [0, 1] as well; it is right about RestoreFormer, which is
# fed here all the same, so that none depends on spandrel's version.


def _gfpgan(network: ImageModelDescriptor[Any], image: Tensor, fidelity: float) -> Tensor:
    # The noise stored with the weights, instead of a fresh draw at every call.
    restored: Tensor = network.model(image * 2 - 1, return_rgb=False, randomize_noise=False)[0]
    return (restored + 1) / 2


def _codeformer(network: ImageModelDescriptor[Any], image: Tensor, fidelity: float) -> Tensor:
    restored: Tensor = network.model(image * 2 - 1, weight=fidelity)[0]
    return (restored + 1) / 2


def _restoreformer(network: ImageModelDescriptor[Any], image: Tensor, fidelity: float) -> Tensor:
    restored: Tensor = network.model(image * 2 - 1)[0]
    return (restored + 1) / 2


def _mixdehazenet(network: ImageModelDescriptor[Any], image: Tensor, fidelity: float) -> Tensor:
    import torch

    height, width = image.shape[-2:]
    more_wide, more_high = network.size_requirements.get_padding(width, height)
    padded = torch.nn.functional.pad(image, (0, more_wide, 0, more_high), mode="replicate")
    restored: Tensor = network.model(padded * 2 - 1)
    return (restored[..., :height, :width] + 1) / 2


_FORWARD: Mapping[str, Forward] = MappingProxyType(
    {
        "GFPGAN": _gfpgan,
        "CodeFormer": _codeformer,
        "RestoreFormer": _restoreformer,
        "MixDehazeNet": _mixdehazenet,
    }
)

"""Read a file of weights and find out, through spandrel, which network it belongs to.

The file is read in ways that cannot run code. What is done with the network is elsewhere.
"""

from __future__ import annotations

import difflib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from degrade.errors import DependencyError, UserError
from zoo.restorers.spandrel import ncnn
from zoo.weights.files import WeightsRefused, load_checkpoint, load_safetensors

if TYPE_CHECKING:
    from spandrel import ArchRegistry, ImageModelDescriptor

__all__ = ["SUFFIXES", "NetworkFileError", "read_network"]

SUFFIXES = (".safetensors", ".pth", ".ckpt", ncnn.SUFFIX)
"""Endings of the files that are read."""

_CODEFORMER = frozenset({"position_emb", "idx_pred_layer.1.weight", "quantize.embedding.weight"})
"""Names in every CodeFormer checkpoint (sczhou/CodeFormer, basicsr/archs/codeformer_arch.py)."""

_DECLARED_TIMES_STORED = 4
"""How many times the file's bytes its tensors may take: 1, and 2 where two names share a tensor.
A view that repeats one number declares a network of any size in a few bytes."""


class NetworkFileError(UserError):
    """A file that holds no network of an architecture that spandrel can build and we can use."""


def read_network(path: Path, architecture: str = "") -> ImageModelDescriptor[Any]:
    """Return the network in a file, on the CPU, for evaluation, as spandrel describes it.

    Parameters
    ----------
    path
        A ``.safetensors``, ``.pth`` or ``.ckpt`` file: a state dict, or what trainers wrap it
        in (``params_ema``, ``params``, ``state_dict``); or Real-ESRGAN's ``.bin`` for ncnn.
    architecture
        The only architecture to accept, by spandrel's id, such as ``GFPGAN``; empty takes any.

    Raises
    ------
    NetworkFileError
        No such file, another kind of file, another architecture, or a network that takes
        something else than a picture.
    WeightsRefused
        The file is damaged, or would run code when opened.
    DependencyError
        spandrel is not installed.
    """
    if not path.is_file():
        raise NetworkFileError(f"there is no file {path}: name the file of weights")
    if path.suffix.lower() not in SUFFIXES:
        raise NetworkFileError(f"{path} is no model: take one of the {', '.join(SUFFIXES)} files")
    known = _architectures()
    if architecture and architecture not in known:
        names = sorted(support.architecture.id for support in known.architectures())
        near = difflib.get_close_matches(architecture, names, n=1, cutoff=0.5)
        advice = f"did you mean {near[0]}?" if near else f"choose from {', '.join(names)}"
        raise NetworkFileError(f"spandrel knows no architecture {architecture!r}: {advice}")
    network = _identified(path, _read(path), known)
    identity = str(network.architecture.id)
    if architecture and identity != architecture:
        raise NetworkFileError(
            f"{path} holds a {identity} network, not {architecture}: name the right file, or leave "
            "--architecture out"
        )
    network.eval()
    return network


def _architectures() -> ArchRegistry:
    """Return spandrel's architectures, and those of its extra package where that is installed."""
    with warnings.catch_warnings():
        # Some of its networks are compiled at import by what torch no longer recommends.
        warnings.filterwarnings("ignore", "`torch.jit.script", FutureWarning)
        warnings.filterwarnings("ignore", "`torch.jit.script", DeprecationWarning)
        try:
            import spandrel
        except ImportError as error:
            raise DependencyError(
                "spandrel is not installed: run `pip install 'relume[zoo]'`"
            ) from error
        known = spandrel.MAIN_REGISTRY.copy()
        try:
            import spandrel_extra_arches
        except ImportError:
            return known
        known.add(*spandrel_extra_arches.EXTRA_REGISTRY, ignore_duplicates=True)
    return known


def _read(path: Path) -> dict[str, Any]:
    """Return the state dict, out of what trainers wrap it in."""
    import spandrel

    if path.suffix.lower() == ncnn.SUFFIX:
        return ncnn.read_esrgan(path)
    safe = path.suffix.lower() == ".safetensors"
    content: Any = load_safetensors(path) if safe else load_checkpoint(path)
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise NetworkFileError(f"{path} holds no state dict: not loaded")
    state: dict[str, Any] = spandrel.canonicalize_state_dict(content)
    # RestoreFormer's own checkpoints hold the network under this name, beside its losses
    # (wzhouxiff/RestoreFormerPlusPlus, inference.py).
    inner = {name.removeprefix("vqvae."): state[name] for name in state if "vqvae." in name[:6]}
    state = inner or state
    _refuse_empty_claims(path, state)
    return state


def _refuse_empty_claims(path: Path, state: dict[str, Any]) -> None:
    """Refuse a file whose tensors claim far more numbers than it holds."""
    import torch

    claimed = sum(
        value.numel() * value.element_size()
        for value in state.values()
        if isinstance(value, torch.Tensor)
    )
    if claimed > _DECLARED_TIMES_STORED * path.stat().st_size:
        raise WeightsRefused(
            f"{path} claims {claimed / 1e6:.0f} MB of weights in {path.stat().st_size / 1e6:.1f} "
            "MB: it was not loaded; fetch it again from a source you trust"
        )


def _identified(
    path: Path, state: dict[str, Any], known: ArchRegistry
) -> ImageModelDescriptor[Any]:
    """Return the network that the weights belong to, if it turns a picture into a picture."""
    import spandrel

    try:
        network = known.load(state)
    except spandrel.UnsupportedModelError as error:
        if state.keys() >= _CODEFORMER and "CodeFormer" not in known:
            raise DependencyError(
                f"{path} is a CodeFormer network, whose licence is non-commercial: run "
                "`pip install 'relume[spandrel-extra]'` if that suits your use"
            ) from error
        raise NetworkFileError(
            f"{path} is of no architecture that spandrel {_version()} knows: take another model"
        ) from error
    except (RuntimeError, LookupError, ValueError, TypeError, AttributeError,
            AssertionError, ArithmeticError) as error:  # fmt: skip
        # What its detectors and torch raise for weights that miss parts or are no tensors.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NetworkFileError(f"{path} does not fit its architecture: {reason}") from error
    if not isinstance(network, spandrel.ImageModelDescriptor):
        raise NetworkFileError(
            f"{path} is a network for {network.purpose}, which takes more than a picture: take one "
            "for restoration or super-resolution"
        )
    channels = network.input_channels, network.output_channels
    if channels not in ((3, 3), (1, 1)) or network.scale < 1:
        raise NetworkFileError(
            f"{path} takes {channels[0]} channels, gives {channels[1]} and enlarges by "
            f"{network.scale}: grey or RGB both ways are taken, at the same size or enlarged"
        )
    return network


def _version() -> str:
    from importlib.metadata import version

    return version("spandrel")

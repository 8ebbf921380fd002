"""Where a dataset's files are: a folder of this machine, or any place that fsspec reaches.

Everything that reads or writes a dataset goes through a `Storage`. A file under its final name is
whole: on a folder it is written under a temporary name, synced and renamed; an object store has no
rename, there one PUT of the whole file does the same.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from degrade.errors import DatasetError
from degrade.images import atomic_file


class Storage(Protocol):
    """Named files below one place; picklable. Names are relative POSIX paths."""

    @property
    def location(self) -> str:
        """The place, as it was given; for messages."""

    @property
    def local(self) -> Path | None:
        """The folder, when it is one of this machine."""

    def read(self, name: str) -> bytes:
        """Return a file's bytes; raises OSError (FileNotFoundError when there is none)."""

    def write(self, name: str, data: bytes, *, sync: bool = True) -> None:
        """Store a file, whole or not at all.

        ``sync=False`` leaves bringing it to disk to a later `sync`, which costs less for many.
        """

    def create(self, name: str, data: bytes) -> bool:
        """Store a file if there is none of that name, and return whether there was none.

        Of several at the same time one succeeds; the others find its file whole.
        """

    def sync(self, names: Iterable[str]) -> None:
        """Bring files written with ``sync=False`` to disk, and their folders."""

    def writing(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file to write in a stream; it takes its name when the block ends well."""

    def reading(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file to read, with seek; raises OSError."""

    def link(self, existing: str, name: str) -> None:
        """Give a file a second name: a hard link where there are such, else a copy."""

    def size(self, name: str) -> int:
        """Return a file's size in bytes, −1 when there is no regular file of that name."""

    def exists(self, name: str) -> bool:
        """Return whether there is a file of that name."""

    def names(self, folder: str = "") -> list[str]:
        """Return the names of all files below ``folder``, sorted; empty when there is none."""

    def remove(self, name: str) -> None:
        """Remove a file; it may be missing already."""

    def sweep(self) -> None:
        """Remove what killed runs left under temporary names."""


_SYNCED_AT_ONCE = 16
"""Threads that wait for the disk."""


@dataclass(frozen=True, slots=True)
class LocalStorage:
    """A folder of this machine."""

    folder: Path

    @property
    def location(self) -> str:
        """The folder's path."""
        return str(self.folder)

    @property
    def local(self) -> Path | None:
        """The folder."""
        return self.folder

    def read(self, name: str) -> bytes:
        """See `Storage.read`; a pipe or a device, which might never end, is refused."""
        path = self.folder / name
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(None, "not a regular file", str(path))
        return path.read_bytes()

    def write(self, name: str, data: bytes, *, sync: bool = True) -> None:
        """See `Storage.write`."""
        with self._temporary(name) as temporary, temporary.open("wb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        if sync:
            _sync_folder((self.folder / name).parent)

    def create(self, name: str, data: bytes) -> bool:
        """See `Storage.create`: a hard link, which no file system lays over a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, path)
            except FileExistsError:
                return False
            except OSError:  # no hard links here
                if path.exists():
                    return False
                os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)
        return True

    def sync(self, names: Iterable[str]) -> None:
        """See `Storage.sync`."""
        paths = [self.folder / name for name in names]
        # At the same time: the file system then commits many in one go. A hundred files of 200 KB
        # take ext4 0.04 s so, 0.5 s one by one.
        with ThreadPoolExecutor(_SYNCED_AT_ONCE) as threads:
            for _ in threads.map(_sync_file, paths):
                pass
        for folder in {path.parent for path in paths}:
            _sync_folder(folder)

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """See `Storage.writing`."""
        with atomic_file(self.folder / name) as file:
            yield file
        _sync_folder((self.folder / name).parent)

    @contextmanager
    def reading(self, name: str) -> Iterator[IO[bytes]]:
        """See `Storage.reading`."""
        with (self.folder / name).open("rb") as file:
            yield file

    def link(self, existing: str, name: str) -> None:
        """See `Storage.link`."""
        with self._temporary(name) as temporary:
            try:
                os.link(self.folder / existing, temporary)
            except OSError:  # no hard links here, or one too many
                temporary.write_bytes((self.folder / existing).read_bytes())

    def size(self, name: str) -> int:
        """See `Storage.size`."""
        try:
            status = (self.folder / name).stat()
        except OSError:
            return -1
        return status.st_size if stat.S_ISREG(status.st_mode) else -1

    def exists(self, name: str) -> bool:
        """See `Storage.exists`."""
        return self.size(name) >= 0

    def names(self, folder: str = "") -> list[str]:
        """See `Storage.names`; links to folders are not followed."""
        names = []
        for parent, _, files in os.walk(self.folder / folder):
            inside = Path(parent).relative_to(self.folder)
            names += [(inside / name).as_posix() for name in files]
        return sorted(names)

    def remove(self, name: str) -> None:
        """See `Storage.remove`; folders that become empty stay."""
        (self.folder / name).unlink(missing_ok=True)

    def sweep(self) -> None:
        """See `Storage.sweep`."""
        for name in self.names():
            if PurePosixPath(name).name.startswith(".") and name.endswith(".part"):
                self.remove(name)

    @contextmanager
    def _temporary(self, name: str) -> Iterator[Path]:
        """Give a name beside the file's; what was put there takes its place, unless an error."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{secrets.token_hex(8)}.part")
        try:
            yield temporary
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@dataclass(frozen=True, slots=True)
class RemoteStorage:
    """A place that fsspec reaches, such as ``s3://bucket/folder`` or ``memory://folder``.

    Options and credentials come from where the backend looks for them, such as the environment
    (``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``) and fsspec's configuration files.
    """

    location: str

    @property
    def local(self) -> Path | None:
        """None: no folder of this machine."""
        return None

    def read(self, name: str) -> bytes:
        """See `Storage.read`."""
        with self._named_errors(name):
            return bytes(self._system.cat_file(self._path(name)))

    def write(self, name: str, data: bytes, *, sync: bool = True) -> None:
        """See `Storage.write`: one PUT."""
        with self._named_errors(name):
            self._system.pipe_file(self._path(name), data)

    def create(self, name: str, data: bytes) -> bool:
        """See `Storage.create`: one PUT on the condition that there is nothing."""
        with self._named_errors(name):
            try:
                self._system.pipe_file(self._path(name), data, mode="create")
            except FileExistsError:
                return False
        return True

    def sync(self, names: Iterable[str]) -> None:
        """Do nothing: what a store has answered for is stored."""

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """See `Storage.writing`: collected in memory, then one PUT."""
        buffer = io.BytesIO()
        yield buffer
        self.write(name, buffer.getvalue())

    @contextmanager
    def reading(self, name: str) -> Iterator[IO[bytes]]:
        """See `Storage.reading`."""
        with self._named_errors(name), self._system.open(self._path(name), "rb") as file:
            yield file

    def link(self, existing: str, name: str) -> None:
        """See `Storage.link`: a copy."""
        self.write(name, self.read(existing))

    def size(self, name: str) -> int:
        """See `Storage.size`."""
        try:
            status = self._system.info(self._path(name))
        except FileNotFoundError:
            return -1
        return int(status["size"]) if status["type"] == "file" else -1

    def exists(self, name: str) -> bool:
        """See `Storage.exists`."""
        return self.size(name) >= 0

    def names(self, folder: str = "") -> list[str]:
        """See `Storage.names`."""
        top = self._path("")
        with self._named_errors(folder):
            self._system.invalidate_cache()
            names = self._system.find(self._path(folder) if folder else top)
        return sorted(path.strip("/")[len(top.strip("/")) :].strip("/") for path in names)

    def remove(self, name: str) -> None:
        """See `Storage.remove`."""
        with contextlib.suppress(FileNotFoundError):
            self._system.rm_file(self._path(name))

    def sweep(self) -> None:
        """Do nothing: nothing is written under a temporary name."""

    @property
    def _system(self) -> Any:
        import fsspec

        # fsspec keeps one instance for equal arguments, so this is a look-up.
        try:
            return fsspec.url_to_fs(self.location)[0]
        except (ValueError, ImportError) as error:
            raise DatasetError(f"{self.location} cannot be opened: {error}") from None

    def _path(self, name: str) -> str:
        import fsspec

        top = str(fsspec.url_to_fs(self.location)[1]).rstrip("/")
        return f"{top}/{name}" if name else top

    @contextmanager
    def _named_errors(self, name: str) -> Iterator[None]:
        """Turn what a backend raises into one line, but for a missing file, which callers know."""
        try:
            yield
        except FileNotFoundError as error:
            if error.filename is None and "specified bucket" in str(error):
                raise self._refused(name, error) from error
            raise
        except OSError as error:  # access denied, a store that is full, a connection that broke
            raise self._refused(name, error) from error
        except Exception as error:
            if type(error).__module__.split(".")[0] not in ("botocore", "aiobotocore", "aiohttp"):
                raise
            raise self._refused(name, error) from error

    def _refused(self, name: str, error: Exception) -> DatasetError:
        return DatasetError(f"{self.location}/{name}: {error}", exit_code=1)


def is_remote(location: str | Path) -> bool:
    """Return whether a location is a URL such as ``s3://bucket/folder`` rather than a path."""
    return "://" in str(location)


def open_storage(location: str | Path) -> Storage:
    """Return the storage of a folder or of a URL; nothing is created or looked up.

    Raises DatasetError when fsspec does not know the URL's protocol or lacks its package.
    """
    if not is_remote(location):
        return LocalStorage(Path(location))
    storage = RemoteStorage(str(location).rstrip("/"))
    _ = storage._system
    return storage


def _sync_file(path: Path) -> None:
    """Bring a file to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    """Bring a folder's names to disk, so that a rename survives a power cut."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

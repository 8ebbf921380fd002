"""Where pairs are put: equal names under ``hq/`` and ``lq/``, PNG."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from degrade.images import Image, encode_png

__all__ = ["FilesWriter"]


@dataclass(frozen=True, slots=True)
class FilesWriter:
    """Writes ``hq/<key>.png`` and ``lq/<key>.png`` below a folder; picklable.

    A file under its final name is whole. The same pair written twice is the same file.
    """

    folder: Path

    def names(self, key: str) -> tuple[str, str]:
        """Return the relative file names of a pair: hq, lq."""
        return f"hq/{key}.png", f"lq/{key}.png"

    def write(self, key: str, hq: Image | None, lq: Image, same_hq_as: str | None = None) -> None:
        """Store a pair; ``same_hq_as`` names an earlier pair whose HQ this one shares.

        A shared HQ is a hard link where the file system has them, else a copy.
        """
        hq_name, lq_name = self.names(key)
        if same_hq_as is None:
            assert hq is not None
            _put(self.folder / hq_name, encode_png(hq))
        else:
            _link(self.folder / self.names(same_hq_as)[0], self.folder / hq_name)
        _put(self.folder / lq_name, encode_png(lq))

    def sweep(self) -> None:
        """Remove what killed runs left under temporary names."""
        for half in ("hq", "lq"):
            for left in (self.folder / half).rglob(".*.part"):
                left.unlink(missing_ok=True)


def _put(path: Path, data: bytes) -> None:
    # Not synced one by one: the shard's marker is written after a sync of all.
    with _temporary(path) as temporary:
        temporary.write_bytes(data)


def _link(existing: Path, path: Path) -> None:
    with _temporary(path) as temporary:
        try:
            os.link(existing, temporary)
        except OSError:  # no hard links here, or one too many
            temporary.write_bytes(existing.read_bytes())


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Give a name beside ``path``; what was put there takes its place, or is removed on error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

"""The images of the HTML report, small enough to travel inside the page.

Reads what the run kept; it restores nothing and never fails for an image that is gone.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import PIL.Image

from bench.report.model import Leaderboard, Report
from bench.stats.scores import BASELINE
from bench.store.images import HQ, RestoredFiles

_SIDE = 420
"""The longest side of an embedded image in pixels: sharp in a column of a desktop page."""

_QUALITY = 82

_MOST = 16
"""Images for each condition."""


@dataclass(frozen=True, slots=True)
class EmbeddedImage:
    """One embedded image: whose it is, and its index in the page's list."""

    who: str
    index: int


@dataclass(frozen=True, slots=True)
class ImageVersions:
    """All versions of one image: the degraded one, HQ, and each restored one.

    ``width`` and ``height`` are of the full image, in pixels; ``hq`` is None of an image that
    nobody degraded.
    """

    key: str
    width: int
    height: int
    lq: EmbeddedImage
    hq: EmbeddedImage | None
    restored: tuple[EmbeddedImage, ...]

    def versions(self) -> dict[str, int]:
        """Return what the page may show, ``lq``, ``hq``, ``restored:NAME``, to its index."""
        restored = {f"restored:{image.who}": image.index for image in self.restored}
        hq = {"hq": self.hq.index} if self.hq else {}
        return {"lq": self.lq.index, **hq, **restored}

    def visible(self) -> tuple[EmbeddedImage, ...]:
        """Return the images that show before any script runs: LQ, the first restored, HQ."""
        return (self.lq, *self.restored[:1], *([self.hq] if self.hq else []))


@dataclass(frozen=True, slots=True)
class Album:
    """What a page embeds: each table's images with their versions, and data URIs, each once."""

    images: tuple[tuple[ImageVersions, ...], ...]
    data: tuple[str, ...]

    @property
    def hidden(self) -> dict[str, str]:
        """Index to data URI of what shows only when a script asks for it."""
        inline = {
            each.index for group in self.images for image in group for each in image.visible()
        }
        return {str(i): data for i, data in enumerate(self.data) if i not in inline}


def collect(report: Report, orders: Sequence[Sequence[str]], room: int) -> Album:
    """Embed images of every table, in turn and in its order, until the page is full.

    ``room`` is bytes of all images together, before base64, each as often as the page writes it.
    """
    album = _Builder(report)
    chosen: list[list[ImageVersions]] = [[] for _ in report.tables]
    for turn in range(_MOST):
        for table, keys, images in zip(report.tables, orders, chosen, strict=True):
            if turn < len(keys) and album.size < room:
                images += album.versions(table, keys[turn])
    return Album(tuple(tuple(each) for each in chosen), tuple(album.data))


class _Builder:
    def __init__(self, report: Report) -> None:
        self._has_references = report.has_references
        self._files = RestoredFiles(report.run.folder / "restored")
        self._indices: dict[bytes, int] = {}
        self._sizes: list[int] = []
        self._visible: set[int] = set()
        self.data: list[str] = []
        self.size = 0

    def versions(self, table: Leaderboard, key: str) -> list[ImageVersions]:
        """Return the versions of one image; none when its HQ or input is gone."""
        embedded: dict[str, EmbeddedImage] = {}
        shape = (0, 0)
        hq = (HQ,) if self._has_references else ()
        for who in (*hq, *(line.restorer for line in table.lines)):
            image = self._files.read(self._files.path(*table.condition, who, key))
            if image is not None:
                shape = image.shape[:2]
                embedded[who] = EmbeddedImage(who, self._embed(PIL.Image.fromarray(image)))
        if not {*hq, BASELINE} <= embedded.keys():
            return []
        restored = tuple(embedded[who] for who in embedded if who not in (HQ, BASELINE))
        versions = ImageVersions(
            key, shape[1], shape[0], embedded[BASELINE], embedded.get(HQ), restored
        )
        for each in versions.visible():
            # The page writes it wherever it shows before any script runs; the first is counted.
            self.size += self._sizes[each.index] if each.index in self._visible else 0
            self._visible.add(each.index)
        return [versions]

    def _embed(self, image: PIL.Image.Image) -> int:
        image.thumbnail((_SIDE, _SIDE), PIL.Image.Resampling.LANCZOS)
        encoded = io.BytesIO()
        image.save(encoded, "WEBP", quality=_QUALITY, method=4)
        data = encoded.getvalue()
        digest = hashlib.sha256(data).digest()
        if digest not in self._indices:
            self._indices[digest] = len(self.data)
            self.data.append(f"data:image/webp;base64,{base64.b64encode(data).decode()}")
            self._sizes.append(len(data))
            self.size += len(data)
        return self._indices[digest]

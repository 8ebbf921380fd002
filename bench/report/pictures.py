"""The pictures of the HTML report, small enough to travel inside the page.

Reads what the run kept; it restores nothing and never fails for a picture that is gone.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import PIL.Image

from bench.report.model import Report, Table
from bench.runner.restored_output import Gallery
from bench.stats.scores import BASELINE
from bench.store.record import Run

__all__ = ["Album", "Comparison", "Picture", "collect", "has_truths"]

_SIDE = 420
"""The longest side of an embedded picture in pixels: sharp in a column of a desktop page."""

_QUALITY = 82

_IMAGES = 16
"""Comparisons for each condition."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One embedded picture: whose it is, and where it stands in the page's list of pictures."""

    who: str
    index: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """All versions of one photograph: the degraded one, the truth, and each restored one.

    ``width`` and ``height`` are of the full image, in pixels; ``hq`` is None of a photograph that
    nobody degraded, and so has no truth.
    """

    key: str
    width: int
    height: int
    lq: Picture
    hq: Picture | None
    restored: tuple[Picture, ...]

    def versions(self) -> dict[str, int]:
        """Return what the page may show, ``lq``, ``hq``, ``restored:NAME``, to picture index."""
        shown = {f"restored:{picture.who}": picture.index for picture in self.restored}
        truth = {"hq": self.hq.index} if self.hq else {}
        return {"lq": self.lq.index, **truth, **shown}

    def visible(self) -> tuple[Picture, ...]:
        """Return the pictures that show before any script runs: LQ, the first restored, HQ."""
        return (self.lq, *self.restored[:1], *([self.hq] if self.hq else []))


@dataclass(frozen=True, slots=True)
class Album:
    """The comparisons of each table, and the pictures they point to.

    Attributes
    ----------
    comparisons
        One tuple for each table of the report.
    data
        Data URIs; equal pictures stand here once.
    """

    comparisons: tuple[tuple[Comparison, ...], ...]
    data: tuple[str, ...]


def has_truths(record: Mapping[str, Any]) -> bool:
    """Say whether a run's images have truths; photographs that nobody degraded have none."""
    return bool(record["suite"].get("truths", True))


def collect(report: Report, wanted: Sequence[Sequence[str]], room: int) -> Album:
    """Embed the wanted images of every table, in turn, until the page is full.

    Parameters
    ----------
    report
        From `bench.report.build_report`.
    wanted
        Keys for each table, the most wanted first.
    room
        Bytes of all pictures together, before base64, each as often as the page writes it.
    """
    album = _Builder(report.run)
    chosen: list[list[Comparison]] = [[] for _ in report.tables]
    for turn in range(_IMAGES):
        for table, keys, comparisons in zip(report.tables, wanted, chosen, strict=True):
            if turn < len(keys) and album.size < room:
                comparisons += album.comparison(table, keys[turn])
    return Album(tuple(tuple(each) for each in chosen), tuple(album.data))


class _Builder:
    def __init__(self, run: Run) -> None:
        self._has_truths = has_truths(run.record)
        self._gallery = Gallery(run.folder / "restored")
        self._known: dict[bytes, int] = {}
        self._sizes: list[int] = []
        self._shown: set[int] = set()
        self.data: list[str] = []
        self.size = 0

    def comparison(self, table: Table, key: str) -> list[Comparison]:
        """Return the comparison of one image; none when its truth or input is gone."""
        pictures: dict[str, Picture] = {}
        shape = (0, 0)
        truths = ("hq",) if self._has_truths else ()
        for who in (*truths, *(line.restorer for line in table.lines)):
            path = self._gallery.path(table.dataset, table.recipe, who, key)
            image = self._gallery.read(path)
            if image is not None:
                shape = image.shape[:2]
                pictures[who] = Picture(who, self._embed(PIL.Image.fromarray(image)))
        if not {*truths, BASELINE} <= pictures.keys():
            return []
        restored = [pictures[who] for who in pictures if who not in ("hq", BASELINE)]
        hq, lq = pictures.get("hq"), pictures[BASELINE]
        made = Comparison(key, shape[1], shape[0], lq, hq, tuple(restored))
        for picture in made.visible():
            # The page writes it wherever it shows before any script runs; the first is counted.
            self.size += self._sizes[picture.index] if picture.index in self._shown else 0
            self._shown.add(picture.index)
        return [made]

    def _embed(self, picture: PIL.Image.Image) -> int:
        picture.thumbnail((_SIDE, _SIDE), PIL.Image.Resampling.LANCZOS)
        encoded = io.BytesIO()
        picture.save(encoded, "WEBP", quality=_QUALITY, method=4)
        data = encoded.getvalue()
        digest = hashlib.sha256(data).digest()
        if digest not in self._known:
            self._known[digest] = len(self.data)
            self.data.append(f"data:image/webp;base64,{base64.b64encode(data).decode()}")
            self._sizes.append(len(data))
            self.size += len(data)
        return self._known[digest]

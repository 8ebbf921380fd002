"""Time `degrade build` against doing nothing but decoding and encoding the same pictures.

Both sides work with the same codecs in the same number of processes, started anew for each run,
in turn. The build plans, degrades, digests, writes, syncs and keeps its manifest besides; the
other side reads each source, decodes it, and encodes the HQ and the LQ that the build made of it
(read as raw levels), and writes nothing.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.speed.timing import machine_text, met_text
from degrade.dataset.build import build
from degrade.dataset.layout import ENCODINGS, StorageFormat
from degrade.dataset.paired_dataset import PairedDataset
from degrade.executors import Engine, run_tasks
from degrade.images import decode_image
from degrade.images.encoding import encode
from degrade.random import Stream, StreamKey
from degrade.terminal import columns

__all__ = [
    "BAR",
    "SIDE",
    "BuildingLine",
    "BuildingReport",
    "as_record",
    "as_text",
    "measure_building",
]

BAR = 1.5
"""Build ÷ codecs alone, at most; with two processes."""
SIDE = 512
"""Pixels of the pictures' sides."""
_AT_ONCE = 32
"""Pictures in a task of the codecs' side, and in a shard of the build."""


@dataclass(frozen=True, slots=True)
class BuildingLine:
    """One format and number of processes, medians over the rounds.

    Attributes
    ----------
    encoding, workers
        What was measured.
    pairs_per_second
        Of the whole build, by the clock on the wall, start-up included.
    build_ms, codecs_ms
        CPU milliseconds of all processes for a pair.
    ratio, low, high
        Of the rounds' build ÷ codecs, CPU time.
    wall_ratio
        The same by the clock; on an idle machine much the same.
    kilobytes
        Of a stored LQ, median.
    """

    encoding: str
    workers: int
    pairs_per_second: float
    build_ms: float
    codecs_ms: float
    ratio: float
    low: float
    high: float
    wall_ratio: float
    kilobytes: float

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None where it says nothing, for one process."""
        return self.ratio <= BAR if self.workers == 2 else None


@dataclass(frozen=True, slots=True)
class BuildingReport:
    """The whole table.

    Attributes
    ----------
    environment
        From `bench.store.environment`.
    recipe, pictures, rounds
        How it was measured.
    lines
        A format after another, by the number of processes.
    """

    environment: dict[str, Any]
    recipe: str
    images: int
    rounds: int
    lines: tuple[BuildingLine, ...]


@dataclass(frozen=True, slots=True)
class _Cost:
    """What a run took: seconds of the clock and of all processes."""

    wall: float
    cpu: float


def measure_building(
    recipe: str = "gfpgan",
    *,
    images: int = 1024,
    rounds: int = 3,
    workers: Sequence[int] = (1, 2),
    encodings: Sequence[str] = ENCODINGS,
    folder: Path | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> BuildingReport:
    """Return the measured table.

    Parameters
    ----------
    recipe
        A recipe's name.
    pictures
        Made of scikit-image's photographs, 512 × 512, stored as PNG.
    rounds
        Pairs of runs.
    workers, encodings
        What to measure.
    folder
        Where to write; a temporary folder by default. Its disk is part of what is measured.
    tell
        Gets the name of every format and number of processes that is done.
    """
    from bench.store.environment import environment

    lines: list[BuildingLine] = []
    with tempfile.TemporaryDirectory(dir=folder, prefix="relume-speed-") as text:
        folder = Path(text)
        _write_pictures(folder / "hq", images)
        dataset = PairedDataset(folder / "hq", recipe, 7)
        _write_levels(dataset, folder / "levels")
        for encoding in encodings:
            for count in workers:
                lines.append(_line(dataset, folder, encoding, Engine(count), rounds))
                tell(f"{encoding}, {count}")
    return BuildingReport(environment(), recipe, images, rounds, tuple(lines))


def _line(
    dataset: PairedDataset, folder: Path, encoding: str, engine: Engine, rounds: int
) -> BuildingLine:
    storage_format = StorageFormat(lq_format=encoding, hq_format=encoding, shard_images=_AT_ONCE)
    keys = dataset.source.keys
    batches = [keys[start : start + _AT_ONCE] for start in range(0, len(keys), _AT_ONCE)]
    builds: list[_Cost] = []
    codecs: list[_Cost] = []
    sizes: list[int] = []
    work = partial(_codecs_alone, dataset, folder / "levels", encoding)
    for _ in range(rounds):
        out = folder / "out"
        with _timed(builds):
            build(dataset, out, storage_format=storage_format, engine=engine)
        sizes = [path.stat().st_size for path in (out / "lq").iterdir()]
        shutil.rmtree(out)
        with _timed(codecs):
            for _is_done in run_tasks(work, batches, engine):
                pass
    ratios = [ours.cpu / theirs.cpu for ours, theirs in zip(builds, codecs, strict=True)]
    walls = [ours.wall / theirs.wall for ours, theirs in zip(builds, codecs, strict=True)]
    return BuildingLine(
        encoding,
        engine.workers,
        len(keys) / statistics.median(cost.wall for cost in builds),
        1e3 * statistics.median(cost.cpu for cost in builds) / len(keys),
        1e3 * statistics.median(cost.cpu for cost in codecs) / len(keys),
        statistics.median(ratios),
        min(ratios),
        max(ratios),
        statistics.median(walls),
        statistics.median(sizes) / 1e3,
    )


def _codecs_alone(
    dataset: PairedDataset, levels: Path, encoding: str, keys: tuple[str, ...]
) -> int:
    """Decode each source, encode its HQ and its LQ, and keep nothing; return the bytes."""
    total = 0
    for key in keys:
        hq = decode_image(dataset.source.read_bytes(key), key)
        lq = np.fromfile(levels / f"{key}.raw", np.uint8).reshape(hq.shape)
        total += len(encode(hq, encoding)) + len(encode(lq, encoding))
    return total


@contextmanager
def _timed(costs: list[_Cost]) -> Iterator[None]:
    wall, cpu = time.monotonic(), _cpu_seconds()
    yield
    costs.append(_Cost(time.monotonic() - wall, _cpu_seconds() - cpu))


def _cpu_seconds() -> float:
    """Return what this process and its finished children have used."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _write_pictures(folder: Path, count: int) -> None:
    """Write crops of photographs, each at a place of its own, every second one mirrored.

    As Pillow writes PNG by default: sources come from other software, and cost more to decode.
    """
    import PIL.Image

    folder.mkdir()
    photographs = _images()
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        stream = Stream(StreamKey(7, number, 0), 0)
        down, right = (stream.integer(0, side - 1) for side in photograph.shape[:2])
        rolled = np.roll(photograph, (down, right), (0, 1))[:SIDE, :SIDE]
        crop = np.ascontiguousarray(rolled[:, :: -1 if number % 2 else 1])
        PIL.Image.fromarray(crop).save(folder / f"{number:05d}.png")


def _images() -> list[NDArray[np.uint8]]:
    import cv2
    import skimage.data

    images = []
    for name in ("astronaut", "coffee", "chelsea", "rocket"):
        image = getattr(skimage.data, name)()
        scale = SIDE / min(image.shape[:2])
        size = (
            max(SIDE, round(image.shape[1] * scale)),
            max(SIDE, round(image.shape[0] * scale)),
        )
        images.append(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA)))
    return images


def _write_levels(dataset: PairedDataset, folder: Path) -> None:
    folder.mkdir()
    for index, key in enumerate(dataset.source.keys):
        dataset[index].lq.tofile(folder / f"{key}.raw")


_HEADINGS = ("LQ and HQ as", "processes", "pairs/s", "efficiency", "build ms", "codecs ms", "ratio",
             "min-max", "by the clock", "bar", "met", "LQ KB")  # fmt: skip


def as_text(report: BuildingReport) -> str:
    """Return an aligned table with the machine above."""
    rows = [_HEADINGS, *(_cells(report, line) for line in report.lines)]
    return "\n".join(
        [
            machine_text(report.environment),
            f"build of {report.images} pictures, {SIDE} × {SIDE}, recipe {report.recipe}, against "
            f"decoding and encoding alone; medians of {report.rounds} rounds in turn; ms are CPU "
            "time of all processes for a pair, start-up included",
            "",
            *columns(rows, left=(0,)),
        ]
    )


def _cells(report: BuildingReport, line: BuildingLine) -> tuple[str, ...]:
    alone = [
        other for other in report.lines if (other.encoding, other.workers) == (line.encoding, 1)
    ]
    share = line.pairs_per_second / (line.workers * alone[0].pairs_per_second) if alone else None
    return (
        line.encoding,
        str(line.workers),
        f"{line.pairs_per_second:.1f}",
        "-" if share is None else f"{share:.0%}",
        f"{line.build_ms:.1f}",
        f"{line.codecs_ms:.1f}",
        f"{line.ratio:.2f}×",
        f"{line.low:.2f}-{line.high:.2f}",
        f"{line.wall_ratio:.2f}×",
        f"{BAR:g}×" if line.met is not None else "",
        met_text(line.met),
        f"{line.kilobytes:.0f}",
    )


def as_record(report: BuildingReport) -> dict[str, Any]:
    """Return the report as JSON values; ratios are build ÷ codecs alone."""
    return {
        "environment": report.environment,
        "recipe": report.recipe,
        "pictures": report.images,
        "rounds": report.rounds,
        "bar": BAR,
        "lines": [{**asdict(line), "met": line.met} for line in report.lines],
    }

"""The table ``build``: `degrade build` against nothing but decoding and encoding the same images.

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

from bench.speed.images import SEED, SIDE, photograph_crops
from bench.speed.timing import machine_text, met_text
from degrade.dataset.build import build
from degrade.dataset.layout import ENCODINGS, StorageFormat
from degrade.dataset.paired_dataset import PairedDataset
from degrade.executors import Engine, run_tasks
from degrade.images import decode_image
from degrade.images.encoding import encode
from degrade.terminal import columns

BAR = 1.5
"""Build ÷ codecs alone, at most; with two processes."""
_AT_ONCE = 32
"""Images in a task of the codecs' side, and in a shard of the build."""

_HEADINGS = ("LQ and HQ as", "processes", "pairs/s", "efficiency", "build ms", "codecs ms", "ratio",
             "min-max", "by the clock", "bar", "met", "LQ KB")  # fmt: skip


@dataclass(frozen=True, slots=True)
class BuildLine:
    """One format and number of processes, medians over the rounds.

    ``pairs_per_second`` is of the whole build, by the clock on the wall, start-up included;
    milliseconds are CPU time of all processes for a pair. ``ratio``, ``low`` and ``high`` are of
    the rounds' build ÷ codecs in CPU time, ``wall_ratio`` by the clock; on an idle machine much
    the same. ``kilobytes`` are of a stored LQ.
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
class BuildReport:
    """The table ``build``: a format after another, by the number of processes."""

    environment: dict[str, Any]
    recipe: str
    images: int
    rounds: int
    lines: tuple[BuildLine, ...]

    def text(self) -> str:
        """Return an aligned table with the machine above."""
        rows = [_HEADINGS, *map(self._cells, self.lines)]
        return "\n".join(
            [
                machine_text(self.environment),
                f"build of {self.images} pictures, {SIDE} × {SIDE}, recipe {self.recipe}, against "
                f"decoding and encoding alone; medians of {self.rounds} rounds in turn; ms are CPU "
                "time of all processes for a pair, start-up included",
                "",
                *columns(rows, left=(0,)),
            ]
        )

    def _cells(self, line: BuildLine) -> tuple[str, ...]:
        alone = [
            other for other in self.lines if (other.encoding, other.workers) == (line.encoding, 1)
        ]
        share = (
            line.pairs_per_second / (line.workers * alone[0].pairs_per_second) if alone else None
        )
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

    def record(self) -> dict[str, Any]:
        """Return JSON values; ratios are build ÷ codecs alone."""
        return {
            "environment": self.environment,
            "recipe": self.recipe,
            "pictures": self.images,
            "rounds": self.rounds,
            "bar": BAR,
            "lines": [{**asdict(line), "met": line.met} for line in self.lines],
        }


@dataclass(frozen=True, slots=True)
class _Cost:
    """What a run took: seconds of the clock and of all processes."""

    wall: float
    cpu: float


def measure_build(
    recipe: str = "gfpgan",
    *,
    images: int = 1024,
    rounds: int = 3,
    workers: Sequence[int] = (1, 2),
    encodings: Sequence[str] = ENCODINGS,
    folder: Path | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> BuildReport:
    """Measure `encodings` × `workers`, ``rounds`` pairs of runs each.

    The images are `photograph_crops`, stored as PNG. The disk of ``folder``, where everything is
    written (a temporary folder by default), is part of what is measured. ``tell`` gets the name of
    every format and number of processes that is done.
    """
    from bench.store.environment import environment

    lines: list[BuildLine] = []
    with tempfile.TemporaryDirectory(dir=folder, prefix="relume-speed-") as text:
        folder = Path(text)
        _write_images(folder / "hq", images)
        dataset = PairedDataset(folder / "hq", recipe, SEED)
        (folder / "levels").mkdir()
        for index, key in enumerate(dataset.source.keys):
            dataset[index].lq.tofile(folder / "levels" / f"{key}.raw")
        for encoding in encodings:
            for count in workers:
                lines.append(_line(dataset, folder, encoding, Engine(count), rounds))
                tell(f"{encoding}, {count}")
    return BuildReport(environment(), recipe, images, rounds, tuple(lines))


def _line(
    dataset: PairedDataset, folder: Path, encoding: str, engine: Engine, rounds: int
) -> BuildLine:
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
    return BuildLine(
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


def _write_images(folder: Path, count: int) -> None:
    """Write PNG as Pillow does by default: sources of other software cost more to decode."""
    import PIL.Image

    folder.mkdir()
    for number, crop in enumerate(photograph_crops(count)):
        PIL.Image.fromarray(crop).save(folder / f"{number:05d}.png")

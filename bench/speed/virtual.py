"""The table ``virtual``: a pair that is computed against the same pair read from disk.

Ours: decode HQ, plan, compute LQ (`degrade.PairedDataset`). The reference: decode HQ and the LQ
that `degrade build` stored, both with OpenCV. Pair by pair in turn, in one process of one thread,
CPU time; the files are in the page cache, so no disk is measured.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.speed.images import SEED, SIDE, astronaut_crops
from bench.speed.timing import Ratio, machine_text, met_text, one_core, thread_text
from degrade import PairedDataset, plan
from degrade.dataset.build import build
from degrade.dataset.reader import StoredPairs
from degrade.errors import UserError
from degrade.images import Image, atomic_file
from degrade.terminal import columns

RECIPES = ("gfpgan", "kuaishou", "bsrgan", "bsrgan:same-size")
"""Measured by default; only the first has a bar."""
BAR = 1.0
"""Ours ÷ reference, at most, for the recipe gfpgan."""
_VARIANTS = 8
_HEADINGS = ("recipe", "computed ms", "read ms", "computed / read", "bar", "met", "LQ px",
             "HQ KB", "LQ KB", "plans/s", "1 M plans")  # fmt: skip


@dataclass(frozen=True, slots=True)
class VirtualLine:
    """One recipe; the ratio is over the pairs, the stored LQ's longer side and sizes are medians.

    ``plans_per_second`` are drawn and written as JSON, as a manifest holds them; CPU time.
    """

    recipe: str
    ratio: Ratio
    lq_side: float
    hq_kilobytes: float
    lq_kilobytes: float
    plans_per_second: float

    @property
    def share(self) -> float:
        """The time of ours over that of the reference, medians."""
        return self.ratio.ours_ms / self.ratio.reference_ms

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None for recipes without one."""
        return self.share <= BAR if self.recipe == "gfpgan" else None

    def cells(self) -> tuple[str, ...]:
        """Return the line of the table."""
        return (
            self.recipe,
            f"{self.ratio.ours_ms:.2f}",
            f"{self.ratio.reference_ms:.2f}",
            f"{self.share:.2f}×",
            "" if self.met is None else f"{BAR:g}×",
            met_text(self.met),
            f"{self.lq_side:.0f}",
            f"{self.hq_kilobytes:.0f}",
            f"{self.lq_kilobytes:.0f}",
            f"{self.plans_per_second:,.0f}",
            f"{1e6 / self.plans_per_second:.0f} s",
        )


@dataclass(frozen=True, slots=True)
class VirtualReport:
    """The table ``virtual``, a line a recipe; ``core`` None where a process cannot be bound."""

    environment: dict[str, Any]
    core: int | None
    pairs: int
    lines: tuple[VirtualLine, ...]

    def text(self) -> str:
        """Return an aligned table with the machine above."""
        return "\n".join(
            [
                machine_text(self.environment),
                f"{self.pairs} pairs a recipe, {SIDE} × {SIDE} PNG; {thread_text(self.core)}; "
                "CPU time, medians, both sides in turn",
                "computed: decode HQ, plan, compute LQ; read: decode HQ and the stored LQ with "
                "OpenCV",
                "",
                *columns([_HEADINGS, *(line.cells() for line in self.lines)], left=(0,)),
            ]
        )

    def record(self) -> dict[str, Any]:
        """Return JSON values; ``share`` is computed ÷ read."""
        return {
            "environment": self.environment,
            "core": self.core,
            "pairs": self.pairs,
            "bar": BAR,
            "lines": [
                {**asdict(line), "share": line.share, "met": line.met} for line in self.lines
            ],
        }


def measure_virtual(
    recipes: Sequence[str] = RECIPES,
    *,
    pairs: int = 120,
    plans: int = 20_000,
    tell: Callable[[str], None] = lambda line: None,
) -> VirtualReport:
    """Measure recipes, names or YAML files.

    ``pairs`` of each are a multiple of 8: each image has 8 variants (UserError for fewer, and where
    a computed pair is not the stored one). The images are `astronaut_crops`, as Pillow writes PNG.
    ``plans`` are drawn for each to time planning. ``tell`` gets the name of every recipe done.
    """
    from bench.store.environment import environment

    if pairs < _VARIANTS:
        raise UserError(f"{pairs} pairs are too few to time: give {_VARIANTS} or more")
    lines = []
    with (
        tempfile.TemporaryDirectory(prefix="relume-speed-") as text,
        one_core() as core,
    ):
        source = Path(text) / "hq"
        _write_crops(source, pairs // _VARIANTS)
        for number, recipe in enumerate(recipes):
            dataset = PairedDataset(source, recipe, SEED, _VARIANTS)
            lines.append(_line(dataset, source, Path(text) / f"stored{number}", plans))
            tell(recipe)
        return VirtualReport(environment(), core, len(dataset), tuple(lines))


def _write_crops(folder: Path, count: int) -> None:
    """Write the crops, every second one mirrored."""
    import PIL.Image

    folder.mkdir(parents=True)
    for number, crop in enumerate(astronaut_crops(count)):
        mirrored = np.ascontiguousarray(crop[:, :: -1 if number % 2 else 1])
        with atomic_file(folder / f"{number:05d}.png") as file:
            PIL.Image.fromarray(mirrored).save(file, "PNG")


def _line(dataset: PairedDataset, source: Path, folder: Path, plans: int) -> VirtualLine:
    build(dataset, folder)
    rows = {row.key: row for row in StoredPairs(folder).rows}
    ours, theirs, sides = [], [], []
    for index in range(-min(_VARIANTS, len(dataset)), len(dataset)):  # negative ones warm up
        start = time.process_time()
        pair = dataset[index]
        middle = time.process_time()
        row = rows[pair.key]
        read = _read(source / row.source), _read(folder / row.lq_file_name)
        end = time.process_time()
        _check_equal(pair.lq, read[1], pair.key)
        if index >= 0:
            ours.append(middle - start)
            theirs.append(end - middle)
            sides.append(max(pair.lq.shape[:2]))
    return VirtualLine(
        dataset.recipe.name,
        Ratio.of(ours, theirs),
        statistics.median(sides),
        _kilobytes([source / row.source for row in rows.values()]),
        _kilobytes([folder / row.lq_file_name for row in rows.values()]),
        _plans_per_second(dataset, plans),
    )


def _read(path: Path) -> Image:
    """Read an image as OpenCV does, blue first."""
    import cv2

    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise UserError(f"OpenCV cannot read {path}")
    return np.asarray(image, np.uint8)


def _check_equal(computed: Image, stored: Image, key: str) -> None:
    if not np.array_equal(computed, stored[..., ::-1]):
        raise UserError(f"{key}: the computed pair is not the stored one; report this")


def _kilobytes(paths: Sequence[Path]) -> float:
    return statistics.median(path.stat().st_size for path in paths) / 1e3


def _plans_per_second(dataset: PairedDataset, count: int) -> float:
    start = time.process_time()
    for number in range(count):
        planned = plan(
            dataset.recipe, seed=SEED, image_id=f"faces/{number:08d}.png", size=(SIDE, SIDE)
        )
        planned.to_json()
    return count / (time.process_time() - start)

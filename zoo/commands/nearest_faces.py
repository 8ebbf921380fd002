"""How near drawn faces come to those a generator learned from: a table and a sheet of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from degrade.errors import UserError
from degrade.terminal import columns, progress

if TYPE_CHECKING:
    from degrade.images.contact_sheet import SheetCell, SheetRow
    from zoo.restorer import Image
    from zoo.synthesis.generators import LoadedGenerator
    from zoo.synthesis.nearest import Described, Nearest

__all__ = ["tell_nearest"]

_MOST_SHOWN = 8
_COLUMNS = 8
_HEADER = ("MEASURE", "FACES", "LEAST", "1 %", "MEDIAN", "NEARER THAN 1 % OF REAL")


def tell_nearest(
    generator: LoadedGenerator,
    synthetic: Sequence[Image],
    names: Sequence[str],
    out: Path,
    against: Path,
    held_out: Path | None,
) -> None:
    """Print how near the drawn faces come, and draw the closest pairs beside ``out``.

    Parameters
    ----------
    generator
        Whose faces they are.
    drawn, names
        uint8 HWC RGB, and what each is called.
    out
        The folder that they are in. The pairs go beside it, to ``OUT.nearest.png``: they show
        real faces, and the folder is a set of faces of nobody.
    against
        The faces that the generator learned from.
    held_out
        Real faces that it did not learn from, or None.

    Raises
    ------
    UserError
        A face is not square, or every held-out one is also among those learned from.
    """
    from degrade.images import write_png
    from degrade.images.contact_sheet import contact_sheet
    from zoo.synthesis.nearest import MEASURES, describe_faces, nearest, summary

    size = generator.network.config.size
    learned, learned_names = _faces_of(against, size)
    described = describe_faces(list(synthetic), generator.template)
    known = _described(generator, learned, "faces learned from")
    other = _held_out(generator, held_out, against, known) if held_out is not None else None
    table: list[tuple[str, ...]] = [_HEADER]
    rows: list[SheetRow] = []
    for measure, meaning in MEASURES.items():
        pairs = nearest(described, known, measure)
        apart = None if other is None else nearest(other, known, measure).distance.tolist()
        table += _lines(measure, summary(pairs.distance.tolist(), apart), other is not None)
        cells = _closest(pairs, (synthetic, names), (learned, learned_names))
        rows += _rows(cells, measure, meaning)
    for line in columns(table):
        click.echo(line.rstrip())
    path = out.resolve().with_name(f"{out.resolve().name}.nearest.png")
    write_png(path, contact_sheet(rows, 2 * size))
    click.echo(f"closest pairs {path}")


def _held_out(
    generator: LoadedGenerator, folder: Path, against: Path, known: Described
) -> Described:
    from zoo.synthesis.nearest import without_known

    faces, _ = _faces_of(folder, generator.network.config.size)
    other, left_out = without_known(_described(generator, faces, "held-out faces"), known)
    if left_out:
        click.echo(
            f"note: {left_out} held-out faces are photographs that it learned from too: left out",
            err=True,
        )
    if not len(other.vectors["pixels"]):
        raise UserError(f"every face of {folder} is also in {against}: give other faces")
    return other


def _closest(
    pairs: Nearest,
    synthetic: tuple[Sequence[Image], Sequence[str]],
    learned: tuple[Sequence[Image], Sequence[str]],
) -> list[SheetCell]:
    """Return each of the closest drawn faces beside the face it is nearest to."""
    from degrade.images.contact_sheet import SheetCell

    cells = []
    for path in pairs.distance.argsort()[:_MOST_SHOWN].tolist():
        near = int(pairs.index[path])
        title = f"{pairs.distance[path]:.3g}"
        cells += [
            SheetCell(synthetic[0][path], title, (synthetic[1][path], "drawn")),
            SheetCell(learned[0][near], "", (learned[1][near][-22:], "learned from")),
        ]
    return cells


def _rows(cells: Sequence[SheetCell], heading: str, note: str) -> list[SheetRow]:
    from degrade.images.contact_sheet import SheetRow

    parts = [tuple(cells[start : start + _COLUMNS]) for start in range(0, len(cells), _COLUMNS)]
    summary_values = [(heading, note), *[("", "")] * (len(parts) - 1)]
    return [SheetRow(part, *words) for part, words in zip(parts, summary_values, strict=True)]


def _lines(measure: str, summary_values: dict[str, float], compared: bool) -> list[tuple[str, ...]]:
    lines = [_line(measure, "drawn", summary_values)]
    if compared:
        share = f"{100 * summary_values['nearer than 1 %']:.1f} %"
        lines = [
            (*_line(measure, "drawn", summary_values)[:5], share),
            _line("", "held out", summary_values),
        ]
    return lines


def _line(measure: str, faces: str, summary_values: dict[str, float]) -> tuple[str, ...]:
    values = (f"{summary_values[f'{faces} {word}']:.3g}" for word in ("least", "1 %", "median"))
    return (measure, faces, *values, "")


def _described(generator: LoadedGenerator, faces: list[Image], label: str) -> Described:
    from zoo.synthesis.nearest import describe_faces

    return describe_faces(progress(faces, f"describing {label}"), generator.template)


def _faces_of(folder: Path, size: int) -> tuple[list[Image], list[str]]:
    """Return the faces of a folder, reduced to the size of the drawn ones, and their names."""
    import cv2
    import numpy as np

    from degrade.dataset.sources import open_source

    source = open_source(str(folder))
    faces = []
    for key in source.keys:
        face = source.read(key)
        if face.shape[0] != face.shape[1]:
            raise UserError(f"{folder / key} is not square: give aligned faces, see `zoo align`")
        if face.shape[0] != size:
            face = np.asarray(cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA))
        faces.append(face)
    return faces, list(source.keys)

"""Contact sheets: rows of images with a title above, a detail and lines of text below each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from degrade.images import Image

if TYPE_CHECKING:
    import PIL.Image
    import PIL.ImageDraw
    import PIL.ImageFont

    Font = PIL.ImageFont.ImageFont | PIL.ImageFont.FreeTypeFont

_MARGIN, _SPACING, _BELOW = 16, 12, 26
_HEADING, _TITLE, _LINE, _SPACE = 26, 20, 17, 5
_INK, _FAINT, _PAPER = (28, 30, 33), (105, 110, 118), (250, 250, 248)
_DETAIL = 0.4
"""Height of the detail as a share of the width of a column."""
_CENTRE = (0.44, 0.5)
"""Where the detail is taken, down and across: the eyes and nose of an aligned face."""
_SHRUNK = 1.3
"""Images that a sheet shows at less than 1 / this of their size get a detail."""


@dataclass(frozen=True, slots=True)
class SheetCell:
    """One image of a sheet: its title, a word at the end of the title's line, and lines below."""

    image: Image
    title: str
    lines: tuple[str, ...] = ()
    aside: str = ""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """Cells from left to right, the source first, under a heading which may be empty."""

    cells: tuple[SheetCell, ...]
    heading: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Pen:
    draw: PIL.ImageDraw.ImageDraw
    heading: Font
    title: Font
    text: Font

    def write(
        self, corner: tuple[int, int], text: str, ink: tuple[int, int, int], font: Font, room: float
    ) -> int:
        """Write a line, cut to ``room`` pixels; return the width it takes."""
        text_shown = text
        for length in range(len(text) - 1, 0, -1):
            if self.draw.textlength(text_shown, font) <= room:
                break
            text_shown = f"{text[:length]}.."
        self.draw.text(corner, text_shown, fill=ink, font=font)
        return round(self.draw.textlength(text_shown, font))


def contact_sheet(rows: Sequence[SheetRow], side: int = 240) -> Image:
    """Return one image of all rows, uint8 (height, width, 3).

    Where images are shown much smaller than they are, a detail of the same place at full size
    stands below each, and a frame on the first image of the row shows where.

    Parameters
    ----------
    rows
        From top to bottom.
    side
        Longest side of each image on the sheet, pixels.
    """
    import PIL.Image
    import PIL.ImageDraw
    import PIL.ImageFont

    columns = max(len(row.cells) for row in rows)
    heights = [_row_height(row, side) for row in rows]
    width = 2 * _MARGIN + columns * side + (columns - 1) * _SPACING
    height = 2 * _MARGIN + sum(heights) + _BELOW * (len(rows) - 1)
    sheet = PIL.Image.new("RGB", (width, height), _PAPER)
    font = PIL.ImageFont.load_default
    pen = _Pen(PIL.ImageDraw.Draw(sheet), font(17), font(14), font(12))
    top = _MARGIN
    for row, room in zip(rows, heights, strict=True):
        _draw_row(sheet, pen, row, top, side)
        top += room + _BELOW
    return np.array(sheet, dtype=np.uint8)


def _draw_row(sheet: PIL.Image.Image, pen: _Pen, row: SheetRow, top: int, side: int) -> None:
    if row.heading:
        room = sheet.width - 2 * _MARGIN
        taken = pen.write((_MARGIN, top), row.heading, _INK, pen.heading, room) + 10
        if room > taken:
            pen.write((_MARGIN + taken, top + 4), row.note, _FAINT, pen.text, room - taken)
        top += _HEADING
    for column, cell in enumerate(row.cells):
        left = _MARGIN + column * (side + _SPACING)
        aside = round(pen.draw.textlength(cell.aside, pen.text))
        pen.write((left, top), cell.title, _INK, pen.title, side - aside - 4)
        pen.write((left + side - aside, top + 2), cell.aside, _FAINT, pen.text, side)
        thumbnail = _fitted(cell.image, side)
        sheet.paste(thumbnail, (left, top + _TITLE))
        below = top + _TITLE + _fitted_size(row.cells[0].image, side)[1]
        below = max(below, top + _TITLE + thumbnail.height)
        if _has_detail(row, side):
            if column == 0:
                _frame(pen, row, side, (left, top + _TITLE))
            sheet.paste(_detail(cell.image, row, side), (left, below + _SPACE))
            below += _SPACE + _detail_size(row, side)[1]
        for number, line in enumerate(cell.lines):
            corner = (left, below + _SPACE + number * _LINE)
            pen.write(corner, line, _FAINT, pen.text, side)


def _row_height(row: SheetRow, side: int) -> int:
    tallest = max(_fitted_size(cell.image, side)[1] for cell in row.cells)
    detail = _SPACE + _detail_size(row, side)[1] if _has_detail(row, side) else 0
    lines = max(len(cell.lines) for cell in row.cells)
    text = _SPACE + _LINE * lines if lines else 0
    return (_HEADING if row.heading else 0) + _TITLE + tallest + detail + text


def _has_detail(row: SheetRow, side: int) -> bool:
    height, width = row.cells[0].image.shape[:2]
    return bool(max(height, width) > _SHRUNK * side)


def _detail_size(row: SheetRow, side: int) -> tuple[int, int]:
    """Return ``(width, height)`` of the detail, pixels of the sheet and of the first image."""
    height, width = row.cells[0].image.shape[:2]
    return min(side, width), min(round(side * _DETAIL), height)


def _window(row: SheetRow, side: int) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of the detail as shares of an image's sides."""
    height, width = row.cells[0].image.shape[:2]
    across, down = _detail_size(row, side)
    left = min(max(round(width * _CENTRE[1] - across / 2), 0), width - across)
    top = min(max(round(height * _CENTRE[0] - down / 2), 0), height - down)
    return left / width, top / height, (left + across) / width, (top + down) / height


def _detail(image: Image, row: SheetRow, side: int) -> PIL.Image.Image:
    import PIL.Image

    height, width = image.shape[:2]
    left, top, right, bottom = _window(row, side)
    box = (left * width, top * height, right * width, bottom * height)
    size = _detail_size(row, side)
    return PIL.Image.fromarray(image).resize(size, PIL.Image.Resampling.NEAREST, box)


def _frame(pen: _Pen, row: SheetRow, side: int, corner: tuple[int, int]) -> None:
    """Draw where the detail is, in white on black so that it shows on any image."""
    width, height = _fitted_size(row.cells[0].image, side)
    left, top, right, bottom = _window(row, side)
    start = corner[0] + round(left * width), corner[1] + round(top * height)
    end = corner[0] + round(right * width) - 1, corner[1] + round(bottom * height) - 1
    corners = (*start, max(start[0], end[0]), max(start[1], end[1]))
    pen.draw.rectangle(corners, outline=(0, 0, 0))
    if corners[2] - corners[0] > 2 and corners[3] - corners[1] > 2:
        inner = (corners[0] + 1, corners[1] + 1, corners[2] - 1, corners[3] - 1)
        pen.draw.rectangle(inner, outline=(255, 255, 255))


def _fitted_size(image: Image, side: int) -> tuple[int, int]:
    """Return ``(width, height)`` of an image on the sheet, as Pillow takes sizes."""
    share = side / max(image.shape[:2])
    return max(1, round(image.shape[1] * share)), max(1, round(image.shape[0] * share))


def _fitted(image: Image, side: int) -> PIL.Image.Image:
    import PIL.Image

    thumbnail, size = PIL.Image.fromarray(image), _fitted_size(image, side)
    share = side / max(image.shape[:2])
    down = PIL.Image.Resampling.LANCZOS if share < 1 else PIL.Image.Resampling.NEAREST
    return thumbnail.resize(size, down)

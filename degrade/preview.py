"""Contact sheets: the sharp picture, then degraded variants with what was done under each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from degrade.images import Image
from degrade.planning import Plan, Step

if TYPE_CHECKING:
    import PIL.Image
    import PIL.ImageDraw
    import PIL.ImageFont

__all__ = ["Cell", "contact_sheet", "describe_step"]

_GAP, _LINE, _TITLE = 12, 17, 20
_INK, _FAINT, _PAPER = (28, 30, 33), (105, 110, 118), (250, 250, 248)

_SHORT = {
    "gaussian_noise": "Gaussian noise sigma {sigma:.1f}",
    "shot_noise": "shot noise, {photons:.0f} photons",
    "impulse_noise": "impulse noise {amount:.1%}",
    "motion_blur": "motion {length:.1f} px at {angle:.0f} deg",
    "defocus_blur": "defocus radius {radius:.1f}",
    "resize": "resize to {width} x {height}",
    "resize_blur": "through {width} x {height} and back",
    "jpeg": "JPEG {quality}, {subsampling}",
    "pixelate": "pixels of {block}",
    "colour_shift": "colour {red:+.0f} {green:+.0f} {blue:+.0f}",
    "colour_jitter": "light x{brightness:.2f} contrast x{contrast:.2f}",
    "grey": "grey",
    "luma_noise": "luma noise sigma {sigma:.1f}",
    "correlated_noise": "correlated noise sigma {sigma:.1f}",
    "speckle_noise": "speckle noise {sigma:.0%}",
    "poisson_noise": "Poisson noise x{scale:.2f}",
    "sensor_noise": "sensor, {photons:.0f} photons, gain {gain:.0f}",
    "generalised_gaussian_blur": "generalised Gaussian {sigma_x:.1f} x {sigma_y:.1f}",
    "plateau_blur": "plateau {sigma_x:.1f} x {sigma_y:.1f}",
    "sinc_blur": "low-pass at {cutoff:.2f} rad/px",
    "median_blur": "median of {size}",
    "average_blur": "average of {size}",
    "glass_blur": "glass {sigma:.1f}, {iterations} x {distance} px",
    "zoom_blur": "zoom to x{factor:.2f}",
    "shake_blur": "camera shake {length:.1f} px",
    "one_sided_motion_blur": "one-sided motion {sigma:.1f} at {angle:.0f} deg",
    "aliased_disk_blur": "whole-pixel disk {radius:.1f}",
    "chromatic_aberration": "red x{red:.4f} blue x{blue:.4f}",
    "unsharp_mask": "sharpened x{amount:.1f}",
    "round": "rounded",
    "truncate": "truncated",
    "webp": "WebP {quality}",
    "jpeg2000": "JPEG 2000, {level:.0f} dB",
    "avif": "AVIF {quality}",
    "diff_jpeg": "DiffJPEG {quality:.1f}",
    "flip": "mirrored",
    "shift": "moved {down:+d} down, {right:+d} right",
    "crop": "cut to {width} x {height}",
    "haze": "haze {alpha:.0%} kept",
    "resize_linear_light": "resize to {width} x {height} in linear light",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture of a sheet, its title, and lines of text below."""

    image: Image
    title: str
    lines: tuple[str, ...] = ()

    @staticmethod
    def of_plan(image: Image, title: str, plan: Plan) -> Cell:
        """Return a cell whose lines say what the plan did, in order."""
        lines = tuple(describe_step(step) for step in plan.steps)
        return Cell(image, title, lines or ("untouched",))


def describe_step(step: Step) -> str:
    """Return a few words for a person: ``JPEG 43, 420``."""
    values = dict(step.parameters)
    if step.operation == "gaussian_blur":
        x, y = float(values["sigma_x"]), float(values["sigma_y"])
        if x == y:
            return f"Gaussian blur {x:.1f}"
        return f"Gaussian blur {x:.1f} x {y:.1f}, {float(values['angle']):.0f} deg"
    words = _SHORT.get(step.operation)
    if words is not None:
        return words.format(**values)
    told = " ".join(f"{key} {value}" for key, value in values.items())
    return f"{step.operation.replace('_', ' ')} {told}"


def contact_sheet(rows: Sequence[Sequence[Cell]], side: int = 240) -> Image:
    """Return one picture of all cells, uint8 (H, W, 3).

    Parameters
    ----------
    rows
        Cells from left to right, rows from top to bottom.
    side
        Longest side of each picture on the sheet, pixels.
    """
    import PIL.Image
    import PIL.ImageDraw
    import PIL.ImageFont

    columns = max(len(row) for row in rows)
    heights = [max(_cell_height(cell, side) for cell in row) + _GAP for row in rows]
    sheet = PIL.Image.new("RGB", (_GAP + columns * (side + _GAP), _GAP + sum(heights)), _PAPER)
    draw = PIL.ImageDraw.Draw(sheet)
    bold, plain = PIL.ImageFont.load_default(14), PIL.ImageFont.load_default(12)
    top = _GAP
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            left = _GAP + column * (side + _GAP)
            _write(draw, (left, top), cell.title, _INK, bold, side)
            picture = _fitted(cell.image, side)
            sheet.paste(picture, (left, top + _TITLE))
            below = top + _TITLE + picture.height + 4
            for number, line in enumerate(cell.lines):
                _write(draw, (left, below + number * _LINE), line, _FAINT, plain, side)
        top += height
    return np.array(sheet, dtype=np.uint8)


def _write(
    draw: PIL.ImageDraw.ImageDraw,
    place: tuple[int, int],
    text: str,
    ink: tuple[int, int, int],
    font: PIL.ImageFont.ImageFont | PIL.ImageFont.FreeTypeFont,
    room: int,
) -> None:
    """Write a line, cut to ``room`` pixels so that it stays below its own picture."""
    shown = text
    for length in range(len(text) - 1, 0, -1):
        if draw.textlength(shown, font) <= room:
            break
        shown = f"{text[:length]}.."
    draw.text(place, shown, fill=ink, font=font)


def _cell_height(cell: Cell, side: int) -> int:
    return _TITLE + _fitted_size(cell.image, side)[1] + 4 + _LINE * len(cell.lines)


def _fitted_size(image: Image, side: int) -> tuple[int, int]:
    """Return ``(width, height)`` of a picture on the sheet, as Pillow takes sizes."""
    share = side / max(image.shape[:2])
    return max(1, round(image.shape[1] * share)), max(1, round(image.shape[0] * share))


def _fitted(image: Image, side: int) -> PIL.Image.Image:
    import PIL.Image

    picture, size = PIL.Image.fromarray(image), _fitted_size(image, side)
    share = side / max(image.shape[:2])
    down = PIL.Image.Resampling.LANCZOS if share < 1 else PIL.Image.Resampling.NEAREST
    return picture.resize(size, down)

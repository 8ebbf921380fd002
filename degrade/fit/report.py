"""The result of a fit for people: the recipe as a file with what was measured, a table, a chart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from degrade.fit.candidate import recipe_text
from degrade.fit.measurement import ImageMeasurement
from degrade.fit.quantities import QUANTITIES, Quantity
from degrade.images import Image, atomic_file

if TYPE_CHECKING:
    import PIL.ImageDraw
    import PIL.ImageFont

    from degrade.fit.fit import Fit


def quartiles(result: Fit) -> dict[str, dict[str, list[float]]]:
    """Return each quantity's quartiles over all images, of photographs and generated ones."""
    return {
        quantity.name: {
            "photographs": _quartiles(quantity, result.photos),
            "generated": _quartiles(quantity, result.generated.measured),
        }
        for quantity in QUANTITIES.values()
    }


def _quartiles(quantity: Quantity, images: Sequence[ImageMeasurement]) -> list[float]:
    return [round(float(v), 2) for v in np.quantile(quantity.of(images), [0.25, 0.5, 0.75])]


def table_lines(result: Fit) -> list[str]:
    """Return the quartiles as aligned lines for a person."""
    rows = [("", "photographs 25/50/75 %", "generated 25/50/75 %")]
    for name, both in quartiles(result).items():
        quantity = QUANTITIES[name]
        title = f"{quantity.title}, {quantity.unit}" if quantity.unit else quantity.title
        words = [" / ".join(_word(v, quantity) for v in both[key]) for key in both]
        rows.append((title, words[0], words[1]))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _word(value: float, quantity: Quantity) -> str:
    return "none" if value == quantity.none and quantity.none else f"{value:.3g}"


def fit_text(result: Fit, name: str, photos: str, sources: str) -> str:
    """Return the YAML of a fit, with what was measured in a comment above it."""
    count, generated = len(result.photos), len(result.generated.measured)
    photos, sources = _plain(photos), _plain(sources)
    header = [
        f"Fitted by `degrade fit` to {count} photographs of {photos}.",
        f"Measured over all of them, beside {generated} images made of {sources}:",
        "",
        *table_lines(result),
        "",
        "Measure alike, so the simpler one is written: none, and noise below "
        f"{result.floors.noise:.1f} levels",
        f"or blur below {result.floors.blur:.1f} px; blur, and enlargement before noise or JPEG.",
        "Parameters are drawn independently of each other.",
    ]
    summary = f"Fitted to {count} photographs of {photos}."
    return recipe_text(result.candidate.steps(), name, summary, header)


def _plain(folder: str) -> str:
    """Return a folder's last name as one line of text, whatever characters it holds."""
    name = Path(folder).name.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with atomic_file(path) as file:
        file.write(text.encode("utf-8"))


Values = NDArray[np.float64]

_PANEL, _ROOM = (340, 250), (52, 44, 16, 40)
"""Width and height of a panel; room for its labels at the left, top, right and bottom."""
_COLUMNS = 3
_INK, _FAINT, _LINES, _PAPER = (28, 30, 33), (105, 110, 118), (222, 224, 227), (250, 250, 248)
_TRUE, _GENERATED = (28, 80, 160), (214, 110, 20)
_STEPS = 200


def draw_fit(photos: Sequence[ImageMeasurement], generated: Sequence[ImageMeasurement]) -> Image:
    """Return a panel a quantity with both cumulative distributions, uint8 (H, W, 3).

    The share of images at or below a value rises from 0 to 1; where both lines agree, the
    generated images measure as the photographs do.
    """
    import PIL.Image
    import PIL.ImageDraw
    import PIL.ImageFont

    varying = [q for q in QUANTITIES.values() if _varies(q, photos, generated)]
    rows = max(1, -(-len(varying) // _COLUMNS))
    columns = min(_COLUMNS, max(1, len(varying)))
    size = (columns * _PANEL[0], rows * _PANEL[1] + 40)
    sheet = PIL.Image.new("RGB", size, _PAPER)
    draw = PIL.ImageDraw.Draw(sheet)
    font, bold = PIL.ImageFont.load_default(12), PIL.ImageFont.load_default(14)
    draw.text((16, 12), f"{len(photos)} photographs", _TRUE, bold)
    draw.text((180, 12), f"{len(generated)} generated", _GENERATED, bold)
    for number, quantity in enumerate(varying):
        row, column = divmod(number, _COLUMNS)
        corner = (column * _PANEL[0], 40 + row * _PANEL[1])
        pair = (quantity.of(photos), quantity.of(generated))
        _panel(draw, corner, quantity, pair, (font, bold))
    return np.array(sheet, dtype=np.uint8)


def _varies(quantity: Quantity, *folders: Sequence[ImageMeasurement]) -> bool:
    """Whether any image shows the quantity."""
    return any((quantity.of(folder) != quantity.none).any() for folder in folders)


def _panel(
    draw: PIL.ImageDraw.ImageDraw,
    corner: tuple[int, int],
    quantity: Quantity,
    pair: tuple[Values, Values],
    fonts: tuple[PIL.ImageFont.FreeTypeFont | PIL.ImageFont.ImageFont, ...],
) -> None:
    left, top = corner[0] + _ROOM[0], corner[1] + _ROOM[1]
    right, bottom = corner[0] + _PANEL[0] - _ROOM[2], corner[1] + _PANEL[1] - _ROOM[3]
    both = np.concatenate(pair)
    low, high = float(both.min()), float(np.quantile(both, 0.99))
    high = high if high > low else low + 1.0
    unit = f", {quantity.unit}" if quantity.unit else ""
    draw.text((left, corner[1] + 18), f"{quantity.title}{unit}", _INK, fonts[1])
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = bottom - share * (bottom - top)
        draw.line((left, y, right, y), _LINES)
        draw.text((left - 34, y - 7), f"{share:.0%}", _FAINT, fonts[0])
    for value in _ticks(low, high, quantity.none):
        x = left + (value - low) / (high - low) * (right - left)
        draw.line((x, bottom, x, bottom + 4), _FAINT)
        words = "none" if value == quantity.none else f"{value:g}"
        draw.text((x - 3 * len(words), bottom + 7), words, _FAINT, fonts[0])
    levels = np.linspace(low, high, _STEPS)
    for values, ink in zip(pair, (_TRUE, _GENERATED), strict=True):
        shares = np.searchsorted(np.sort(values), levels, side="right") / values.size
        across = left + (levels - low) / (high - low) * (right - left)
        line = np.stack([across, bottom - shares * (bottom - top)], axis=1)
        draw.line([(float(x), float(y)) for x, y in line], ink, 2)


def _ticks(low: float, high: float, none: float) -> list[float]:
    """Return about five round values between two bounds, and ``none`` where it lies there."""
    rough = (high - low) / 5.0
    power = 10.0 ** np.floor(np.log10(rough))
    step = float(power * min((1.0, 2.0, 5.0, 10.0), key=lambda factor: abs(factor * power - rough)))
    first = np.ceil(low / step - 1e-9)
    ticks = [float(first + k) * step for k in range(12) if (first + k) * step <= high + 1e-9 * step]
    # The value that stands for "none" is shown by that word, and not beside a number.
    near = [tick for tick in ticks if abs(tick - none) > step / 4.0]
    return sorted({*near, none}) if low <= none <= high else ticks

"""``zoo synth``: faces of nobody, and how near they come to those that were learned from."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from degrade.errors import UserError
from degrade.terminal import Progress, resume_hint

if TYPE_CHECKING:
    from zoo.restorer import Image
    from zoo.synthesis.generators import LoadedGenerator

__all__ = ["synth"]

_RECORD = "synth.json"
_FOLDER = click.Path(file_okay=False, path_type=Path)
_FACES = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("synth")
@click.argument("out", metavar="OUT", type=_FOLDER)
@click.option("--model", default="stylegan2-64", show_default=True, metavar="NAME|FILE",
              help="A generator of `zoo list`, or a file that `zoo train` wrote.")  # fmt: skip
@click.option("--count", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), default=0, show_default=True)
@click.option(
    "--truncation",
    type=click.FloatRange(0, 1),
    default=0.7,
    show_default=True,
    help="1: all the variety that was learned; 0: the average face; between: fewer failures.",
)
@click.option(
    "--sheet",
    type=click.Path(path_type=Path),
    help="Also write a contact sheet of up to 128 of them, a PNG.",
)
@click.option(
    "--against",
    type=_FACES,
    help="The faces it learned from: show which drawn faces come nearest to one of them.",
)
@click.option(
    "--held-out",
    type=_FACES,
    help="With --against: real faces it did not learn from, for comparison.",
)
def synth(
    out: Path,
    model: str,
    count: int,
    seed: int,
    truncation: float,
    sheet: Path | None,
    against: Path | None,
    held_out: Path | None,
) -> None:
    """Draw faces of nobody into OUT, the same for the same seed; the same command goes on.

    Face 17 of a seed is the same however many are drawn. With --against every drawn face is
    compared with the faces that the generator learned from, by dlib's descriptor and by pixels,
    and the closest pairs are drawn into OUT.nearest.png.

    \b
    Examples:
      zoo synth faces/ --count 1000 --seed 7
      zoo synth faces/ --count 64 --sheet faces.png
      zoo synth faces/ --model runs/mine/mine.safetensors --against train/ --held-out val/
      degrade build faces/ pairs/ --recipe gfpgan-64
    """
    from zoo.synthesis.generators import load_generator

    _check(out, truncation, sheet, against, held_out)
    generator = load_generator(model)
    for folder in (against, held_out):
        if folder is not None:
            _check_template(folder, generator)
    _claim(out, _record(generator, seed, truncation))
    with resume_hint():
        _draw(generator, out, count, seed, truncation)
    click.echo(f"{count} faces in {out}, drawn by {_author(generator)}")
    if sheet is None and against is None:
        return
    faces = _read(out, count)
    if sheet is not None:
        _write_sheet(sheet, faces)
        click.echo(f"sheet {sheet}")
    if against is not None:
        from zoo.commands.nearest_faces import tell_nearest

        tell_nearest(generator, faces, [_name(i) for i in range(count)], out, against, held_out)


def _check(
    out: Path, truncation: float, sheet: Path | None, against: Path | None, held_out: Path | None
) -> None:
    """Refuse what cannot be meant before anything is drawn; UserError."""
    if held_out is not None and against is None:
        raise UserError("--held-out is a comparison for --against: give both")
    if not math.isfinite(truncation):
        raise UserError(f"--truncation {truncation} is no number from 0 to 1")
    if sheet is not None and sheet.suffix.lower() != ".png":
        raise UserError(f"--sheet {sheet} is to be a PNG: end its name with .png")
    if sheet is not None and out.resolve() in sheet.resolve().parents:
        raise UserError(f"--sheet {sheet} would lie among the faces: put it beside {out}")
    if against is not None and against.resolve() == out.resolve():
        raise UserError("--against is to hold the faces that the generator learned from, not OUT")


def _check_template(folder: Path, generator: LoadedGenerator) -> None:
    from zoo.portrait.align.alignment import template_of

    template = template_of(folder)
    if template != generator.template:
        raise UserError(
            f"{folder} holds faces of the template {template}, {generator.name} draws those of "
            f"{generator.template}: run `zoo align` with --template {generator.template}"
        )


def _author(generator: LoadedGenerator) -> str:
    """Return who drew, and of the generators that were checked, what the faces are."""
    from zoo.synthesis.generators import generator_names
    from zoo.weights.builtin import shipped_card

    own = [shipped_card(name) for name in generator_names()]
    checked = any(
        card.card.sha256 == generator.sha256 and "is it anybody" in card.more for card in own
    )
    return f"{generator.name}: of no real person" if checked else generator.name


def _record(generator: LoadedGenerator, seed: int, truncation: float) -> dict[str, Any]:
    return {
        "generator": generator.name,
        "sha256": generator.sha256,
        "seed": seed,
        "truncation": truncation,
        "template": generator.template,
        "size": generator.network.config.size,
    }


def _claim(out: Path, record: dict[str, Any]) -> None:
    """Write down what the folder holds; UserError where it holds something else."""
    from degrade.dataset.storage import LocalStorage
    from degrade.images import atomic_file

    record_path = out / _RECORD
    if record_path.is_file():
        try:
            before = json.loads(record_path.read_text("utf-8"))
        except ValueError:
            before = None
        if before != record:
            raise UserError(f"{out} holds other faces (see {record_path}): give another folder")
        LocalStorage(out).sweep()
        return
    if out.is_dir() and any(out.iterdir()):
        raise UserError(f"{out} is not empty and holds no faces of `zoo synth`: give a new folder")
    with atomic_file(record_path) as file:
        file.write((json.dumps(record, indent=1) + "\n").encode())


def _name(index: int) -> str:
    return f"{index:06d}.png"


def _draw(generator: LoadedGenerator, out: Path, count: int, seed: int, truncation: float) -> None:
    from degrade.images import write_png
    from zoo.synthesis.drawing import draw_faces

    tag = {"relume": f"drawn with seed {seed} by {_author(generator)}"}
    missing = [index for index in range(count) if not (out / _name(index)).is_file()]
    with Progress(count, f"drawing into {out}", "face") as bar:
        if len(missing) < count:
            bar.begin_at(count - len(missing), count)
        for index in missing:
            one = range(index, index + 1)
            for face in draw_faces(generator.network, one, seed, truncation):
                write_png(out / _name(index), face, tag)
            bar.advance()


def _read(out: Path, count: int) -> list[Image]:
    from degrade.images import read_image

    return [read_image(out / _name(index)) for index in range(count)]


def _write_sheet(path: Path, faces: list[Image]) -> None:
    import numpy as np

    from degrade.images import write_png

    columns = min(len(faces), 16 if len(faces) >= 64 else 8)
    some = faces[: 8 * columns]
    blank = np.full_like(some[0], 255)
    some = some + [blank] * (-len(some) % columns)
    starts = range(0, len(some), columns)
    rows = [np.concatenate(some[start : start + columns], axis=1) for start in starts]
    write_png(path, np.concatenate(rows))

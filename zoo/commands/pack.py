"""``zoo pack``: a training set in one file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from degrade.errors import UserError
from degrade.terminal import Progress

__all__ = ["pack_command"]


@click.command("pack")
@click.argument(
    "faces", metavar="FACES...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--size", type=click.IntRange(32, 1024), help="Side in pixels; default: the faces'.")
@click.option(
    "--weight",
    "weights",
    multiple=True,
    metavar="N|FOLDER=N",
    help="How often each face of a folder comes in a pass: one N for each folder, or by name.",
)
@click.option("--codec", type=click.Choice(["raw", "jpeg"]), default="raw", show_default=True)
@click.option("--quality", type=click.IntRange(1, 100), default=95, show_default=True)
@click.option(
    "--limit-mb", type=click.FloatRange(min=0.1), help="Keep as many faces as fit, evenly chosen."
)
@click.option("--parser", metavar="NAME", help="What makes the label maps; none leaves them out.")
@click.option(
    "--splits",
    multiple=True,
    metavar="CSV",
    type=click.Path(path_type=Path),
    help="Table with the columns file and split (train, val or test).",
)
def pack_command(
    faces: tuple[Path, ...],
    out: Path,
    size: int | None,
    weights: tuple[str, ...],
    codec: str,
    quality: int,
    limit_mb: float | None,
    parser: str | None,
    splits: tuple[Path, ...],
) -> None:
    """Pack folders of aligned FACES into the file OUT, as `zoo train` takes them.

    The file is mapped into memory: it opens in milliseconds and any number of workers share it.
    Each face has its label map, and is in the training, validation or test split together with
    its near copies. `raw` trains fastest; `jpeg` is small enough to travel.

    \b
    zoo pack faces/ faces.pack
    zoo pack sharp/ aged/ mixed.pack --size 256 --weight sharp/=2
    zoo pack faces/ small.pack --codec jpeg --limit-mb 50 --splits index.csv
    """
    from zoo.portrait.parse.parsing import PARSERS
    from zoo.training.data.packing import DEFAULT_PARSER, NO_PARSER, PackOptions, pack_faces

    chosen = DEFAULT_PARSER if parser is None else parser
    if chosen not in (*PARSERS, NO_PARSER):
        raise UserError(f"no parser is called {chosen!r}: choose {', '.join(PARSERS)} or none")
    limit = None if limit_mb is None else int(limit_mb * 1e6)
    options = PackOptions(size, chosen, codec, quality, limit, _weights(weights, faces), splits)
    with Progress(None, f"packing into {out}", "face") as bar:

        def advance(count: int, total: int) -> None:
            if count == 1:
                bar.begin_at(0, total)
            bar.advance()

        pack = pack_faces(faces, out, options, advance)
    if pack.index.parser != chosen:
        click.echo(
            f"note: the label maps are the mean face's, without the weights of {chosen}: run "
            "`zoo fetch face-mesh` and pack again",
            err=True,
        )
    counts = Counter(pack.index.splits)
    parts = ", ".join(f"{counts[split]} {split}" for split in ("train", "val", "test"))
    click.echo(
        f"{len(pack)} faces of {pack.size} px ({parts}; {pack.index.near_copies} have near "
        f"copies), {out.stat().st_size / 1e6:.1f} MB, in {out}"
    )


def _weights(values: tuple[str, ...], folders: tuple[Path, ...]) -> dict[Path, int]:
    """Return folder → weight; UserError for what names no folder or is no whole number."""
    weights: dict[Path, int] = {}
    plain = [value for value in values if "=" not in value]
    if plain and len(plain) != len(values):
        raise UserError("--weight is either N for each folder or FOLDER=N: do not mix them")
    if plain and len(plain) not in (1, len(folders)):
        raise UserError(f"there are {len(plain)} weights for {len(folders)} folders: give one each")
    if plain:
        named = zip(folders, plain * len(folders) if len(plain) == 1 else plain, strict=False)
        pairs = [(str(folder), value) for folder, value in named]
    else:
        pairs = [(name, number) for name, _, number in (value.rpartition("=") for value in values)]
    for name, number in pairs:
        if Path(name) not in folders:
            raise UserError(f"--weight {name}={number}: {name} is none of the folders")
        if not number.isdecimal() or int(number) < 1:
            raise UserError(f"--weight {number}: give a whole number from 1 on")
        weights[Path(name)] = int(number)
    return weights

"""``zoo align`` and ``zoo train``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from degrade.errors import UserError
from degrade.terminal import Progress

__all__ = ["align_command", "train_command"]


@click.command("align")
@click.argument("source", metavar="PHOTOS")
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--size", type=click.IntRange(32, 1024), default=128, show_default=True)
@click.option(
    "--template", type=click.Choice(["tight", "ffhq"]), default="tight", show_default=True
)
@click.option(
    "--accept-licence",
    metavar="NAME",
    help="Agree to `ibug-68` once: its 68 landmarks give each face its own mask.",
)
def align_command(
    source: str, out: Path, size: int, template: str, accept_licence: str | None
) -> None:
    """Cut the largest face of each of PHOTOS into OUT, aligned, as `zoo train` takes them.

    \b
    zoo align photos/ faces/ --size 128 --accept-licence ibug-68
    zoo train style-128 --faces faces/ --out runs/style-128
    """
    from degrade.sources import open_source
    from zoo.licences import accept_licence as agree
    from zoo.licences import is_accepted
    from zoo.portrait.detection import load_detector
    from zoo.portrait.landmarks68 import LICENCE, CropLandmarkFinder
    from zoo.training.aligning import cut_faces, write_landmarks

    if accept_licence:
        agree(accept_licence)
    finder = CropLandmarkFinder(template) if is_accepted(LICENCE) else None
    if finder is None:
        click.echo("note: without --accept-licence ibug-68 the faces get no masks", err=True)
    photos = open_source(source)
    work = cut_faces(
        photos, out, size=size, template=template, detector=load_detector(), finder=finder
    )
    cuts = []
    with Progress(len(photos), f"aligning into {out}", "photo") as shown:
        for cut in work:
            cuts.append(cut)
            shown.advance()
    if finder is not None:
        write_landmarks(out, cuts)
    missed = [cut for cut in cuts if not cut.name]
    for cut in missed[:10]:
        click.echo(f"left out: {cut.source}: {cut.reason}", err=True)
    click.echo(f"{len(cuts) - len(missed)} faces, {len(missed)} photos left out, in {out}")
    if len(missed) == len(cuts):
        raise UserError("no photo has a face that can be aligned", exit_code=1)


@click.command("train")
@click.argument("config", metavar="CONFIG")
@click.option(
    "--faces", required=True, type=click.Path(path_type=Path), help="Aligned faces: `zoo align`."
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The run's folder.")
@click.option("--steps", type=click.IntRange(min=1), help="Stop after this many steps in all.")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@click.option("--threads", type=click.IntRange(min=1), help="Of PyTorch, on the CPU.")
def train_command(
    config: str, faces: Path, out: Path, steps: int | None, device: str, threads: int | None
) -> None:
    """Train CONFIG, a name or a YAML file, on aligned faces; the same command goes on.

    OUT gets a checkpoint, the losses, sample sheets and, at the end, the weights in 16 bits. A
    run that is stopped and resumed ends with the same bytes on the CPU.

    \b
    zoo train style-128 --faces faces/ --out runs/style-128
    zoo train style-128 --faces faces/ --out runs/style-128 --device cuda
    """
    import torch

    from zoo.training.config import load_config
    from zoo.training.run import train

    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise UserError(f"there is no device '{device}' here: use --device cpu")
    if threads:
        torch.set_num_threads(threads)
    told = load_config(config)
    start = time.monotonic()
    with Progress(steps or told.steps, f"training {told.name}", "step") as shown:
        weights = train(told, faces, out, device=device, until=steps, on_step=_shower(shown))
    click.echo(f"{weights} after {time.monotonic() - start:.0f} s")


def _shower(shown: Progress) -> Callable[[int, Mapping[str, float]], None]:
    def show(done: int, losses: Mapping[str, float]) -> None:
        shown.advance(1, " ".join(f"{name} {value:.4f}" for name, value in losses.items()))

    return show

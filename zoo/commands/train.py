"""``zoo align`` and ``zoo train``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from degrade.errors import UserError
from degrade.terminal import Progress, resume_hint

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.training.base.config import RunConfig

__all__ = ["align_command", "train_command"]

_READ_EVERY = 1.0
"""Seconds between two readings of the losses."""
_MOST_LOSSES = 4


@click.command("align")
@click.argument("source", metavar="PHOTOS")
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--size", type=click.IntRange(32, 1024), default=128, show_default=True)
@click.option(
    "--template", type=click.Choice(["tight", "ffhq"]), default="tight", show_default=True
)
def align_command(source: str, out: Path, size: int, template: str) -> None:
    """Cut the largest face of each of PHOTOS into OUT, aligned, as `zoo train` takes them.

    \b
    zoo align photos/ faces/ --size 128
    zoo train style-128 --faces faces/ --out runs/style-128
    """
    from degrade.dataset.sources import open_source
    from zoo.portrait.detect.detection import load_detector
    from zoo.training.data.aligned_faces import cut_faces

    photos = open_source(source)
    work = cut_faces(photos, out, size=size, template=template, detector=load_detector())
    cuts = []
    with Progress(len(photos), f"aligning into {out}", "photo") as shown:
        for cut in work:
            cuts.append(cut)
            shown.advance()
    missed = [cut for cut in cuts if not cut.name]
    for cut in missed[:10]:
        click.echo(f"left out: {cut.source}: {cut.reason}", err=True)
    click.echo(f"{len(cuts) - len(missed)} faces, {len(missed)} photos left out, in {out}")
    if len(missed) == len(cuts):
        raise UserError("no photo has a face that can be aligned", exit_code=1)


@click.command("train")
@click.argument("config", metavar="CONFIG", required=False)
@click.option("--list", "listed", is_flag=True, help="Show the configurations that Relume brings.")
@click.option(
    "--faces",
    type=click.Path(path_type=Path),
    help="A file of `zoo pack`, or a `zoo align` folder.",
)
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder.")
@click.option("--steps", type=click.IntRange(min=1), help="Stop after this many steps in all.")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Processes that make batches ahead, for each GPU; the same bytes with any number.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Of PyTorch, on the CPU.")
@click.option(
    "--from",
    "begin_from",
    metavar="WEIGHTS",
    type=click.Path(path_type=Path),
    help="Begin with an earlier run's .safetensors: fine-tuning, or another size of the network.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop so many minutes after the command began, and save.",
)
def train_command(
    config: str | None,
    listed: bool,
    faces: Path | None,
    out: Path | None,
    steps: int | None,
    device: str,
    workers: int,
    threads: int | None,
    begin_from: Path | None,
    minutes: float | None,
) -> None:
    """Train CONFIG, a name or a YAML file, on aligned faces; the same command goes on.

    A configuration trains a restorer, or what its `task` says: a generator of faces, a face
    descriptor, an encoder into a generator's codes, a parser of faces.

    OUT gets a checkpoint, the losses, sample sheets, TensorBoard's events where that is installed
    and, at the end, the weights in 16 bits. A run that is stopped and resumed ends with the same
    bytes on the CPU.

    \b
    Examples:
      zoo train --list
      zoo train style-128 --faces faces/ --out runs/style-128
      zoo train style-128 --faces faces/ --out runs/gpu --device cuda --workers 8
      zoo train stylegan2-64 --faces faces-64/ --out runs/stylegan2-64
      zoo train mine.yaml --faces faces/ --out runs/mine --from runs/style-128/style-128.safetensors

    \b
    Several GPUs, each with its part of the same batches:
      torchrun --nproc-per-node 4 -m zoo train style-256 --faces faces/ --out runs/256 --device cuda
    """
    if listed:
        _list_configs()
        return
    if config is None or faces is None or out is None:
        raise UserError("say what to train, on what and where: CONFIG --faces FOLDER --out FOLDER")

    start = time.monotonic()
    import torch

    from zoo.training.base.run import train
    from zoo.training.tasks.registry import load_training

    if threads:
        torch.set_num_threads(threads)
    training = load_training(config)
    with resume_hint(), _Shown(training, steps) as shown:
        weights = train(
            training,
            faces,
            out,
            device=device,
            until=steps,
            workers=workers,
            begin_from=begin_from,
            deadline=None if minutes is None else start + 60 * minutes,
            on_face=shown.pack,
            on_start=shown.begin,
            on_step=shown.step,
        )
    if shown.begun:
        click.echo(f"{weights} after {time.monotonic() - start:.0f} s")


class _Shown:
    """How far a run is, on standard error; of several processes one shows it.

    Parameters
    ----------
    config
        What is trained.
    until
        The last step, or None for the configuration's.
    """

    def __init__(self, config: RunConfig, until: int | None) -> None:
        self._name, self._batch_size = config.name, config.batch_size
        self._total = min(until or config.steps, config.steps)
        self._stack = ExitStack()
        self._progress: Progress | None = None
        self._packing: Progress | None = None
        self._before, self._since = 0, 0.0
        self._read, self._text = -_READ_EVERY, ""

    @property
    def begun(self) -> bool:
        """Whether this is the process that shows anything."""
        return self._progress is not None

    def __enter__(self) -> _Shown:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def pack(self, done: int, total: int) -> None:
        """Show that a folder's faces are being packed."""
        if self._packing is None:
            self._packing = Progress(total, "packing the faces", "face").__enter__()
        self._packing.advance()
        if done == total:
            self._packing.__exit__()
            self._packing = None

    def begin(self, done: int, notes: list[str]) -> None:
        for note in notes:
            click.echo(f"note: {note}", err=True)
        if done:
            click.echo(f"going on after step {done}", err=True)
        shown = Progress(self._total, f"training {self._name}", "step")
        self._progress = self._stack.enter_context(shown)
        self._progress.begin_at(done, self._total)
        self._before, self._since = done, time.monotonic()

    def step(self, done: int, metrics: Mapping[str, Tensor | float]) -> None:
        assert self._progress is not None
        spent = max(time.monotonic() - self._since, 1e-9)
        # Reading a number of a GPU waits for it: not at every step.
        if spent - self._read > _READ_EVERY:
            self._read = spent
            losses = [(name, float(value)) for name, value in metrics.items()][:_MOST_LOSSES]
            rate = (done - self._before) * self._batch_size / spent
            parts = [f"{rate:.1f} images/s", *(f"{name} {value:.4f}" for name, value in losses)]
            self._text = ", ".join(parts)
        self._progress.advance(1, self._text)


def _list_configs() -> None:
    """Print a line a configuration: task, size, length, recipes."""
    import torch

    from zoo.training.base.config import list_configs
    from zoo.training.tasks.registry import load_training, trainer_of

    for name in list_configs():
        config = load_training(name)
        trainer = trainer_of(config)
        with torch.device("meta"):
            network = trainer.build(config)
        size = sum(parameter.numel() for parameter in network.parameters()) / 1e6
        line = (
            f"{name:16} {config.task:10} {config.network.size:4} px {size:6.2f} M "
            f"{config.steps:7} steps of {config.batch_size:2}  {trainer.sources(config)}"
        )
        click.echo(line.rstrip())

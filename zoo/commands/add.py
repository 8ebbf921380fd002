"""``zoo add`` and ``zoo remove``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from degrade.errors import UserError
from degrade.terminal import columns
from zoo.commands.output import echo_json, json_option
from zoo.model_card import NOTICE

if TYPE_CHECKING:
    from zoo.registry.add import UserFacts
    from zoo.registry.user import AddedRestorer

__all__ = ["add", "remove"]


@click.command("add")
@click.argument("name")
@click.argument("weights", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--command", metavar="WORDS", help="A program instead of WEIGHTS; see above.")
@click.option(
    "--architecture", default="", metavar="ID", help="Refuse any other, such as GFPGAN or SCUNet."
)
@click.option(
    "--size",
    type=click.IntRange(16, 4096),
    help="Side in pixels of the faces it takes.  [default: what it was made for, or any]",
)
@click.option(
    "--scale",
    type=click.IntRange(1, 16),
    default=1,
    show_default=True,
    help="Reduce faces by this first: a super-resolver is made for small images.",
)
@click.option(
    "--fidelity",
    type=click.FloatRange(0.0, 1.0),
    help="CodeFormer's w: 0 trusts its memory of faces, 1 the input.  [default: 0.5]",
)
@click.option("--licence", default="", metavar="TEXT", help="Of the weights or the program.")
@click.option("--trained-on", default="", metavar="TEXT", help="The data it was trained on.")
@click.option(
    "--loss-network",
    "loss_networks",
    multiple=True,
    metavar="NAME",
    help="A network it was trained against, such as vgg16: marks that metric's scores with †.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.0, min_open=True),
    callback=lambda _context, _option, value: _finite(value),
    default=600.0,
    show_default=True,
    help="Seconds that one run of the command may take.",
)
@click.option(
    "--results", default="", metavar="FOLDER", help="Where below {out} the command leaves results."
)
@click.option(
    "--accept-licence", "accepted", multiple=True, metavar="NAME", help="Agree to it, once for all."
)
@click.option("--no-trial", is_flag=True, help="Keep it without running it on a face.")
@json_option
def add(
    name: str,
    weights: Path | None,
    command: str | None,
    architecture: str,
    size: int | None,
    scale: int,
    fidelity: float | None,
    licence: str,
    trained_on: str,
    loss_networks: tuple[str, ...],
    timeout: float,
    results: str,
    accepted: tuple[str, ...],
    no_trial: bool,
    as_json: bool,
) -> None:
    """Add somebody else's restorer under NAME: a file of WEIGHTS, or a program.

    WEIGHTS is a .safetensors, .pth or .ckpt file of an architecture that spandrel knows: GFPGAN,
    RestoreFormer, CodeFormer (with spandrel-extra-arches), and any network that restores or
    enlarges images. It is read in ways that cannot run code, stays where it is, and is
    checked against its sha256 whenever it is loaded. Faces come back in the size they had.

    A command is split into words and started without a shell, in the folder that is current
    now. {in} and {out} stand for a folder of PNG faces and one for the results under the same
    names, {in_file} and {out_file} for one face each.

    Either is tried on one face first; what does not give a face back is not added.

    \b
    Examples:
      zoo add gfpgan GFPGANv1.4.pth --architecture GFPGAN
      zoo add codeformer codeformer.pth --fidelity 0.7 --accept-licence s-lab-1.0
      zoo add esrgan RealESRGAN_x4plus.pth --scale 4
      zoo add mine --command "python restore.py --input {in} --output {out}"
    """
    from zoo.registry import registry
    from zoo.registry.add import UserFacts
    from zoo.registry.user import entry_names

    _check_use(weights, command, architecture, scale, fidelity, results, accepted)
    before = entry_names()
    if name in registry.names() and name not in before:
        raise UserError(f"{name} is another restorer's name (`zoo list`): choose a new one")
    facts = UserFacts(size, licence, trained_on, loss_networks, accepted, tried=not no_trial)
    entry = _added(name, weights, command, facts, architecture, scale, fidelity, timeout, results)
    if as_json:
        echo_json(dict(registry_record(entry)))
        return
    click.echo(f"{'replaced' if name in before else 'added'} {name}: {entry.card.card.summary}")
    for line in columns(_lines(entry)):
        click.echo(f"  {line}")
    click.echo(NOTICE)


@click.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Forget the restorer NAME that `zoo add` added; its weights or program stay where they are.

    \b
    Example:
      zoo remove gfpgan
    """
    from zoo.registry.user import remove_entry

    click.echo(f"removed {remove_entry(name)}")


def registry_record(entry: AddedRestorer) -> dict[str, object]:
    """Return what ``--json`` says of an entry: its card, and how long one face took."""
    return dict(entry.card.card.as_record()) | {
        "seconds": entry.seconds,
        "measured_side": entry.measured_side,
    }


def _finite(value: float) -> float:
    """Refuse ``inf`` and ``nan``, which no range of click's excludes."""
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a number of seconds: give one like 600")
    return value


def _check_use(
    weights: Path | None,
    command: str | None,
    architecture: str,
    scale: int,
    fidelity: float | None,
    results: str,
    accepted: tuple[str, ...],
) -> None:
    """Refuse both or neither of a file and a command, and options of the other."""
    if (weights is None) == (command is None):
        raise UserError("name either a file of WEIGHTS or a --command (see `zoo add --help`)")
    if weights is not None and results:
        raise UserError("--results goes with --command: leave it out")
    if command is not None and (architecture or scale != 1 or fidelity is not None or accepted):
        raise UserError(
            "--architecture, --scale, --fidelity and --accept-licence go with WEIGHTS: leave them "
            "out"
        )


def _added(
    name: str,
    weights: Path | None,
    command: str | None,
    facts: UserFacts,
    architecture: str,
    scale: int,
    fidelity: float | None,
    timeout: float,
    results: str,
) -> AddedRestorer:
    from zoo.registry.add import add_command, add_network

    if weights is not None:
        return add_network(
            name, weights, facts, architecture=architecture, scale=scale, fidelity=fidelity
        )
    assert command is not None
    return add_command(name, command, facts, timeout=timeout, results=results)


def _lines(entry: AddedRestorer) -> list[tuple[str, str]]:
    card = entry.card.card
    size = "any" if card.input_size is None else "{} × {} pixels".format(*card.input_size)
    rows = [
        ("licence of code", card.licence_code),
        ("licence of weights", card.licence_weights),
        ("faces", size),
        ("sha256", card.sha256 or "none"),
    ]
    if entry.seconds is not None:
        from zoo.registry.trial import Speed

        speed = Speed(entry.seconds, entry.measured_side)
        rows.append(("speed", f"{speed} pixels, one face, on this machine"))
    return rows

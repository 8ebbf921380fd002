"""A photograph in, a restored photograph out: `restore_photo`, and its stages loaded by name.

Restored detail is invented; it is no evidence of who someone is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from degrade.errors import DependencyError
from zoo.portrait.detect.detection import Detector, Limits, load_detector
from zoo.portrait.face import FaceRecord
from zoo.portrait.parse.parsing import Parser
from zoo.portrait.restore.face_models import BY_SIZE, load_face_models
from zoo.portrait.restore.identity_gate import THRESHOLD, IdentityGate, load_identity_gate
from zoo.portrait.restore.stages import Background, Pipeline, PortraitError, Result
from zoo.portrait.upscale import UPSCALES, Enlargement, Upscaler, load_upscaler
from zoo.restorer import Image, Restorer

__all__ = ["Background", "Pipeline", "PortraitError", "Result", "load_pipeline", "restore_photo"]

_AnyPhoto = TypeVar("_AnyPhoto", NDArray[np.uint8], NDArray[np.uint16])


def load_pipeline(
    model: str | Restorer = BY_SIZE,
    *,
    detector: str | Detector = "auto",
    parser: str | Parser = "auto",
    background: str | Background = "none",
    identity_threshold: float | None = THRESHOLD,
    template: str | None = None,
    hair: bool = False,
    limits: Limits | None = None,
    upscale: int = 1,
    longest_side: int | None = None,
    upscaler: str | Upscaler = "lanczos",
    colour: str = "keep",
    faces: Iterable[int] | None = None,
    device: str = "cpu",
    offline: bool | None = None,
) -> Pipeline:
    """Load every stage: all reading from disk happens here. Parameters as `restore_photo`'s.

    ``offline`` is as in `zoo.weights.files.locate`, for the parser that is loaded here.

    Raises
    ------
    PortraitError
        An oracle as the model.
    UserError
        A name that is not known, or weights that are not here; one line each.
    """
    models = load_face_models(
        model, parser=parser, template=template, device=device, offline=offline
    )
    for one in models:
        if not one.restorer.card.blind:
            raise PortraitError(
                f"{one.name} must be told how a face was degraded, which nobody knows of a "
                "photograph: choose a blind restorer (`zoo list`)"
            )
    gate, note = _load_gate(identity_threshold)
    return Pipeline(
        models=models,
        detector=load_detector(detector) if isinstance(detector, str) else detector,
        gate=gate,
        gate_note=note,
        background=_background(background) if isinstance(background, str) else background,
        prints=_prints(background == "clean", colour),
        hair=hair,
        limits=limits or Limits(),
        enlargement=_enlargement(upscale, longest_side, upscaler),
        wanted=None if faces is None else frozenset(faces),
    )


def restore_photo(
    image: _AnyPhoto,
    model: str | Restorer = BY_SIZE,
    strength: float = 1.0,
    *,
    detector: str | Detector = "auto",
    parser: str | Parser = "auto",
    background: str | Background = "none",
    identity_threshold: float | None = THRESHOLD,
    template: str | None = None,
    hair: bool = False,
    limits: Limits | None = None,
    upscale: int = 1,
    longest_side: int | None = None,
    upscaler: str | Upscaler = "lanczos",
    colour: str = "keep",
    faces: Iterable[int] | None = None,
    device: str = "cpu",
) -> tuple[_AnyPhoto, tuple[FaceRecord, ...]]:
    """Restore the faces of a photograph, and its background where asked.

    Parameters
    ----------
    image
        uint8 or uint16; (height, width), or (height, width, channels) of 1 grey, 2 grey and
        alpha, 3 RGB, 4 RGB and alpha. Upright. Not written to.
    model
        ``auto``: by the size of each face, see `zoo.portrait.restore.face_models.FROM_WIDTH`. Or a
        name or a path, see `zoo.registry.registry.load`, or any object with the `Restorer`
        protocol.
    strength
        The share of the change that is laid on the photo, from 0 (the input, exactly) to 1.
    detector
        A name or an object; see `load_detector`.
    parser
        A name or an object, see `load_parser`; or ``auto``: ``mesh`` for restorers that were
        trained on its masks, else ``template``.
    background
        ``none``; ``clean``, by classical means, the screen and dust of old prints too, before the
        faces are cut; the path of a model that spandrel knows (``.safetensors``, ``.pth``),
        or a function of a photo and a strength.
    identity_threshold
        How far (dlib's descriptor, at equal sharpness) the face may move before the change is
        blended back; see `zoo.portrait.restore.identity_gate.THRESHOLD`. None never blends.
    template
        ``ffhq`` or ``tight``: how crops are aligned. None is the one that the model was trained
        with, or ``ffhq`` where any will do.
    hair
        Whether the hair is restored too.
    limits
        Which faces are skipped.
    upscale
        1, 2 or 4: the photo is enlarged, and its faces are restored at the new size.
    longest_side
        The larger side of the result, pixels, in place of ``upscale``.
    upscaler
        What enlarges the rest of the photo: ``lanczos``, ``realesrgan-x4plus``, the path of a
        super-resolver that spandrel knows, or a function of a photo and a size.
    colour
        ``keep``, or ``auto``: faded contrast and a cast of colour are taken back in part; grey and
        sepia keep their tone.
    faces
        Numbers of the faces to restore, from 0, as in the records; None is all.
    device
        Where networks that restore faces run: ``cpu``, ``cuda``, ``cuda:1``.

    Returns
    -------
    image, faces
        The photo, of the same dtype and channels, alpha untouched, and one record a face found,
        in pixels of the result. Where nothing was changed it equals the input to the bit.

    Raises
    ------
    UserError
        One line: what is wrong with the wish or the image, and what to do.
    """
    pipeline = load_pipeline(
        model,
        detector=detector,
        parser=parser,
        background=background,
        identity_threshold=identity_threshold,
        template=template,
        hair=hair,
        limits=limits,
        upscale=upscale,
        longest_side=longest_side,
        upscaler=upscaler,
        colour=colour,
        faces=faces,
        device=device,
    )
    result = pipeline.restore(image, strength)
    return result.photo, result.faces  # type: ignore[return-value]  # composite keeps the dtype


def _load_gate(threshold: float | None) -> tuple[IdentityGate | None, str]:
    """Return the gate, or None and why; what is missing blocks nothing."""
    if threshold is None:
        return None, "identity not checked: the gate is off"
    if not threshold >= 0.0:
        raise PortraitError(f"the identity threshold is a distance of 0 or more, not {threshold}")
    try:
        return load_identity_gate(threshold), ""
    except ImportError as error:
        return None, f"identity not checked: the package {error.name} is not installed"
    except DependencyError as error:
        return None, f"identity not checked: {error}"


def _enlargement(upscale: int, longest_side: int | None, upscaler: str | Upscaler) -> Enlargement:
    if upscale not in UPSCALES:
        raise PortraitError(f"photos are upscaled by 1, 2 or 4, not by {upscale}")
    if upscale > 1 and longest_side is not None:
        raise PortraitError("choose a factor (upscale) or a longest side, not both")
    if isinstance(upscaler, str):
        enlarging = upscale > 1 or longest_side is not None
        if upscaler != "lanczos" and not enlarging:
            raise PortraitError(f"the upscaler {upscaler} needs an upscale of 2 or 4")
        return Enlargement(upscale, longest_side, load_upscaler(upscaler))
    return Enlargement(upscale, longest_side, upscaler)


def _prints(cleaned: bool, colour: str) -> Callable[[Image], Image] | None:
    """Return what is done to the photo before anything else, None for nothing."""
    if colour not in ("keep", "auto"):
        raise PortraitError(f"colour is keep or auto, not {colour}")
    from zoo.portrait.background.old_print import clean_print, correct_colour

    steps = [clean_print] * cleaned + [correct_colour] * (colour == "auto")
    if not steps:
        return None

    def in_turn(photo: Image) -> Image:
        for step in steps:
            photo = step(photo)
        return photo

    return in_turn


def _background(name: str) -> Background | None:
    if name == "none":
        return None
    if name != "clean":
        from zoo.portrait.background.network import load_background_model

        return load_background_model(Path(name))
    from zoo.portrait.background.clean import clean_background

    return lambda photo, strength: clean_background(photo, strength=strength)

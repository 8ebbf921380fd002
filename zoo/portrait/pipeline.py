"""A photograph in, a restored photograph out: `restore_photo`, and its stages loaded by name.

Restored detail is invented; it is no evidence of who someone is.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from degrade.errors import DependencyError
from zoo.portrait.detect.detection import Detector, Limits, load_detector
from zoo.portrait.face import FaceRecord
from zoo.portrait.parse.parsing import Parser, load_parser
from zoo.portrait.restore.identity_gate import THRESHOLD, IdentityGate, load_identity_gate
from zoo.portrait.restore.stages import Background, Pipeline, PortraitError, Result
from zoo.portrait.upscale import UPSCALES, Enlargement, Upscaler, load_upscaler
from zoo.registry.registry import DEFAULT, load
from zoo.restorer import Card, Restorer

__all__ = ["Background", "Pipeline", "PortraitError", "Result", "load_pipeline", "restore_photo"]

_AnyPhoto = TypeVar("_AnyPhoto", NDArray[np.uint8], NDArray[np.uint16])


def load_pipeline(
    model: str | Restorer = DEFAULT,
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
    restorer = load(model) if isinstance(model, str) else model
    if not restorer.card.blind:
        raise PortraitError(
            f"{restorer.card.name} must be told how a face was degraded, which nobody knows of a "
            "photograph: choose a blind restorer (`zoo list`)"
        )
    gate, note = _load_gate(identity_threshold)
    template = template or restorer.card.template or "ffhq"
    if parser == "auto":
        parser = _parser_for(restorer.card)
    return Pipeline(
        restorer=restorer,
        detector=load_detector(detector) if isinstance(detector, str) else detector,
        parser=(
            load_parser(parser, template, offline=offline) if isinstance(parser, str) else parser
        ),
        gate=gate,
        gate_note=note,
        background=_background(background) if isinstance(background, str) else background,
        template=template,
        hair=hair,
        limits=limits or Limits(),
        enlargement=_enlargement(upscale, longest_side, upscaler),
    )


def restore_photo(
    image: _AnyPhoto,
    model: str | Restorer = DEFAULT,
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
) -> tuple[_AnyPhoto, tuple[FaceRecord, ...]]:
    """Restore the faces of a photograph, and its background where asked.

    Parameters
    ----------
    image
        uint8 or uint16; (height, width), or (height, width, channels) of 1 grey, 2 grey and
        alpha, 3 RGB, 4 RGB and alpha. Upright. Not written to.
    model
        A name or a path, see `zoo.registry.registry.load`, or any object with the `Restorer`
        protocol.
    strength
        The share of the change that is laid on the photo, from 0 (the input, exactly) to 1.
    detector
        A name or an object; see `load_detector`.
    parser
        A name or an object, see `load_parser`; or ``auto``: ``mesh`` for restorers that were
        trained on its masks, else ``template``.
    background
        ``none``, ``clean``, the path of a model that spandrel knows (``.safetensors``, ``.pth``),
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
    )
    result = pipeline.restore(image, strength)
    return result.photo, result.faces  # type: ignore[return-value]  # composite keeps the dtype


def _parser_for(card: Card) -> str:
    """Return the name of the parser whose masks are most like those a restorer was trained on."""
    # Networks that learned from masks of 68 landmarks, without hair, do a little worse with the
    # mesh's than with none (style-128: docs/portrait.md).
    return "mesh" if "hair" in card.regions else "template"


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


def _background(name: str) -> Background | None:
    if name == "none":
        return None
    if name != "clean":
        from zoo.portrait.background.network import load_background_model

        return load_background_model(Path(name))
    from zoo.portrait.background.clean import clean_background

    return lambda photo, strength: clean_background(photo, strength=strength)

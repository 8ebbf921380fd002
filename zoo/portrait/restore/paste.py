"""What becomes of a face after the restorer: its patch for the photo, and its record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.portrait.composite.compositing import Patch
from zoo.portrait.composite.feathering import Feather, face_region, feathered
from zoo.portrait.face import FaceRecord
from zoo.portrait.restore.batch import Attempt
from zoo.portrait.restore.crop import Prepared, core_points
from zoo.portrait.restore.identity_gate import GateVerdict, IdentityGate
from zoo.portrait.restore.stopwatch import Stopwatch
from zoo.restorer import Image

__all__ = ["Finished", "finish"]

_FINER = 1.05
"""How many times finer than the crop a photo is before its record says so."""


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """A face as it goes into the photo."""

    prepared: Prepared  # what the restorer was given
    restored: Image | None  # uint8 crop as the restorer returned it, or None where it failed
    patch: Patch  # what is laid on the photo; without change where the restorer failed
    record: FaceRecord  # its line of ``faces.jsonl``


def finish(
    prepared: Prepared,
    attempt: Attempt,
    *,
    photo_name: str,
    strength: float,
    hair: bool,
    gate: IdentityGate | None,
    gate_note: str,
    enlarged: float,
    watch: Stopwatch,
) -> Finished:
    """Weigh the change, let the gate judge it, and say what was done.

    Parameters
    ----------
    strength
        The share of the change that was asked for, in (0, 1].
    hair
        Whether the hair is restored too.
    gate
        None where the identity is not checked; ``gate_note`` then says why, or is empty.
    enlarged
        By how much the photo was enlarged before.
    watch
        Told of the stages ``gate`` and ``composite``.
    """
    before = prepared.crop.astype(np.float32)
    after = before if attempt.restored is None else attempt.restored.astype(np.float32)
    change = after - before
    with watch.measure("composite"):
        feather = feathered(
            face_region(prepared.mask.probabilities, hair=hair),
            change,
            core_points(prepared.alignment.template, prepared.alignment.size),
            prepared.alignment.scale,
        )
    verdict = None
    if gate is not None and attempt.restored is not None:
        with watch.measure("gate"):
            requested = np.float32(strength) * feather.weight[..., None] * change
            verdict = gate.judge(prepared.crop, requested, prepared.alignment.template)
    share = 0.0 if attempt.restored is None else strength
    if verdict is not None:
        share *= verdict.share
    patch = Patch(
        np.float32(share) * change, feather.weight, prepared.alignment, prepared.face.width
    )
    record = FaceRecord.of(
        prepared.face,
        photo_name,
        prepared.number,
        _status(attempt, verdict),
        _reason(prepared, attempt, feather, strength, share, gate, verdict, gate_note, enlarged),
        model=prepared.model.name,
        strength=strength,
        identity=None if verdict is None else verdict.distance,
        blend=share,
        mask=prepared.mask.parser,
        mask_confidence=prepared.mask.confidence,
    )
    return Finished(prepared, attempt.restored, patch, record)


def _status(attempt: Attempt, verdict: GateVerdict | None) -> str:
    if attempt.restored is None:
        return "failed"
    return "blended" if verdict is not None and verdict.share < 1.0 else "restored"


def _reason(
    prepared: Prepared,
    attempt: Attempt,
    feather: Feather,
    strength: float,
    share: float,
    gate: IdentityGate | None,
    verdict: GateVerdict | None,
    gate_note: str,
    enlarged: float,
) -> str:
    """Return one sentence, its parts set off by semicolons."""
    if attempt.restored is None:
        return f"left as it was: {attempt.error}"
    alignment = prepared.alignment
    parts = [
        f"restored with {prepared.model.name} in a crop of {alignment.size} pixels at strength "
        f"{strength:g}"
    ]
    finer = 1.0 / (alignment.scale * enlarged)
    if finer > _FINER:
        parts.append(
            f"the photo is {finer:.1f} times finer than the crop, and its detail that the crop "
            "cannot hold was kept"
        )
    steepness = share * feather.steepness
    if steepness > 1.0:
        parts.append(
            f"too small for a soft seam: the tone fades by {steepness:.1f} levels a pixel over "
            f"{feather.width:.0f} pixels"
        )
    if gate is not None and verdict is not None:
        parts.append(_identity(verdict, gate.threshold))
    elif gate_note:
        parts.append(gate_note)
    if prepared.mask.note:
        parts.append(prepared.mask.note)
    return "; ".join(parts)


def _identity(verdict: GateVerdict, threshold: float) -> str:
    if verdict.share == 1.0:
        return f"identity distance {verdict.distance:.2f}, at most {threshold:g} passes"
    return (
        f"blended back to {verdict.share:.0%} of the change: with all of it the identity distance "
        f"would be {verdict.whole_distance:.2f}, now it is {verdict.distance:.2f}, and at most "
        f"{threshold:g} passes"
    )

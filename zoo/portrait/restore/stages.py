"""The order of the stages of the portrait pipeline, and nothing of what they do.

detect -> align -> parse -> restore -> identity gate -> composite, with a background where one
is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from degrade.errors import UserError
from zoo.portrait.composite.compositing import (
    Photo,
    as_rgb8,
    check_photo,
    composite,
    with_change,
)
from zoo.portrait.detect.detection import Detector, Limits, judge
from zoo.portrait.face import Face, FaceRecord
from zoo.portrait.restore.batch import Attempt, restore_faces
from zoo.portrait.restore.crop import Prepared, prepare
from zoo.portrait.restore.face_models import FaceModel, model_for
from zoo.portrait.restore.identity_gate import IdentityGate
from zoo.portrait.restore.paste import Finished, finish
from zoo.portrait.restore.stopwatch import Seconds, Stopwatch
from zoo.portrait.upscale import Enlargement, lanczos
from zoo.restorer import Image
from zoo.restorers.tiles import Progress

__all__ = ["Background", "OnAttempts", "Pipeline", "PortraitError", "Result"]

Background = Callable[[Image, float], Image]
"""A photo, uint8 (height, width, 3), and a strength to the photo with a cleaner background."""

OnAttempts = Callable[[Sequence[Prepared], Sequence[Attempt]], Sequence[Attempt]]
"""The faces of a photo and what the restorer made of them to what shall be used instead."""


class PortraitError(UserError):
    """A wish that the portrait pipeline cannot fulfil."""


_TAKE_CLEANED = ("reference", "classical")
"""Kinds of restorers that get their faces from the cleaned photo: what little they do would leave
a noisy face on a clean ground. Networks are trained on faces as they come, and get those."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A restored photo and what was done."""

    photo: Photo  # of the input's dtype and channels; of its size where it is not enlarged
    faces: tuple[FaceRecord, ...]  # one record a detected face, in the detector's order
    seconds: Seconds  # what each stage took
    # The faces that went through the restorer, with crops and masks to look at
    finished: tuple[Finished, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """The stages, loaded; `restore` reads nothing from disk and is deterministic."""

    models: tuple[FaceModel, ...]  # what does the work, those for small faces first
    detector: Detector
    # None where the identity is not checked; ``gate_note`` then says why, or is empty
    gate: IdentityGate | None
    gate_note: str
    background: Background | None  # none leaves it as it is
    hair: bool  # whether the hair is restored too
    limits: Limits  # faces that are skipped
    enlargement: Enlargement = field(default_factory=Enlargement)
    wanted: frozenset[int] | None = None  # numbers of the faces to restore; None is all
    # What takes screen, dust and fading off an old print; None leaves them. Faces are found in, and
    # cut from, the photo that it returns.
    prints: Callable[[Image], Image] | None = None

    @property
    def name(self) -> str:
        """The restorers' names, with "or" between them."""
        return " or ".join(model.name for model in self.models)

    def restore(
        self,
        photo: Photo,
        strength: float = 1.0,
        *,
        name: str = "",
        on_face: Callable[[FaceRecord], None] | None = None,
        on_tile: Progress | None = None,
        faces: Sequence[Face] | None = None,
        on_attempts: OnAttempts | None = None,
    ) -> Result:
        """Restore one photo; `restore_photo` says what of it is kept.

        Parameters
        ----------
        name
            The photo's name in the records.
        on_face
            Called with each record as soon as its face is done.
        on_tile
            Called with the tiles that an upscaler has done, and has in all.
        faces
            Faces that are known, in the photo's pixels; None looks for them.
        on_attempts
            Called once a model, with the faces that went through it, before they are finished.
        """
        check_photo(photo)
        if not 0.0 <= strength <= 1.0:
            raise PortraitError(f"the strength is a number from 0 to 1, not {strength:g}")
        watch = Stopwatch()
        if self.prints is not None and strength > 0.0:
            with watch.measure("background"):
                photo = _without_print(photo, self.prints, strength)
        rgb = as_rgb8(photo)
        with watch.measure("detect"):
            faces = self.detector.detect(rgb) if faces is None else faces
        reasons = [self._refused(n, face, rgb.shape[:2]) for n, face in enumerate(faces)]
        cleaned, enlarged = None, 1.0
        if self.background is not None and strength > 0.0:
            with watch.measure("background"):
                cleaned = self.background(rgb, strength)
        if (size := self.enlargement.size(photo)) != rgb.shape[:2]:
            with watch.measure("upscale"):
                cleaned = self._enlarged(rgb, cleaned, size, strength, on_tile)
                enlarged = size[0] / rgb.shape[0]
                faces = [face.scaled(size[1] / rgb.shape[1], enlarged) for face in faces]
                photo = lanczos(photo, size)
                rgb = as_rgb8(photo)
        kinds = {model.restorer.card.kind for model in self.models}
        on_cleaned = cleaned is not None and kinds.issubset(_TAKE_CLEANED)
        source = cleaned if cleaned is not None and on_cleaned else rgb
        records: dict[int, FaceRecord] = {}

        def tell(record: FaceRecord) -> None:
            records[record.face] = record
            if on_face is not None:
                on_face(record)

        ready: list[Prepared] = []
        for number, (face, reason) in enumerate(zip(faces, reasons, strict=True)):
            prepared = self._prepare(face, number, reason, source, strength, watch)
            if isinstance(prepared, Prepared):
                ready.append(prepared)
            else:
                tell(FaceRecord.of(face, name, number, "skipped", prepared, strength=strength))
        finished = self._restore(ready, strength, name, tell, watch, enlarged, on_attempts)
        with watch.measure("composite"):
            patches = [face.patch for face in finished]
            restored = composite(photo, patches, cleaned, on_background=on_cleaned)
        in_order = tuple(records[number] for number in sorted(records))
        return Result(restored, in_order, watch.seconds(), tuple(finished))

    def _enlarged(
        self,
        rgb: Image,
        cleaned: Image | None,
        size: tuple[int, int],
        strength: float,
        on_tile: Progress | None,
    ) -> Image | None:
        """Return the background at the new size, None where that is the photo's own."""
        upscaler = self.enlargement.upscaler
        source = rgb if cleaned is None else cleaned
        if upscaler is None or strength == 0.0:
            return None if cleaned is None else as_rgb8(lanczos(cleaned, size))
        return upscaler(source, size, on_progress=on_tile)

    def _prepare(
        self, face: Face, number: int, reason: str, rgb: Image, strength: float, watch: Stopwatch
    ) -> Prepared | str:
        if reason or strength == 0.0:
            return reason or "left as it was: the strength is 0"
        return prepare(face, number, rgb, model_for(self.models, face.width), watch)

    def _refused(self, number: int, face: Face, size: tuple[int, int]) -> str:
        """Return why a face is left alone, or an empty string."""
        if self.wanted is not None and number not in self.wanted:
            return "left as it was: not among the faces asked for"
        return judge(face, size, self.limits)

    def _restore(
        self,
        ready: list[Prepared],
        strength: float,
        name: str,
        tell: Callable[[FaceRecord], None],
        watch: Stopwatch,
        enlarged: float,
        on_attempts: OnAttempts | None,
    ) -> list[Finished]:
        """Restore all faces of a model in one batch, then finish one after another."""
        finished = []
        for model in self.models:
            faces = [face for face in ready if face.model is model]
            with watch.measure("restore"):
                attempts: Sequence[Attempt] = restore_faces(
                    model.restorer, [face.crop for face in faces], [face.guide for face in faces]
                )
                if on_attempts is not None and faces:
                    attempts = on_attempts(faces, attempts)
            for prepared, attempt in zip(faces, attempts, strict=True):
                face = finish(
                    prepared,
                    attempt,
                    photo_name=name,
                    strength=strength,
                    hair=self.hair,
                    gate=self.gate,
                    gate_note=self.gate_note,
                    enlarged=enlarged,
                    watch=watch,
                )
                finished.append(face)
                tell(face.record)
        return sorted(finished, key=lambda face: face.prepared.number)


def _without_print(photo: Photo, prints: Callable[[Image], Image], strength: float) -> Photo:
    """Return the photo with what the cleaned print differs by laid on it, alpha untouched."""
    rgb = as_rgb8(photo)
    change = prints(rgb).astype(np.float32)
    change -= rgb
    if not change.any():
        return photo
    change *= np.float32(strength)
    return with_change(photo, change)

"""What the page does with one upload: check, restore, and describe it in plain words.

Knows nothing of Gradio. Everything that is written goes into the folder that the page deletes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from degrade.errors import ImageError, UserError
from zoo.portrait.composite.compositing import as_rgb8
from zoo.portrait.face import FaceRecord
from zoo.portrait.files.batch import ImageJob
from zoo.portrait.files.folder import PhotoOptions, restore_photos
from zoo.portrait.files.photo import FORMATS, HEIF_ENDINGS, PhotoFile, read_photo
from zoo.portrait.files.records import FaceRecords
from zoo.portrait.files.summary import photo_summary
from zoo.portrait.pipeline import Pipeline, load_pipeline
from zoo.portrait.restore.face_models import BY_SIZE
from zoo.portrait.upscale import lanczos
from zoo.registry import registry
from zoo.restorer import Image

__all__ = [
    "ENDINGS",
    "MOST_BYTES",
    "MOST_PIXELS",
    "FaceView",
    "Restored",
    "models",
    "restore_upload",
]

MOST_BYTES = 40_000_000
MOST_PIXELS = 60_000_000
"""Of an upload; `zoo restore` takes larger photos."""

ENDINGS = (*FORMATS, *HEIF_ENDINGS)
_PREVIEW = 1600
"""Longest side of what the page shows, pixels; the download has every pixel."""
_CUT = 256
_AROUND = 1.7
"""Side of the view of a face, pixels, and of what it shows, in box widths."""
_WORDS = {
    "restored": "restored",
    "blended": "partly restored",
    "skipped": "left as it was",
    "failed": "failed",
}


@dataclass(frozen=True, slots=True, eq=False)
class FaceView:
    """A face for the page: before beside after, and what was done to it."""

    image: Image
    caption: str


@dataclass(frozen=True, slots=True, eq=False)
class Restored:
    """One restored upload."""

    path: Path  # the file to download, named after the upload
    before: Image  # previews, uint8 (height, width, 3), of one size
    after: Image
    faces: tuple[FaceView, ...]
    summary: str  # one line


def models() -> tuple[str, ...]:
    """Return the restorers to choose from: blind ones that work on this machine, best first."""
    blind = [
        card.name
        for card in registry.cards()
        if card.blind and card.kind not in ("reference", "classical")
    ]
    return (BY_SIZE, *blind)


def restore_upload(
    upload: Path,
    folder: Path,
    *,
    model: str,
    strength: float,
    background: str,
    upscale: int = 1,
    on_step: Callable[[str], None] = lambda text: None,
) -> Restored:
    """Restore one uploaded file.

    Parameters
    ----------
    upload
        The file; its format is told by its bytes.
    folder
        Where a new folder with the result is made.
    model, strength, background, upscale
        As `zoo.restore_photo`'s.
    on_step
        Told in a few words what is being done.

    Raises
    ------
    UserError
        One line on what is wrong with the file, or with the model.
    """
    on_step("reading the photo")
    photo = _checked(upload, upscale)
    on_step(f"loading {model}")
    pipeline = _pipeline(model, background, upscale)
    target = Path(tempfile.mkdtemp(dir=folder)) / f"{upload.stem}-restored{_ending(upload, photo)}"
    job = ImageJob(upload.name, upload, target)
    options = PhotoOptions(strength=strength, background=background)
    on_step("looking for faces")

    def on_face(face: FaceRecord) -> None:
        on_step(f"face {face.face + 1} {_WORDS[face.status]}")

    with FaceRecords(target.with_suffix(".jsonl"), "app", resume=False) as records:
        (result,) = restore_photos([job], pipeline, options, records, on_face)
    if result.error:
        raise UserError(result.error)
    after, _ = read_photo(target, target.name)
    before = lanczos(photo.pixels, after.pixels.shape[:2])
    pair = as_rgb8(before), as_rgb8(after.pixels)
    rows = [row for row in result.rows if row["face"] is not None]
    views = tuple(_face_view(row, *pair) for row in rows)
    before_preview, after_preview = (_reduced(image, _PREVIEW) for image in pair)
    return Restored(target, before_preview, after_preview, views, photo_summary(result.rows))


def _checked(upload: Path, upscale: int) -> PhotoFile:
    """Read the photo; ImageError where it is none or too large for the page."""
    if upload.stat().st_size > MOST_BYTES:
        raise ImageError(f"{upload.name} has more than {MOST_BYTES // 10**6} MB: use `zoo restore`")
    photo, _ = read_photo(upload, upload.name)
    height, width = photo.pixels.shape[:2]
    megapixels = height * width * upscale**2 / 1e6
    if megapixels > MOST_PIXELS / 1e6:
        raise ImageError(
            f"{upload.name} would have {megapixels:.0f} megapixels, this page takes "
            f"{MOST_PIXELS // 10**6}: upscale less, or use `zoo restore`"
        )
    return photo


def _ending(upload: Path, photo: PhotoFile) -> str:
    """Return the upload's ending, or that of its true format where it has another."""
    if FORMATS.get(upload.suffix.lower()) == photo.format:
        return upload.suffix
    return next((ending for ending, kind in FORMATS.items() if kind == photo.format), ".jpg")


@lru_cache(maxsize=2)
def _pipeline(model: str, background: str, upscale: int) -> Pipeline:
    return load_pipeline(model, background=background, upscale=upscale)


def _face_view(row: Mapping[str, object], before: Image, after: Image) -> FaceView:
    box = [float(edge) for edge in row["box"]]  # type: ignore[attr-defined]
    cuts = [_around(image, box) for image in (before, after)]
    caption = f"face {int(str(row['face'])) + 1}: {row['reason']}"
    return FaceView(np.concatenate(cuts, axis=1), caption)


def _around(image: Image, box: list[float]) -> Image:
    """Return the square around a face, `_CUT` pixels a side; the photo's border goes on."""
    left, top, right, bottom = box
    side = max(4, round(_AROUND * max(right - left, bottom - top)))
    rows = np.clip(np.arange(side) + round((top + bottom - side) / 2), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(side) + round((left + right - side) / 2), 0, image.shape[1] - 1)
    way = cv2.INTER_AREA if side > _CUT else cv2.INTER_CUBIC
    cut = np.ascontiguousarray(image[rows[:, None], columns])
    return np.asarray(cv2.resize(cut, (_CUT, _CUT), interpolation=way), np.uint8)


def _reduced(image: Image, longest: int) -> Image:
    share = longest / max(image.shape[:2])
    if share >= 1.0:
        return image
    size = max(1, round(image.shape[1] * share)), max(1, round(image.shape[0] * share))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)

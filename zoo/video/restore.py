"""A clip in, a restored clip out: every frame through the portrait pipeline, steady in time.

Restored detail is invented; it is no evidence of who someone is.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from degrade.errors import DatasetError
from degrade.images import atomic_file
from zoo.portrait.composite.compositing import as_rgb8
from zoo.portrait.detect.face_filter import judge
from zoo.portrait.face import Face
from zoo.portrait.restore.stages import Pipeline
from zoo.restorer import Image
from zoo.video.clip_reader import ClipReader
from zoo.video.clip_writer import ClipWriter, container_of
from zoo.video.smoothing import FaceSmoother
from zoo.video.tracking import follow

__all__ = ["ClipReport", "check_paths", "restore_clip"]

OnFrame = Callable[[int, int | None], None]
"""Called with the frames that are done, and how many there should be, if that is known."""


@dataclass(frozen=True, slots=True)
class ClipReport:
    """What was done with a clip."""

    frames: int
    faces: int  # restored or blended back, summed over all frames
    models: tuple[str, ...]  # what restored them
    failed: int  # faces, over all frames, that the restorer did not return
    frames_without_faces: int  # frames in which nothing was restored
    seconds: float  # by the clock on the wall
    # `Flicker` of the faces as they were written, and as they were restored frame by frame; None
    # where no face is seen twice
    flicker: float | None
    flicker_frame_by_frame: float | None
    copied: bool  # whether the result is the source, byte for byte, as there was nothing to do
    failure: str  # why the first of the failed faces failed, or empty
    notes: tuple[str, ...]  # what the person should know of the clip, one line each

    def as_record(self) -> Mapping[str, object]:
        """Return a JSON-ready mapping."""
        return asdict(self)


def check_paths(source: Path, out: Path) -> None:
    """Refuse a clip that is not there, and a result that cannot be written; reads names only.

    Raises
    ------
    DatasetError
        No such file, or ``out`` is ``source`` or a folder.
    ImageError
        ``out`` ends neither in .mp4 nor in .mkv.
    """
    if not source.is_file():
        raise DatasetError(f"{source} does not exist: name a clip")
    if out.is_dir():
        raise DatasetError(f"{out} is a folder: name a file for the clip, such as {out}/clip.mp4")
    container_of(out.name)
    if os.path.realpath(source) == os.path.realpath(out):
        raise DatasetError(f"{out} is the clip that is read: choose another name for the result")


def restore_clip(
    pipeline: Pipeline,
    source: Path,
    out: Path,
    *,
    strength: float = 1.0,
    comment: str = "",
    smooth: bool = True,
    on_frame: OnFrame | None = None,
) -> ClipReport:
    """Restore the faces of a clip, frame by frame and steady in time; keep its sound.

    Parameters
    ----------
    pipeline
        As `zoo.portrait.pipeline.load_pipeline` returns it.
    source
        A video file.
    out
        A file that ends in .mp4 or .mkv; it appears when it is whole. Where nothing was restored,
        and the ending is that of the source, it is a copy of it.
    strength
        As for a photo, 0 to 1.
    comment
        A line for the comment in the file's metadata, or empty.
    smooth
        Whether faces are smoothed in time; else each frame is restored for itself.
    on_frame
        Called before the first and after each frame.

    Raises
    ------
    UserError
        As `check_paths`, `ClipReader` and `ClipWriter`.
    """
    check_paths(source, out)
    start = time.perf_counter()
    counts: Counter[str] = Counter()
    models: set[str] = set()
    smoother = FaceSmoother(smooth=smooth)
    with ClipReader(source) as reader, atomic_file(out) as file:
        writer = ClipWriter(file, container_of(out.name), reader, comment)
        try:
            failure = _restore_frames(
                pipeline, reader, writer, smoother, strength, counts, models, on_frame
            )
            writer.close()
        except BaseException:
            writer.discard()
            raise
        background = pipeline.background is not None and strength > 0
        same = not (counts["faces"] or background or writer.enlarged)
        copied = same and source.suffix.lower() == out.suffix.lower()
        if copied:
            _copy_over(source, file)
    return ClipReport(
        frames=counts["frames"],
        faces=counts["faces"],
        models=tuple(sorted(models)),
        failed=counts["failed"],
        frames_without_faces=counts["frames"] - counts["frames_with_faces"],
        seconds=time.perf_counter() - start,
        flicker=smoother.after.levels,
        flicker_frame_by_frame=smoother.before.levels,
        copied=copied,
        failure=failure,
        notes=() if copied and not reader.problem else _notes(reader, writer, copied),
    )


def _restore_frames(
    pipeline: Pipeline,
    reader: ClipReader,
    writer: ClipWriter,
    smoother: FaceSmoother,
    strength: float,
    counts: Counter[str],
    models: set[str],
    on_frame: OnFrame | None,
) -> str:
    """Restore and write every frame; return why the first face failed, if one did."""

    def detect(pixels: Image) -> list[Face]:
        # A face that is refused in one frame and not in the next would blink: it counts as
        # missed, and is put where it must have been.
        found = pipeline.detector.detect(pixels)
        return [face for face in found if not judge(face, pixels.shape[:2], pipeline.limits)]

    failure = ""
    if on_frame is not None:
        on_frame(0, reader.frame_count)
    frames = reader.frames(writer.copy)
    for tracked in follow(frames, detect, float(reader.time_base), smooth=smoother.smooth):
        smoother.begin(tracked.tracks)
        result = pipeline.restore(
            tracked.frame.pixels, strength, faces=tracked.faces, on_attempts=smoother
        )
        writer.write(as_rgb8(result.photo), tracked.frame.pts, tracked.frame.duration)
        statuses = Counter(record.status for record in result.faces)
        models.update(face.model for face in result.faces if face.blend > 0)
        done = statuses["restored"] + statuses["blended"]
        counts.update(
            frames=1, faces=done, failed=statuses["failed"], frames_with_faces=int(done > 0)
        )
        if statuses["failed"] and not failure:
            failure = next(face.reason for face in result.faces if face.status == "failed")
        if on_frame is not None:
            on_frame(counts["frames"], reader.frame_count)
    return failure


def _copy_over(source: Path, file: IO[bytes]) -> None:
    file.seek(0)
    file.truncate()
    with source.open("rb") as stream:
        shutil.copyfileobj(stream, file)


def _notes(reader: ClipReader, writer: ClipWriter, copied: bool) -> tuple[str, ...]:
    notes = [reader.problem] if reader.problem else []
    if writer.padded and not copied:
        notes.append(
            "H.264 needs even sides: the last column or row of an odd width or height was repeated"
        )
    if reader.deep and not copied:
        notes.append("the clip has more than 8 bits a channel: it was written with 8")
    return tuple(notes)

"""Restored frames into a new video file: H.264 with the times of the source, and its sound."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import numpy as np

from degrade.errors import DependencyError, ImageError, UserError
from zoo.restorer import Image
from zoo.video.clip_reader import SWSCALE_FLAGS, ClipReader, import_av

__all__ = ["CONTAINERS", "ClipWriter", "container_of"]

CONTAINERS: Mapping[str, str] = MappingProxyType({".mp4": "mp4", ".mkv": "matroska"})
"""Endings of clips that are written, and FFmpeg's names of their containers."""
_QUALITY = "16"
"""x264's constant rate factor; 17 or 18 is usually called visually lossless (FFmpeg's H.264
encoding guide), and a restored face should not be lost again."""


def container_of(name: str) -> str:
    """Return the container that a file name's ending stands for.

    Raises
    ------
    ImageError
        It ends neither in .mp4 nor in .mkv.
    """
    ending = Path(name).suffix.lower()
    if ending not in CONTAINERS:
        raise ImageError(f"{name}: clips are written as .mp4 or .mkv, let OUT end in one of them")
    return CONTAINERS[ending]


class ClipWriter:
    """Writes a clip; the streams are opened with the first frame.

    The pixel format is yuv420p, which needs even sides: of an odd width or height the last column
    or row is repeated, so that no pixel is lost. Matrix, range, primaries, transfer, pixel aspect
    and the titles of the container are those of the source; its turn is not, as frames come
    upright. Matroska counts in milliseconds and rounds times to them.

    Parameters
    ----------
    file
        Open for writing, seekable.
    container
        One of the values of `CONTAINERS`.
    source
        What the frames and the packets of sound come from.
    comment
        A line for the container's comment, or empty.
    """

    def __init__(
        self, file: IO[bytes], container: str, source: ClipReader, comment: str = ""
    ) -> None:
        self._av: Any = import_av()
        self._source = source
        self._container_name = container
        options = {"movflags": "+write_colr"} if container == "mp4" else {}
        self._output = self._av.open(file, "w", format=container, options=options)
        titles = dict(source.container.metadata)
        if comment:
            titles["comment"] = "; ".join(filter(None, (titles.get("comment", ""), comment)))
        self._output.metadata.update(titles)
        self._video: Any = None
        self._sound: dict[int, Any] = {}
        self._early: list[Any] = []  # packets of sound from before the first frame
        self.padded = False  # whether a row or column was repeated
        self.enlarged = False  # whether frames are of another size than the source's

    def write(self, pixels: Image, pts: int, duration: int) -> None:
        """Write one frame.

        Parameters
        ----------
        pixels
            uint8 (height, width, 3) RGB, of the size of the first.
        pts, duration
            In the source's time base; times grow.
        """
        height, width = pixels.shape[:2]
        self.enlarged = (height, width) != self._source.size
        if height % 2 or width % 2:
            self.padded = True
            pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if self._video is None:
            self._start(*pixels.shape[:2])
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        colours = self._source.colours
        # The matrix that the source was read with, which follows its height, not the result's.
        matrix = self._source.matrix
        frame = frame.reformat(
            format="yuv420p",
            interpolation=SWSCALE_FLAGS,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=2,
            dst_color_range=colours.swscale_range,
        )
        frame.pts, frame.time_base = pts, self._source.time_base
        frame.duration = duration
        self._output.mux(self._video.encode(frame))

    def copy(self, packet: Any) -> None:
        """Write a packet of the source's sound as it is."""
        if self._video is None:
            self._early.append(packet)
            return
        packet.stream = self._sound[packet.stream.index]
        self._output.mux_one(packet)

    def close(self) -> None:
        """Write what is still in the encoder, and the index."""
        if self._video is not None:
            self._output.mux(self._video.encode(None))
        self._output.close()

    def discard(self) -> None:
        """Let go of the file without caring for what it holds."""
        try:
            self._output.close()
        except (self._av.FFmpegError, OSError, ValueError):
            return

    def _start(self, height: int, width: int) -> None:
        source = self._source
        try:
            video = self._output.add_stream("libx264", rate=source.rate, options={"crf": _QUALITY})
        except (self._av.FFmpegError, ValueError):
            raise DependencyError(
                "this build of PyAV has no libx264: install the wheel, `pip install av`"
            ) from None
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        context = video.codec_context
        context.time_base = source.time_base
        if source.pixel_aspect is not None:
            context.sample_aspect_ratio = source.pixel_aspect
        colours = source.colours
        context.colorspace, context.color_range = colours.matrix, colours.range
        context.color_primaries, context.color_trc = colours.primaries, colours.transfer
        for stream in source.sound:
            self._sound[stream.index] = self._copied(stream)
        try:
            self._output.start_encoding()
        except (self._av.FFmpegError, ValueError) as error:
            raise UserError(
                f"the streams of {source.path.name} do not go into {self._container_name} "
                f"({error}): {self._cure}"
            ) from None
        self._video = video
        early, self._early = self._early, []
        for packet in early:
            self.copy(packet)

    @property
    def _cure(self) -> str:
        return "convert it first" if self._container_name == "matroska" else "let OUT end in .mkv"

    def _copied(self, stream: Any) -> Any:
        try:
            copied = self._output.add_stream_from_template(stream)
        except (self._av.FFmpegError, ValueError, AttributeError):
            codec = getattr(stream.codec_context, "name", "unknown")
            raise UserError(
                f"the sound of {self._source.path.name} ({codec}) does not go into "
                f"{self._container_name}: {self._cure}"
            ) from None
        copied.metadata.update(stream.metadata)
        return copied

"""Frames and sound out of a video file, upright and with their times, or one line on why not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import numpy as np

from degrade.errors import DependencyError, ImageError
from zoo.restorer import Image

__all__ = ["SWSCALE_FLAGS", "ClipFrame", "ClipReader", "ColourTags", "import_av"]

SWSCALE_FLAGS = 4 | 0x2000 | 0x4000 | 0x40000
"""libswscale/swscale.h: bicubic, full chroma interpolation and input, accurate rounding."""
_UNSPECIFIED = 2
"""libavutil/pixfmt.h: colour tags that the file does not give."""
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
"""AVColorSpace to SWS_CS_*, libswscale's number for the same matrix."""
_BT601, _BT709 = 5, 1
_HD_LINES = 720
"""Height from which players take BT.709 for a clip that does not name its matrix."""
_SLACK = 0.5
"""Seconds by which the packets of a whole clip may end before the duration in its header."""


def import_av() -> ModuleType:
    """Return PyAV.

    Raises
    ------
    DependencyError
        It is not installed.
    """
    try:
        import av
    except ModuleNotFoundError as error:
        raise DependencyError("PyAV is not installed: run `pip install 'relume[video]'`") from error
    return av


@dataclass(frozen=True, slots=True, eq=False)
class ClipFrame:
    """One frame of a clip."""

    pixels: Image  # uint8 (height, width, 3) RGB, upright
    pts: int  # when it is shown, in the clip's time base; greater than that of the frame before
    duration: int  # how long, in the same unit; 0 where the file does not say


@dataclass(frozen=True, slots=True)
class ColourTags:
    """How a clip's levels are to be understood; the numbers are those of libavutil/pixfmt.h."""

    matrix: int
    range: int
    primaries: int
    transfer: int

    @property
    def swscale_range(self) -> int:
        """2 for the full range, else 1 (16 to 235)."""
        return 2 if self.range == 2 else 1


class ClipReader:
    """An open clip; use it in a ``with`` block.

    Parameters
    ----------
    path
        A file of any container and codec that FFmpeg decodes. Its first video stream that is no
        cover picture is read, and all its sound.

    Raises
    ------
    ImageError
        The file cannot be read, or holds no video; one line that begins with its name.
    DependencyError
        PyAV is not installed.
    """

    def __init__(self, path: Path) -> None:
        self._av: Any = import_av()
        self.path = path
        self.container = self._open()
        video = [stream for stream in self.container.streams.video if not _is_cover(stream)]
        if not video or video[0].codec_context is None:
            self.container.close()
            raise ImageError(f"{path.name} holds no video: name a clip")
        self._stream = video[0]
        self._stream.thread_type = "AUTO"
        self.sound = tuple(self.container.streams.audio)
        self.problem = ""  # after the last frame: one line on what could not be read, or empty
        self._shape: tuple[int, ...] | None = None
        self._turned = False  # whether the frames lie on their side in the file
        self._last_pts: int | None = None
        self._frames = self._packets = self._damaged = 0
        self._end = 0.0  # where the last packet ends, in seconds

    def _open(self) -> Any:
        name = self.path.name
        try:
            if self.path.stat().st_size == 0:
                raise ImageError(f"{name} is empty (0 bytes)")
            return self._av.open(str(self.path))
        except self._av.FFmpegError as error:
            raise ImageError(
                f"{name} is no video that can be read, or its end with the index is missing "
                f"({error.strerror or type(error).__name__})"
            ) from None
        except OSError as error:
            raise ImageError(f"{name} cannot be opened: {error.strerror}") from None

    def __enter__(self) -> ClipReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.container.close()

    @property
    def time_base(self) -> Fraction:
        """Seconds in one unit of a frame's time."""
        return Fraction(self._stream.time_base)

    @property
    def rate(self) -> Fraction:
        """Frames a second, on average."""
        return Fraction(self._stream.average_rate or self._stream.guessed_rate or 25)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the upright frames; known from the first frame on."""
        assert self._shape is not None
        return self._shape[0], self._shape[1]

    @property
    def frame_count(self) -> int | None:
        """How many frames there should be, by the header; None where it does not say."""
        if self._stream.frames:
            return int(self._stream.frames)
        if self.container.duration:
            seconds = float(self.container.duration / self._av.time_base)
            return max(1, round(seconds * self.rate))
        return None

    @property
    def colours(self) -> ColourTags:
        """The colour tags of the stream."""
        context = self._stream.codec_context
        return ColourTags(
            int(context.colorspace),
            int(context.color_range),
            int(context.color_primaries),
            int(context.color_trc),
        )

    @property
    def matrix(self) -> int:
        """Number of the matrix in libswscale; where none is named, of the one that players take."""
        guess = _BT709 if self._stream.codec_context.height >= _HD_LINES else _BT601
        return _MATRICES.get(self.colours.matrix, guess)

    @property
    def pixel_aspect(self) -> Fraction | None:
        """Width of an upright pixel over its height; None where the file does not say."""
        aspect = self._stream.sample_aspect_ratio
        if not aspect:
            return None
        return 1 / Fraction(aspect) if self._turned else Fraction(aspect)

    @property
    def deep(self) -> bool:
        """Whether the clip has more than 8 bits a channel."""
        pixel_format = self._stream.codec_context.format
        return pixel_format is not None and any(
            component.bits > 8 for component in pixel_format.components
        )

    def frames(self, on_sound: Callable[[Any], None]) -> Iterator[ClipFrame]:
        """Yield all frames that can be decoded, and hand over the packets of sound on the way.

        Parameters
        ----------
        on_sound
            Called with each packet of `sound`, in the file's order.

        Raises
        ------
        ImageError
            A frame of another size than the first, or no frame at all.

        Notes
        -----
        Frames are turned by the quarter turns that the file's display matrix asks for; mirroring
        is not read. A frame without a time follows the one before at the clip's rate.
        """
        for packet in self._demuxed():
            if packet is not None and packet.stream is not self._stream:
                if packet.dts is not None and packet.stream.type == "audio":
                    on_sound(packet)
                continue
            for frame in self._decoded(packet):
                yield self._upright(frame)
        if not self._frames:
            raise ImageError(f"{self.path.name}: no frame can be decoded")
        self.problem = self._shortfall()

    def _demuxed(self) -> Iterator[Any]:
        """Yield packets; after damage in the container a last None, which empties the decoder."""
        try:
            for packet in self.container.demux():
                if packet.size and packet.dts is not None:
                    end = (packet.dts + (packet.duration or 0)) * packet.time_base
                    self._end = max(self._end, float(end))
                self._packets += bool(packet.size) and packet.stream is self._stream
                yield packet
        except self._av.FFmpegError:
            self._damaged += 1
            yield None

    def _decoded(self, packet: Any) -> list[Any]:
        try:
            return list(self._stream.decode(packet))
        except self._av.FFmpegError:
            self._damaged += 1
            return []

    def _upright(self, frame: Any) -> ClipFrame:
        pixels = frame.to_ndarray(
            format="rgb24",
            interpolation=SWSCALE_FLAGS,
            src_colorspace=self.matrix,
            dst_colorspace=self.matrix,
            src_color_range=2
            if frame.format.name.startswith("yuvj")
            else self.colours.swscale_range,
            dst_color_range=2,
        )
        quarters = round(frame.rotation / 90) % 4
        self._turned = quarters % 2 == 1
        upright = np.ascontiguousarray(np.rot90(pixels, quarters), np.uint8)
        if self._shape is not None and upright.shape != self._shape:
            raise ImageError(
                f"{self.path.name} changes from {_size(self._shape)} to {_size(upright.shape)} "
                f"pixels at frame {self._frames}: cut it there and restore the parts"
            )
        self._shape = upright.shape
        self._frames += 1
        step = max(1, round(1 / (self.rate * self.time_base)))
        pts = frame.pts
        if self._last_pts is not None and (pts is None or pts <= self._last_pts):
            pts = self._last_pts + (step if pts is None else 1)
        self._last_pts = 0 if pts is None else int(pts)
        return ClipFrame(upright, self._last_pts, int(frame.duration or 0))

    def _shortfall(self) -> str:
        """Return one line on a clip that is not whole, or the empty string."""
        # Only the MP4 family counts its packets; AVI counts frames that were dropped too.
        counted = "mp4" in self.container.format.name
        missing = counted and self._packets < self._stream.frames
        duration = (self.container.duration or 0) / self._av.time_base
        start = (self.container.start_time or 0) / self._av.time_base
        if missing or self._end - start < duration - _SLACK:
            expected = f" of about {self.frame_count}" if self.frame_count else ""
            return f"{self.path.name} breaks off: {self._frames}{expected} frames could be read"
        if self._damaged:
            return f"{self.path.name} is damaged: {self._frames} frames could be read"
        return ""


def _is_cover(stream: Any) -> bool:
    # libavformat/avformat.h, AV_DISPOSITION_ATTACHED_PIC
    return bool(int(stream.disposition) & 0x400)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} × {shape[0]}"

"""Small clips that tests write by PyAV itself, with sound, and what is in their packets."""

from fractions import Fraction

import av
import numpy as np
from skimage import data

SIZE = (160, 160)
RATE = 12
UNIT = Fraction(1, 12000)


def moving_astronaut(count=24, step=1, size=SIZE):
    """Her face, in a window that slides by ``step`` pixels a frame in both directions."""
    photo = data.astronaut()
    return [
        photo[40 + i * step : 40 + i * step + size[0], 140 + i * step : 140 + i * step + size[1]]
        for i in range(count)
    ]


def write_clip(
    path,
    frames,
    *,
    times=None,
    sound="",
    codec="libx264",
    tags=None,
    turn=0,
    aspect=None,
    options=None,
    **container,
):
    """Write frames at ``times`` (units of 1/12000 s; none is 12 a second)."""
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w", **container) as output:
        video = output.add_stream(codec, rate=RATE)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.time_base = UNIT
        video.options = {"crf": "10"} if options is None else options
        if tags:
            context = video.codec_context
            context.colorspace, context.color_range = tags[:2]
            context.color_primaries, context.color_trc = tags[2:]
        if aspect:
            video.codec_context.sample_aspect_ratio = aspect
        if turn:
            video.set_display_rotation(turn)
        track = output.add_stream(sound, rate=16000, layout="mono") if sound else None
        for number, pixels in enumerate(frames):
            if track is not None:
                output.mux(track.encode(_sine(number)))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = number * 1000 if times is None else times[number], UNIT
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if track is not None:
            output.mux(track.encode(None))
    return path


def _sine(number, samples=1333):
    times = np.arange(number * samples, (number + 1) * samples) / 16000
    levels = np.float32(0.3) * np.sin(2 * np.pi * 440 * times).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(levels[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 16000, number * samples, Fraction(1, 16000)
    return frame


def packets(path, kind):
    """Return the bytes and the second of each packet of a clip's first stream of a kind."""
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        return [(bytes(p), float(p.pts * p.time_base)) for p in container.demux(stream) if p.size]


def shown(path):
    """Return all frames, as PyAV converts them, and the seconds at which they are shown."""
    with av.open(str(path)) as container:
        pairs = [(f.to_ndarray(format="rgb24"), f.time) for f in container.decode(video=0)]
    return [pixels for pixels, _ in pairs], [time for _, time in pairs]

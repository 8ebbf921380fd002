"""Gaussian, shot and impulse noise on planes; the streams decide every value.

Value i of a noise field belongs to flat position i of the planes (channel, row, column), or
of one plane where the channels share the field. ``result`` may be given to write into; it must
not overlap the input.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.kernels.compile import kernel
from degrade.ops.kernels.normal import fill_normals
from degrade.ops.kernels.philox import BLOCKS, CHUNK, fill_words
from degrade.ops.kernels.planes import rounded

__all__ = ["gaussian_noise", "impulse_noise", "normal_field", "shot_noise"]


@kernel
def normal_field(count: int, stream: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Return the first ``count`` standard normals of a stream, float32."""
    field = np.empty(count, np.float32)
    words = np.empty(CHUNK, np.uint32)
    scratch = np.empty(BLOCKS, np.float32)
    normals = np.empty(CHUNK, np.float32)
    for chunk in range((count + CHUNK - 1) // CHUNK):
        fill_words(stream, chunk * BLOCKS, words)
        fill_normals(words, scratch, normals)
        start = chunk * CHUNK
        for i in range(min(CHUNK, count - start)):
            field[start + i] = normals[i]
    return field


@kernel
def gaussian_noise(
    planes: NDArray[np.float32],
    sigma: float,
    per_channel: bool,
    stream: NDArray[np.uint32],
    result: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return ``planes + sigma * normal``, clipped to 0-255.

    Parameters
    ----------
    planes
        float32 (C, H, W), levels 0-255.
    sigma
        Standard deviation in 8-bit levels.
    per_channel
        One field for each channel, or one field for all (grey noise).
    stream
        uint32 (5), see `degrade.ops.kernels.philox.fill_words`.
    result
        float32 (C, H, W) to write into, or None.
    """
    out = np.empty_like(planes) if result is None else result
    fields = 1 if per_channel else planes.shape[0]
    size = planes.size // fields
    source, target = planes.reshape(fields, size), out.reshape(fields, size)
    words = np.empty(CHUNK, np.uint32)
    scratch = np.empty(BLOCKS, np.float32)
    normals = np.empty(CHUNK, np.float32)
    scale = np.float32(sigma)
    for chunk in range((size + CHUNK - 1) // CHUNK):
        fill_words(stream, chunk * BLOCKS, words)
        fill_normals(words, scratch, normals)
        start = chunk * CHUNK
        for field in range(fields):
            for i in range(min(CHUNK, size - start)):
                level = source[field, start + i] + scale * normals[i]
                target[field, start + i] = min(max(level, np.float32(0.0)), np.float32(255.0))
    return out


@kernel
def shot_noise(
    planes: NDArray[np.float32],
    stream: NDArray[np.uint32],
    laws: NDArray[np.uint64],
    columns: NDArray[np.uint64],
    scale: float,
    result: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return ``count * scale``, clipped to 255, of a Poisson count for every value.

    ``laws`` and ``columns`` are `degrade.ops.noise.poisson.poisson_tables`. The input is rounded
    to 8-bit levels first: there is one law for each.
    """
    out = np.empty_like(planes) if result is None else result
    source, target = planes.reshape(-1), out.reshape(-1)
    words = np.empty(CHUNK, np.uint32)
    levels = np.empty(CHUNK, np.uint32)
    drawn_from = np.empty(CHUNK, np.uint64)
    places = np.empty(CHUNK, np.uint64)
    rests = np.empty(CHUNK, np.uint64)
    entries = np.empty(CHUNK, np.uint64)
    half, low, short = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(0xFFFF)
    sixteen, twenty_four, forty = np.uint64(16), np.uint64(24), np.uint64(40)
    smallest, factor = np.uint64(0xFFFFFF), np.float32(scale)
    size = source.size
    for chunk in range((size + CHUNK - 1) // CHUNK):
        fill_words(stream, chunk * BLOCKS, words)
        start = chunk * CHUNK
        many = min(CHUNK, size - start)
        # Look-ups stand in loops of their own, so that the rest becomes vector code; unsigned
        # indices, because Numba checks signed ones for being negative.
        for i in range(many):
            value = min(max(source[start + i], np.float32(0.0)), np.float32(255.0))
            levels[i] = np.uint32(np.int32(rounded(value)))
        for i in range(many):
            drawn_from[i] = laws[levels[i]]
        for i in range(many):
            law = drawn_from[i]
            product = np.uint64(words[i]) * ((law >> twenty_four) & short)
            places[i] = (law >> forty) + (product >> half)
            rests[i] = product & low
        for i in range(many):
            entries[i] = columns[places[i]]
        for i in range(many):
            entry = entries[i]
            other = np.uint64(rests[i] >= (entry >> half))
            chosen = (entry >> (sixteen * other)) & short
            count = np.int32((drawn_from[i] & smallest) + chosen)
            target[start + i] = min(np.float32(count) * factor, np.float32(255.0))
    return out


@kernel
def impulse_noise(
    planes: NDArray[np.float32],
    amount: float,
    per_channel: bool,
    stream: NDArray[np.uint32],
    result: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return the planes with a share ``amount`` of the values set to 0 or 255, half each.

    One word decides: below ``amount * 2**32`` it is an impulse, below half of that a white one.
    ``per_channel`` False strikes whole pixels.
    """
    out = np.empty_like(planes) if result is None else result
    fields = 1 if per_channel else planes.shape[0]
    size = planes.size // fields
    source, target = planes.reshape(fields, size), out.reshape(fields, size)
    words = np.empty(CHUNK, np.uint32)
    struck = np.uint32(min(amount * 4294967296.0, 4294967295.0))
    white = np.uint32(min(amount * 2147483648.0, 4294967295.0))
    for chunk in range((size + CHUNK - 1) // CHUNK):
        fill_words(stream, chunk * BLOCKS, words)
        start = chunk * CHUNK
        for field in range(fields):
            for i in range(min(CHUNK, size - start)):
                impulse = np.float32(255.0) if words[i] < white else np.float32(0.0)
                level = source[field, start + i]
                target[field, start + i] = impulse if words[i] < struck else level
    return out

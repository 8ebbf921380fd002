"""Noise of counted light: BasicSR's Poisson noise, and a camera sensor with read noise.

The sensor's counts have one mean for each 8-bit level, by inverting their distributions: unlike
the tables of `degrade.ops.noise.poisson` they come unscaled and unclipped and the 256 means are
free. A word w gives the smallest count whose cumulative probability is above w / 2**32; a guide of
256 entries for each level (H.-C. Chen and Y. Asau, "On generating random variates from an
empirical distribution", AIIE Transactions 6, 1974) starts the search.
"""

from __future__ import annotations

import numpy as np

from degrade.ops.colour.colour import luma
from degrade.ops.kernels.arrays import Float32, Float64, Int32, Int64, Planes, StreamWords, UInt32
from degrade.ops.kernels.compile import inline, kernel
from degrade.ops.kernels.memory import PLANES
from degrade.ops.kernels.philox import BLOCKS, CHUNK, fill_normals, fill_words
from degrade.ops.kernels.planes import rounded
from degrade.ops.noise.poisson import poisson_tables, shot_noise_kernel
from degrade.ops.size.linear_light import cached_light_tables, from_light


def poisson_noise(
    planes: Planes, stream: StreamWords, *, scale: float, per_channel: bool
) -> Planes:
    """Return the planes plus ``scale`` times the noise of a Poisson count, clipped.

    BasicSR's generate_poisson_noise (basicsr/data/degradations.py:558-589): the mean count at
    level 255 is the number of different 8-bit levels in the image, rounded up to a power of
    two, so the same ``scale`` is stronger on a flat image; `shot_noise` and `sensor_noise`
    name their photons instead. ``per_channel`` False counts the grey image (BT.601) and adds
    the same noise to the three channels.
    """
    grey = planes if per_channel else luma(planes, 0.299, 0.587, 0.114)
    levels = grey.reshape(-1)
    distinct = distinct_levels(grey)
    values = 1
    while values < distinct:
        values *= 2
    # 1/64 of a count: far below the 255 that the shot noise of an image is clipped to.
    counts, unit = PLANES.take(levels.shape), 1.0 / 64.0
    shot_noise_kernel(levels, stream, *poisson_tables(float(values)), unit, counts)
    result = PLANES.take(planes.shape)
    add_count_noise(planes, levels, counts, values * unit, float(scale), result)
    PLANES.give(counts)
    return result


def sensor_noise(
    planes: Planes,
    stream: StreamWords,
    *,
    photons: float,
    read_sigma: float,
    gain: float,
    linear_light: bool,
) -> Planes:
    """Return what a camera reads of the image: shot noise, read noise, clipping.

    ``(Poisson(light * photons / gain) + normal * read_sigma) * gain / photons``, the model of
    EMVA 1288 without dark current and quantisation. Levels are rounded to 8 bits first.

    Parameters
    ----------
    photons
        Electrons at level 255 when ``gain`` is 1.
    read_sigma
        Read noise, electrons.
    gain
        Amplification, as ISO over base ISO: the light is as much weaker.
    linear_light
        Count on the sRGB curve's linear light, as a sensor does; False counts on levels.
    """
    light, levels = cached_light_tables()
    electrons = float(photons) / float(gain)
    means = np.arange(256, dtype=np.float64)
    if linear_light:
        means[:] = light[: 255 * 16 + 1 : 16]
    means *= electrons / 255.0
    tables = count_tables(means)
    # The counts take the words after those of the normals.
    after = -(-planes.size // CHUNK)
    signal = PLANES.take(planes.shape)
    electrons_read = signal.reshape(-1)
    counts_of_levels(planes.reshape(-1), stream, after, *tables, electrons_read)
    read_out(electrons_read, float(read_sigma), 255.0 / electrons, stream)
    return from_light(signal, levels, signal) if linear_light else signal


@kernel
def distinct_levels(planes: Float32) -> int:
    """Return how many different levels the image has once rounded to 8 bits, 1-256."""
    occurs = np.zeros(256, np.uint8)
    flat = planes.reshape(-1)
    for i in range(flat.size):
        occurs[np.int64(rounded(min(max(flat[i], np.float32(0.0)), np.float32(255.0))))] = 1
    distinct = 0
    for level in range(256):
        distinct += occurs[level]
    return distinct


@kernel
def add_count_noise(
    planes: Float32, levels: Float32, counts: Float32, values: float, scale: float, result: Float32
) -> Float32:
    """Return ``planes + scale * (counts * 255 / values − rounded levels)``, clipped.

    Parameters
    ----------
    levels, counts
        float32, flat, one for each value of the planes or for each pixel: what was counted.
    values
        Mean count at level 255, in the unit of the counts.
    scale
        How much of the noise is added.
    """
    fields = planes.size // levels.size
    source, target = planes.reshape(fields, levels.size), result.reshape(fields, levels.size)
    unit, share = np.float32(255.0 / values), np.float32(scale)
    for field in range(fields):
        for i in range(levels.size):
            level = rounded(min(max(levels[i], np.float32(0.0)), np.float32(255.0)))
            noisy = source[field, i] + share * (counts[i] * unit - level)
            target[field, i] = min(max(noisy, np.float32(0.0)), np.float32(255.0))
    return result


@kernel
def read_out(counts: Float32, read_sigma: float, unit: float, stream: UInt32) -> None:
    """Turn ``counts`` into ``(counts + read_sigma * normal) * unit``, clipped to 0-255, in place.

    Parameters
    ----------
    counts
        float32, flat, electrons.
    read_sigma
        Read noise, electrons.
    unit
        Levels (or light on the scale 0-255) for each electron.
    stream
        uint32 (5); normal i comes from value i.
    """
    words = np.empty(CHUNK, np.uint32)
    scratch = np.empty(BLOCKS, np.float32)
    normals = np.empty(CHUNK, np.float32)
    sigma, factor = np.float32(read_sigma), np.float32(unit)
    for chunk in range((counts.size + CHUNK - 1) // CHUNK):
        fill_words(stream, chunk * BLOCKS, words)
        fill_normals(words, scratch, normals)
        start = chunk * CHUNK
        for i in range(min(CHUNK, counts.size - start)):
            signal = (counts[start + i] + sigma * normals[i]) * factor
            counts[start + i] = min(max(signal, np.float32(0.0)), np.float32(255.0))


_NEGLIGIBLE = 1e-13
"""Counts less likely than this share of the most likely one are left out."""


@inline
def _support(mean: float) -> tuple[int, int]:
    """Return the first and last count that is not negligible."""
    mode = int(mean)
    last, weight = mode, 1.0
    while weight > _NEGLIGIBLE:
        last += 1
        weight *= mean / last
    first, weight = mode, 1.0
    while first > 0 and weight > _NEGLIGIBLE:
        weight *= first / mean
        first -= 1
    return first, last


@inline
def _fill_cumulative(mean: float, first: int, cumulative: UInt32) -> None:
    """Fill with P(count <= first + i) * 2**32, the last one with the largest word."""
    size = cumulative.size
    weights = np.empty(size, np.float64)
    mode = int(mean) - first
    weights[mode] = 1.0
    for i in range(mode + 1, size):
        weights[i] = weights[i - 1] * (mean / (first + i))
    for i in range(mode - 1, -1, -1):
        weights[i] = weights[i + 1] * ((first + i + 1) / mean)
    total = 0.0
    for i in range(size):
        total += weights[i]
    below = 0.0
    for i in range(size):
        below += weights[i]
        cumulative[i] = np.uint32(min(below / total * 4294967296.0, 4294967295.0))
    cumulative[size - 1] = np.uint32(0xFFFFFFFF)


@kernel
def count_tables(means: Float64) -> tuple[Int64, Int64, UInt32, Int32]:
    """Return the tables of 256 Poisson laws.

    Parameters
    ----------
    means
        float64 (256): mean count at each level, 0 or more.

    Returns
    -------
    offsets
        int64 (257): where each level's entries begin.
    firsts
        int64 (256): the count of each level's first entry.
    cumulative
        uint32 (entries): cumulative probability times 2**32.
    guide
        int32 (256, 256): for each level and high byte of a word, the entry to begin at.
    """
    offsets = np.zeros(257, np.int64)
    firsts = np.zeros(256, np.int64)
    for level in range(256):
        firsts[level], last = _support(means[level]) if means[level] > 0.0 else (0, 0)
        offsets[level + 1] = offsets[level] + (last - firsts[level] + 1)
    cumulative = np.empty(offsets[256], np.uint32)
    guide = np.zeros((256, 256), np.int32)
    for level in range(256):
        entries = cumulative[offsets[level] : offsets[level + 1]]
        if means[level] > 0.0:
            _fill_cumulative(means[level], firsts[level], entries)
        else:
            entries[0] = np.uint32(0xFFFFFFFF)
        entry = 0
        for high in range(256):
            while entry < entries.size - 1 and entries[entry] <= np.uint32(high << 24):
                entry += 1
            guide[level, high] = entry
    return offsets, firsts, cumulative, guide


@kernel
def counts_of_levels(
    levels: Float32,
    stream: UInt32,
    first_chunk: int,
    offsets: Int64,
    firsts: Int64,
    cumulative: UInt32,
    guide: Int32,
    counts: Float32,
) -> Float32:
    """Return a Poisson count for every level, float32 of the same size.

    Parameters
    ----------
    levels
        float32, flat; rounded to 8 bits here.
    first_chunk
        Chunk of 1024 values of the stream that the first value stands in.
    offsets, firsts, cumulative, guide
        From `count_tables`.
    counts
        float32, flat, to write into.
    """
    words = np.empty(CHUNK, np.uint32)
    for chunk in range((levels.size + CHUNK - 1) // CHUNK):
        fill_words(stream, (first_chunk + chunk) * BLOCKS, words)
        start = chunk * CHUNK
        for i in range(min(CHUNK, levels.size - start)):
            value = min(max(levels[start + i], np.float32(0.0)), np.float32(255.0))
            level = np.int64(rounded(value))
            begin, end = offsets[level], offsets[level + 1] - 1
            entry = begin + np.int64(guide[level, np.int64(words[i] >> np.uint32(24))])
            while entry < end and cumulative[entry] <= words[i]:
                entry += 1
            counts[start + i] = np.float32(firsts[level] + (entry - begin))
    return counts

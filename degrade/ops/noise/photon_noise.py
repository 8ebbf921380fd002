"""Noise of counted light: BasicSR's Poisson noise, and a camera sensor. Planes in and out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from degrade.ops.colour.colour_kernels import luma
from degrade.ops.kernels.memory import PLANES
from degrade.ops.kernels.philox import CHUNK
from degrade.ops.noise import photon_noise_kernels as kernels
from degrade.ops.noise.counts import count_tables, counts_of_levels
from degrade.ops.noise.noise_kernels import shot_noise
from degrade.ops.noise.poisson import poisson_tables
from degrade.ops.size.light import from_light
from degrade.ops.size.linear_light import cached_light_tables

__all__ = ["poisson_noise", "sensor_noise"]

Planes = NDArray[np.float32]
StreamWords = NDArray[np.uint32]


def poisson_noise(
    planes: Planes, stream: StreamWords, *, scale: float, per_channel: bool
) -> Planes:
    """Return the planes plus ``scale`` times the noise of a Poisson count, clipped.

    BasicSR's generate_poisson_noise (basicsr/data/degradations.py:558-589): the mean count at
    level 255 is the number of different 8-bit levels in the picture, rounded up to a power of
    two, so the same ``scale`` is stronger on a flat picture; `shot_noise` and `sensor_noise`
    name their photons instead. ``per_channel`` False counts the grey picture (BT.601) and adds
    the same noise to the three channels.
    """
    grey = planes if per_channel else luma(planes, 0.299, 0.587, 0.114)
    levels = grey.reshape(-1)
    found = kernels.distinct_levels(grey)
    values = 1
    while values < found:
        values *= 2
    # 1/64 of a count: far below the 255 that the shot noise of a picture is clipped to.
    counts, unit = PLANES.take(levels.shape), 1.0 / 64.0
    shot_noise(levels, stream, *poisson_tables(float(values)), unit, counts)
    result = PLANES.take(planes.shape)
    kernels.add_count_noise(planes, levels, counts, values * unit, float(scale), result)
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
    """Return what a camera reads of the picture: shot noise, read noise, clipping.

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
    kernels.read_out(electrons_read, float(read_sigma), 255.0 / electrons, stream)
    return from_light(signal, levels, signal) if linear_light else signal

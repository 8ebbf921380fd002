"""A measurement of a clean image that was never taken, for tests that touch no pixel."""

from degrade.fit.blur import BlurTrace
from degrade.fit.measurement import NO_JPEG, ImageMeasurement
from degrade.fit.noise import NoiseTrace
from degrade.fit.quantities import Floors

FLOORS = Floors(2.0, 0.7)
CLEAN = ImageMeasurement(
    height=300, width=200, full=300, block=1, factor=1.0, filter="", last=False, quality=NO_JPEG,
    subsampling="", noise=NoiseTrace(1.0, 1.0, 0.0, 0.0, 0.2), blur=BlurTrace(0.4, 0.4, 0.0),
    brightness=100.0, contrast=50.0, gradient=5.0, colourfulness=10.0,
)  # fmt: skip

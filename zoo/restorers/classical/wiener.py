"""The restorer ``wiener``: an oracle that is given the blur and the noise and inverts them.

It shows how much of a degradation a linear filter could undo with perfect knowledge; no blind
method competes with it on equal terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from degrade.errors import UserError
from degrade.planner.plan import Plan
from zoo.restorer import Card, Image, Restorer, untrained_card
from zoo.restorers.face_by_face import check_face

if TYPE_CHECKING:
    from zoo.restorers.spectra import Spectra

__all__ = ["PlanMissingError", "Wiener", "card", "load"]

Plane = NDArray[np.float64]

_LEAST_MARGIN = 16
"""Pixels of border at least, so that opposite edges of the periodic image do not meet."""

_EVERY = 3
"""Every third frequency of each axis is fitted: thousands for two numbers are plenty."""

_MIDDLE = 0.1
"""Cycles a pixel at which the fitted power law is anchored; any value gives the same law."""

_USUAL_SLOPE = 2.5
"""Where the fit starts: images fall with frequency to the power 2 to 3 (Field 1987)."""


_MODEL_ERROR = 0.03
"""Share of the image's amplitude by which the model misses, at every frequency.

No border, rounding, clipping or JPEG is as linear as the filter takes it to be, and without
this the frequencies that a blur removed come back as noise a thousand times too strong.
Measured on images: 0.03 costs at most 0.3 dB where the model holds, and turns losses of
4 to 15 dB after long or slanted blurs without noise into gains of 2 to 6."""

_LARGEST_EXPONENT = 60.0
"""Keeps the fit from overflowing where it tries absurd laws."""


class PlanMissingError(UserError):
    """An oracle was asked to restore an image without its plan."""


card = untrained_card(
    "wiener",
    "oracle",
    "Wiener deconvolution, given the blur and the noise.",
    "Wiener 1949; the image's power law fitted by Whittle's likelihood (1953).",
    "Linear: takes JPEG and impulses for plain noise, ignores aliasing and colour steps.",
    blind=False,
)


def load() -> Restorer:
    """Return the restorer; there is nothing to read."""
    return Wiener(card)


@dataclass(frozen=True, slots=True)
class Wiener:
    """The filter of least mean squared error for a known blur and noise: Wiener 1949.

    The image's own power spectrum is a power law of frequency, fitted to the degraded image
    through the known blur and noise by Whittle's likelihood (Whittle 1953).
    """

    card: Card

    def restore(
        self,
        faces: Sequence[Image],
        masks: Sequence[NDArray[np.float32] | None] | None = None,
        plans: Sequence[Plan | None] | None = None,
    ) -> list[Image]:
        """Return deconvolved faces; see `zoo.restorer.Restorer.restore`.

        Raises
        ------
        PlanMissingError
            ``plans`` is not given, or holds None for a face.
        """
        if plans is None:
            plans = [None] * len(faces)
        return [
            _deconvolve(check_face(face), plan) for face, plan in zip(faces, plans, strict=True)
        ]


def _deconvolve(face: Image, plan: Plan | None) -> Image:
    import scipy.fft

    from zoo.restorers.spectra import spectra, widest_reach

    if plan is None:
        raise PlanMissingError(
            "wiener is an oracle and needs the degradation of each image: give it plans, as "
            "`bench run` does, or choose a blind restorer such as nlmeans"
        )
    height, width = face.shape[:2]
    margin = max(_LEAST_MARGIN, widest_reach(plan))
    size = (
        scipy.fft.next_fast_len(height + 2 * margin, real=True),
        scipy.fft.next_fast_len(width + 2 * margin, real=True),
    )
    known = spectra(plan, face, size)
    mean = face.mean(axis=(0, 1))
    observed = [
        scipy.fft.rfft2(_padded(face[..., c] - mean[c], known, size, margin)) for c in range(3)
    ]
    gain = _gain(np.mean([np.abs(plane) ** 2 for plane in observed], axis=0), known, size)
    restored = np.stack([scipy.fft.irfft2(plane * gain, size) for plane in observed], axis=2) + mean
    inside = restored[margin : margin + height, margin : margin + width]
    return np.asarray(np.clip(np.rint(inside), 0, 255), np.uint8)


def _padded(plane: Plane, known: Spectra, size: tuple[int, int], margin: int) -> Plane:
    """Extend to ``size`` with ``margin`` pixels before the first row and column.

    The border is the mirror image, blurred once more by the known blur: after deconvolution it
    is the mirror image itself, so it does not ring into the image as a bare mirror does (a
    slanted blur is slanted the other way in its mirror), and its periodic seam is smooth.
    """
    import scipy.fft

    after = (size[0] - plane.shape[0] - margin, size[1] - plane.shape[1] - margin)
    mirrored = np.pad(plane, ((margin, after[0]), (margin, after[1])), mode="symmetric")
    extended = np.asarray(
        scipy.fft.irfft2(scipy.fft.rfft2(mirrored) * known.transfer, size), np.float64
    )
    extended[margin : margin + plane.shape[0], margin : margin + plane.shape[1]] = plane
    return extended


def _gain(power: Plane, known: Spectra, size: tuple[int, int]) -> NDArray[np.complex128]:
    """Return H* S / ((|H|² + e²) S + N) for blur H, noise N, image's power S, model error e.

    Parameters
    ----------
    power
        ``(height, width // 2 + 1)`` squared magnitudes of the padded image's transform.
    """
    vertical = np.fft.fftfreq(size[0])[:, None]
    horizontal = np.fft.rfftfreq(size[1])[None]
    # One cycle across the image is added so that frequency zero, the mean, has a finite power.
    octave = np.log(np.hypot(np.hypot(vertical, horizontal), 1 / max(size)) / _MIDDLE)
    passed = np.abs(known.transfer) ** 2
    level, slope = _fit_power_law(power / (size[0] * size[1]), passed, known.noise, octave)
    power_law = _power((level, slope), octave)
    amiss = _MODEL_ERROR**2 * power_law
    gain = np.conj(known.transfer) * power_law / (passed * power_law + amiss + known.noise)
    return np.asarray(gain, np.complex128)


def _fit_power_law(power: Plane, passed: Plane, noise: Plane, octave: Plane) -> tuple[float, float]:
    """Return ``level, slope`` of S = exp(level − slope · octave) of greatest likelihood.

    The axes are left out: the edges of the frame put power there that no image has.
    """
    import scipy.optimize

    some = (slice(1, None, _EVERY), slice(1, None, _EVERY))
    power, passed, noise, octave = power[some], passed[some], noise[some], octave[some]

    def cost(law: Sequence[float]) -> float:
        expected = _power(law, octave) * passed + noise
        return float(np.mean(np.log(expected) + power / expected))

    start = np.array([np.log(max(float(np.median(power)), 1.0)), _USUAL_SLOPE])
    fit = scipy.optimize.minimize(
        cost, start, method="Nelder-Mead", options={"xatol": 0.01, "fatol": 1e-5, "maxiter": 200}
    )
    return float(fit.x[0]), float(fit.x[1])


def _power(law: Sequence[float], octave: Plane) -> Plane:
    return np.exp(np.minimum(law[0] - law[1] * octave, _LARGEST_EXPONENT))

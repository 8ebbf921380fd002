"""Cards of the restorers that need no training; kept from their code so listing loads none."""

from __future__ import annotations

from zoo.restorer import Card

__all__ = ["BICUBIC_SHARPEN", "BILATERAL", "DEJPEG", "INPUT", "NLMEANS", "WIENER"]


def _untrained(
    name: str, kind: str, summary: str, source: str, limits: str, *, blind: bool = True
) -> Card:
    return Card(
        name=name,
        kind=kind,
        summary=summary,
        licence_code="MIT",
        licence_weights="none",
        source=source,
        input_size=None,
        trained_on="nothing",
        loss_networks=(),
        sha256="",
        blind=blind,
        limits=limits,
    )


INPUT = _untrained(
    "input",
    "reference",
    "Returns its input: what doing nothing scores.",
    "none",
    "Restores nothing.",
)

BICUBIC_SHARPEN = _untrained(
    "bicubic-sharpen",
    "classical",
    "Resamples to the resolution the picture has, then an unsharp mask.",
    "Own; cutoff where the radial spectrum meets the estimated noise floor.",
    "Costs fidelity on pictures that are sharp already; brings back no lost detail.",
)

NLMEANS = _untrained(
    "nlmeans",
    "classical",
    "Non-local means as strong as the noise it measures.",
    "Buades, Coll and Morel 2005, through OpenCV; noise after Immerkær 1996.",
    "White noise only; smooths skin texture; leaves blur and JPEG blocks.",
)

BILATERAL = _untrained(
    "bilateral",
    "classical",
    "Bilateral filter whose range follows the measured noise.",
    "Tomasi and Manduchi 1998, through OpenCV; noise after Immerkær 1996.",
    "White noise only; flattens fine texture; leaves blur and JPEG blocks.",
)

DEJPEG = _untrained(
    "dejpeg",
    "classical",
    "Finds the JPEG quality in the pixels and averages JPEGs at shifted grids.",
    "Nosratinia 2001; quality after Fan and de Queiroz 2003.",
    "Needs the JPEG grid at the corner and unscaled; leaves all other images as they are.",
)

WIENER = _untrained(
    "wiener",
    "oracle",
    "Wiener deconvolution, told the blur and the noise.",
    "Wiener 1949; the picture's power law fitted by Whittle's likelihood (1953).",
    "Linear: takes JPEG and impulses for plain noise, ignores aliasing and colour steps.",
    blind=False,
)

"""Where the five landmarks lie in an aligned crop: the FFHQ template and a tight one.

Holds numbers and their scaling; `zoo.portrait.align.alignment` fits faces to them.

Templates are kept in unit coordinates: 0 is the outer edge of the crop's first pixel, 1 that of
its last. Pixel ``p`` of a crop of ``size`` lies at ``(p + 0.5) / size``, so a template scales to
any size as ``unit · size - 0.5``, with no half-pixel shift on the way.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from degrade.errors import ImageError

__all__ = ["TEMPLATES", "TIGHT_CENTRE", "TIGHT_ZOOM", "template_points"]

TEMPLATES = ("ffhq", "tight")

# Order of the points: zoo.portrait.face.SCHEMES. Eyes, nose and mouth: facexlib,
# facexlib/utils/face_restoration_helper.py, `self.face_template`, pixels of a 512 crop. Corners
# of the eyes and base of the nose: PSFRGAN (chaofengc/Face-SPARNet), `reference_points` for
# dlib's 5-point model, pixels of a 1024 crop.
_FFHQ_512 = (
    (192.98138, 239.94708),
    (318.90277, 240.1936),
    (256.63416, 314.01935),
    (201.26117, 371.41043),
    (313.08905, 371.15118),
)
_FFHQ_1024 = (
    (686.77, 488.62),
    (586.77, 493.59),
    (337.91, 488.39),
    (437.95, 493.52),
    (513.58, 678.50),
)
_FFHQ = MappingProxyType(
    {
        "eyes-nose-mouth": (np.array(_FFHQ_512) + 0.5) / 512,
        "dlib5": (np.array(_FFHQ_1024) + 0.5) / 1024,
    }
)

TIGHT_ZOOM = 1.6
TIGHT_CENTRE = (0.5, 0.606)
"""The tight template is the FFHQ crop enlarged by `TIGHT_ZOOM` about `TIGHT_CENTRE` (unit
coordinates): forehead to chin, ears mostly out.

The eyes are 39 % of the crop apart instead of 25 %: 50 pixels instead of 31 at a size of 128,
which is what a small model can spend on a face. The numbers are those of UTKFace's own crops
(300 of them: zoom 1.55, centre (0.500, 0.606), found by fitting their mean landmarks), taken 3 %
tighter so that aligned crops cut from them hardly reach beyond their borders (median 1.4 % of
the crop's width, 4.9 % at the 95th percentile).
"""


def template_points(template: str, scheme: str, size: int) -> NDArray[np.float64]:
    """Return the ``(5, 2)`` places of the landmarks in a crop of ``size`` × ``size`` pixels.

    Parameters
    ----------
    template
        ``ffhq`` (the crop that GFPGAN, CodeFormer and most published restorers take) or
        ``tight``.
    scheme
        The order of the landmarks, one of `zoo.portrait.face.SCHEMES`.
    size
        Side of the crop in pixels.

    Raises
    ------
    ImageError
        A template of another name.
    """
    unit: NDArray[np.float64] = _FFHQ[scheme]
    if template == "tight":
        unit = (unit - TIGHT_CENTRE) * TIGHT_ZOOM + 0.5
    elif template != "ffhq":
        raise ImageError(f"no template is called {template!r}: choose {' or '.join(TEMPLATES)}")
    return unit * size - 0.5

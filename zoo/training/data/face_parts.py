"""Where a face's eyes and mouth are: the boxes that small discriminators look at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.portrait.align.templates import TIGHT_CENTRE, TIGHT_ZOOM
from zoo.portrait.parse.labels import place

__all__ = ["PARTS", "part_boxes", "template_boxes"]

PARTS = ("l_eye", "r_eye", "mouth")
"""The order of the boxes; ``l_`` is the one on the image's left."""
_REGIONS = (("l_eye",), ("r_eye",), ("mouth", "u_lip", "l_lip"))
_CENTRES = ((0.3795, 0.475), (0.6205, 0.475), (0.5, 0.728))
"""Of the mean face in an ``ffhq`` crop, as `zoo.portrait.parse.template_mask` draws it."""
_HALF_SIDES = (40 / 512, 40 / 512, 60 / 512)
"""Of an ``ffhq`` crop: GFPGAN's 80 pixels for an eye and 120 for a mouth of 512
(TencentARC/GFPGAN @7552a77, options/train_gfpgan_v1.yml, ``eye_out_size``, ``mouth_out_size``)."""
_LEAST = 1e-4
"""Share of the crop below which a region is too small to have a centre."""


def template_boxes(template: str) -> NDArray[np.float32]:
    """Return the boxes of the mean face, see `part_boxes`."""
    zoom, centre = (TIGHT_ZOOM, np.array(TIGHT_CENTRE)) if template == "tight" else (1.0, 0.5)
    centres = (np.array(_CENTRES) - centre) * zoom + 0.5
    return np.column_stack((centres, np.array(_HALF_SIDES) * zoom)).astype(np.float32)


def part_boxes(labels: NDArray[np.uint8], template: str) -> NDArray[np.float32]:
    """Return the boxes of left eye, right eye and mouth, ``(3, 3)`` float32.

    Each is centre x, centre y and half side, in unit coordinates of the crop: 0 is the outer edge
    of the first pixel, 1 that of the last. Boxes lie inside the crop.

    Parameters
    ----------
    labels
        ``(side, side)`` label map: a centre is the region's centroid where there is one, else the
        mean face's.
    template
        ``ffhq`` or ``tight``: sizes, and centres of what is not seen.
    """
    boxes = template_boxes(template)
    for box, names in zip(boxes, _REGIONS, strict=True):
        rows, columns = np.nonzero(np.isin(labels, [place(name) for name in names]))
        if len(rows) > _LEAST * labels.size:
            box[:2] = (columns.mean() + 0.5, rows.mean() + 0.5)
            box[:2] /= labels.shape[0]
        box[:2] = np.clip(box[:2], box[2], 1 - box[2])
    return boxes

"""The parser that gives every crop the mask that a face has on average."""

from __future__ import annotations

from zoo.mean_mask import template_mask, template_matrix
from zoo.portrait.parse.mask_confidence import mask_confidence
from zoo.portrait.parse.parsing import FaceMask
from zoo.restorer import Image

__all__ = ["TemplateParser"]


class TemplateParser:
    """Gives every crop the mean mask of its template, and says how well it fits the crop.

    Parameters
    ----------
    template
        ``ffhq`` or ``tight``: how crops are aligned.
    note
        What every mask carries along, such as why it is not another one.

    Raises
    ------
    ImageError
        A template of another name.
    """

    name = "template"

    def __init__(self, template: str = "ffhq", note: str = "") -> None:
        template_matrix(template, 1)  # refuses unknown names now rather than at the first face
        self._template, self._note = template, note

    def parse(self, crop: Image) -> FaceMask:
        """Return the mean mask at the crop's size."""
        mask = template_mask(self._template, crop.shape[0])
        return FaceMask(mask, mask_confidence(crop, mask), self.name, self._note)

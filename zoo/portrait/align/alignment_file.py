"""The file beside aligned faces that says how they are aligned."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np

from degrade.errors import UserError
from degrade.images import atomic_file
from zoo.portrait.align.templates import TEMPLATES

__all__ = ["ALIGNMENT_FILE", "template_of", "write_alignment"]

ALIGNMENT_FILE = "alignment.json"
_OLDER_FILE = "landmarks68.npz"
"""What `zoo align` wrote before, with landmarks that are no longer used."""


def write_alignment(folder: Path, template: str, size: int) -> None:
    """Write how the faces of a folder are aligned, whole or not at all.

    Parameters
    ----------
    folder
        The crops' folder.
    template
        ``ffhq`` or ``tight``.
    size
        Side of the crops in pixels.
    """
    with atomic_file(folder / ALIGNMENT_FILE) as stream:
        stream.write((json.dumps({"template": template, "size": size}) + "\n").encode())


def template_of(folder: Path) -> str:
    """Return the template of the faces of a folder; ``tight`` where nothing says it.

    Raises
    ------
    UserError
        The file that says it is damaged, or names another template.
    """
    path = folder / ALIGNMENT_FILE
    if not path.is_file():
        path = folder / _OLDER_FILE
    if not path.is_file():
        return "tight"
    try:
        template = _stored_template(path)
    # ValueError: no JSON, no UTF-8, no archive; RuntimeError: an unknown compression.
    except (
        EOFError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ):
        template = ""
    if template not in TEMPLATES:
        raise UserError(f"{path} does not say how the faces are aligned: run `zoo align` again")
    return template


def _stored_template(path: Path) -> str:
    if path.name == ALIGNMENT_FILE:
        return str(json.loads(path.read_text(encoding="utf-8"))["template"])
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return str(stored["template"]) if "template" in stored.files else "tight"

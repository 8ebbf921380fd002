"""How the faces of a folder are aligned: what `zoo align` writes beside them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np

from zoo.portrait.templates import TEMPLATES
from zoo.training.config import TrainingError

__all__ = ["ALIGNMENT_FILE", "LANDMARKS_FILE", "template_of"]

ALIGNMENT_FILE = "alignment.json"
"""``{"template": "ffhq", "size": 512}``."""
LANDMARKS_FILE = "landmarks68.npz"
"""Earlier versions wrote 68 landmarks a face, and the template beside them."""


def template_of(folder: Path) -> str:
    """Return the template of a folder of aligned faces; ``tight`` where no file names one.

    Raises
    ------
    TrainingError
        A damaged file, or a template of another name.
    """
    for name, read in ((ALIGNMENT_FILE, _of_json), (LANDMARKS_FILE, _of_landmarks)):
        path = folder / name
        if not path.is_file():
            continue
        try:
            template = read(path)
        # AttributeError: one array alone. RuntimeError: an unknown compression.
        except (
            AttributeError,
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
            raise TrainingError(
                f"{path} does not say how the faces are aligned: run `zoo align` again, or delete "
                "it if they are aligned as `tight`"
            )
        return template
    return "tight"


def _of_json(path: Path) -> str:
    return str(json.loads(path.read_text("utf-8"))["template"])


def _of_landmarks(path: Path) -> str:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        # Files of the first version do not say.
        return str(stored["template"]) if "template" in stored.files else "tight"

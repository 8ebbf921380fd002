"""Imports what `degrade build` needs and loads the kernels; see `warm_command`."""

import tempfile
from pathlib import Path

import numpy as np

from degrade.build import build
from degrade.commands import building, checking  # noqa: F401
from degrade.images import write_png
from degrade.pairs import PairedDataset

with tempfile.TemporaryDirectory() as _folder:
    _source = Path(_folder, "in")
    write_png(_source / "a.png", np.full((8, 8, 3), 90, np.uint8))
    build(PairedDataset(_source, "kuaishou-128", 7, 40), Path(_folder, "out"))

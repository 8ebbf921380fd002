"""Imports what `degrade build` needs and loads the kernels; see `warm_command`."""

import tempfile
from pathlib import Path

import numpy as np

from degrade.dataset.build import build
from degrade.dataset.paired_dataset import PairedDataset
from degrade.images import write_png

with tempfile.TemporaryDirectory() as _folder:
    _source = Path(_folder, "in")
    write_png(_source / "a.png", np.full((8, 8, 3), 90, np.uint8))
    build(PairedDataset(_source, "kuaishou-128", 7, 40), Path(_folder, "out"))

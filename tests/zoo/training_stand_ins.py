"""A small training run and faces for it, shared by the tests of training."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import torch

from degrade.dataset.sources import open_source
from degrade.images import write_png
from zoo.labels import LABELS, UNKNOWN
from zoo.networks.restoration.style import StyleConfig
from zoo.portrait.align.alignment import ALIGNMENT_FILE
from zoo.training.adversarial.config import AdversarialConfig
from zoo.training.data.face_pack import FacePack
from zoo.training.data.packing import PackOptions, pack_faces
from zoo.training.tasks.restorer.config import RestorerTraining

NETWORK = StyleConfig(64, {8: 16, 16: 16, 32: 12}, style=8)

ADVERSARIAL = AdversarialConfig({4: 8, 8: 8, 16: 8, 32: 8}, patch=2, weight=0.1, alone=0, ramp=0)


def small(**changes: object) -> RestorerTraining:
    """Return a run of eight steps of four faces, L1 alone."""
    told: dict[str, object] = {
        "name": "tiny",
        "network": NETWORK,
        "families": {"kuaishou-64": 1, "gfpgan-64": 1},
        "seed": 5,
        "steps": 8,
        "batch_size": 4,
        "learning_rate": 2e-3,
        "warmup": 4,
        "perceptual": 0.0,
    }
    return RestorerTraining(**(told | changes))  # type: ignore[arg-type]


def write_faces(folder: Path) -> Path:
    """Write sixteen crops of the sample photographs, 64 pixels, aligned to nothing."""
    source = open_source("sample-photos", longest=256)
    keys: list[str] = []
    for key in source.keys:
        photo = source.read(key)
        for left in range(0, photo.shape[1] - 64, 80):
            if len(keys) < 16:
                keys.append(f"{len(keys):02d}.png")
                write_png(folder / keys[-1], np.ascontiguousarray(photo[40:104, left : left + 64]))
    write_template(folder, "tight")
    return folder


def write_template(folder: Path, template: str) -> None:
    """Say how the faces of a folder are aligned."""
    (folder / ALIGNMENT_FILE).write_text(json.dumps({"template": template, "size": 64}))


def face_pack(folder: Path, **options: object) -> FacePack:
    """Return a pack of the faces that `write_faces` wrote, made anew beside them."""
    return pack_faces([folder], folder.parent / "faces.pack", PackOptions(**options))


def striped(index: int, side: int = 32) -> np.ndarray:
    """Return a label map with regions of its own: stripes, and a corner that is not known."""
    rows, columns = np.mgrid[:side, :side]
    labels = ((rows // 4 + columns // 8 + index) % len(LABELS)).astype(np.uint8)
    labels[: side // 4, : side // 4] = UNKNOWN
    return labels


@contextlib.contextmanager
def one_thread():
    """Compute on one thread: sums of another number of them are rounded differently."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

"""A small training of a descriptor, shared by its tests."""

from __future__ import annotations

from zoo.networks.faces.face_descriptor import DescriptorConfig
from zoo.training.tasks.embedder.config import DescriptorTraining


def tiny(**changes: object) -> DescriptorTraining:
    """Return a run of eight steps of four faces."""
    told: dict[str, object] = {
        "name": "tiny",
        "network": DescriptorConfig(32, (8, 12, 16), 16),
        "families": {"kuaishou-64": 1},
        "seed": 5,
        "steps": 8,
        "batch_size": 4,
        "warmup": 2,
    }
    return DescriptorTraining(**(told | changes))  # type: ignore[arg-type]

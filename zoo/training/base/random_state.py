"""The random generator of a training step, so that a resumed run draws the same numbers."""

from __future__ import annotations

import numpy as np
import torch

__all__ = ["step_generator"]


def step_generator(seed: int, step: int, rank: int = 0) -> torch.Generator:
    """Return a generator on the CPU that depends on these three alone.

    Parameters
    ----------
    seed
        Of the run.
    step
        From 0.
    rank
        Of the process: each draws other noise.
    """
    words = np.random.SeedSequence([seed, step, rank]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(words[0]) | int(words[1]) << 32)

"""What a protocol is: for each thing that papers report, the columns that compute it their way.

Holds names only; the arithmetic is the metrics', and every column has a signature of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ScoringProtocol"]


@dataclass(frozen=True, slots=True)
class ScoringProtocol:
    """A published way of scoring.

    Attributes
    ----------
    name
        As suites and ``--protocol`` have it.
    summary
        One line.
    source
        The repository and the files whose arithmetic this is.
    variants
        What is reported (``psnr``, ``identity``) to the columns that compute it; two columns
        where the script prints two figures.
    traps
        What the scripts do that a reader would not guess, and that the columns reproduce.
    differs
        What the scripts do that a run here does not, and why.
    """

    name: str
    summary: str
    source: str
    variants: Mapping[str, tuple[str, ...]]
    traps: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()

"""Scores against the family and the strength of each image's degradation, read from its plan."""

from __future__ import annotations

from bench.stats.severity.analysis import analyse
from bench.stats.severity.levels import DegradationPart, parts_of
from bench.stats.severity.results import Curve, ErrorLeft, MeanRestorationError, Point, Severity

__all__ = [
    "Curve",
    "DegradationPart",
    "ErrorLeft",
    "MeanRestorationError",
    "Point",
    "Severity",
    "analyse",
    "parts_of",
]

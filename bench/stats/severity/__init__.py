"""Scores against the family and the strength of each image's degradation, read from its plan."""

from __future__ import annotations

from bench.stats.severity.analysis import analyse
from bench.stats.severity.results import Curve, ErrorLeft, Point, Severity, Standing
from bench.stats.severity.strength import Part, parts_of

__all__ = ["Curve", "ErrorLeft", "Part", "Point", "Severity", "Standing", "analyse", "parts_of"]

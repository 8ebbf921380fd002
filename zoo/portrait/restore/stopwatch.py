"""How long each stage of the portrait pipeline took."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass

__all__ = ["Seconds", "Stopwatch"]


@dataclass(frozen=True, slots=True)
class Seconds:
    """Seconds by the clock on the wall that each stage took for one photo."""

    detect: float = 0.0
    align: float = 0.0
    parse: float = 0.0
    restore: float = 0.0
    gate: float = 0.0
    background: float = 0.0
    upscale: float = 0.0
    composite: float = 0.0

    @property
    def total(self) -> float:
        """The sum over all stages."""
        return float(sum(asdict(self).values()))

    def as_record(self) -> Mapping[str, float]:
        """Return a JSON-ready mapping, the total last, rounded to milliseconds."""
        stages = {stage: round(seconds, 3) for stage, seconds in asdict(self).items()}
        return stages | {"total": round(self.total, 3)}


class Stopwatch:
    """Adds up the time that is spent within ``measure(stage)``."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Count the time within the block for ``stage``, an attribute of `Seconds`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._spent[stage] = self._spent.get(stage, 0.0) + time.perf_counter() - start

    def seconds(self) -> Seconds:
        """Return what was spent so far."""
        return Seconds(**self._spent)

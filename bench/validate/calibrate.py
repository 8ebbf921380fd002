"""Make every check, and say whether all that could be made are right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.validate.check import Check, loader

__all__ = ["Calibration", "calibrate"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Every check that was made or skipped."""

    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """Checks whose column is wrong or gave no value."""
        return tuple(each for each in self.checks if each.failed)

    @property
    def skipped(self) -> tuple[Check, ...]:
        """Checks that lack a package or weights."""
        return tuple(each for each in self.checks if each.skipped)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failed

    def as_record(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        made = len(self.checks) - len(self.skipped)
        return {
            "ok": self.ok,
            "checks": made,
            "failed": len(self.failed),
            "skipped": len(self.skipped),
            "rows": [each.as_record() for each in self.checks],
        }


def calibrate(
    pairs: str | Path | None = None, tell: Callable[[str], None] = lambda note: None
) -> Calibration:
    """Check every column against closed forms, known answers and the shipped set.

    Parameters
    ----------
    pairs
        A folder with the pictures of the published table, to check that too.
    tell
        Called with the kind of checks that come next.

    Raises
    ------
    DatasetError
        The pictures of the published table are missing or others.
    """
    from bench.validate.closed_forms import closed_forms
    from bench.validate.known_answers import known_answers
    from bench.validate.published import published
    from bench.validate.shipped import shipped

    load = loader()
    checks: list[Check] = []
    if pairs is not None:
        of_pictures = published(load, Path(pairs))  # refuses them before anything is told
        tell("published")
        checks += of_pictures
    for name, kind in (("closed forms", closed_forms), ("shipped", shipped)):
        tell(name)
        checks += kind(load)
    tell("known answers")
    checks += known_answers(load)
    return Calibration(tuple(checks))

"""Whether a run is of its baseline's suite, so that only the restorers can make a difference.

Refuses what differs in more than the restorers; `bench.stats.compatibility` looks at the images
themselves.
"""

from __future__ import annotations

from bench.stats.scores import NotComparableError
from bench.store.record import Run

__all__ = ["refuse_other_suite"]

_DECISIVE = ("name", "seed", "variants", "size", "masks")


def refuse_other_suite(before: Run, after: Run) -> None:
    """Refuse runs of suites that differ in name, seed, variants, size or masks.

    Raises
    ------
    NotComparableError
        Saying what differs. Data sets, recipes, images and signatures are checked where the
        values are compared.
    """
    one, other = before.record["suite"], after.record["suite"]
    for key in _DECISIVE:
        if one.get(key) != other.get(key):
            raise NotComparableError(
                f"the runs are of two suites: {key} was {one.get(key)}, now {other.get(key)}: "
                "run the same suite, or make a new baseline"
            )

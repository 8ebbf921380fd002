"""Write ``shipped.json``: what other implementations say of the shipped set's pictures.

Run ``python -m bench.validate.make_shipped`` with ``relume[pyiqa]`` installed, after a change
of the cases or to take in newer versions of the implementations; the difference is for a person
to read before it is committed.
"""

from __future__ import annotations

import json
from typing import Any

from bench.validate.cases import CASES, digest, tiles
from bench.validate.implementations import IMPLEMENTATIONS, SET_IMPLEMENTATIONS
from bench.validate.shipped import SHIPPED
from degrade.images import atomic_file

__all__ = ["make"]


def make() -> dict[str, Any]:
    """Return the content of ``shipped.json``."""
    found: dict[str, Any] = {}
    for name, case in CASES.items():
        restored, hq = (each.image for each in case.pair())
        values = {
            column: {each.by: each.compute(restored, hq) for each in implementations}
            for column, implementations in IMPLEMENTATIONS.items()
        }
        sets = {
            column: {by: compute(tiles(restored), tiles(hq)) for by, compute in implementations}
            for column, implementations in SET_IMPLEMENTATIONS.items()
        }
        digests = {"restored": digest(restored), "hq": digest(hq)}
        found[name] = {"sha256": digests, "values": values, "sets": sets}
    return found


if __name__ == "__main__":
    with atomic_file(SHIPPED) as file:
        file.write((json.dumps(make(), indent=1) + "\n").encode())

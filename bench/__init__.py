"""Score face restorers so that a number can be trusted: ``bench.run("suite.yaml", out=...)``.

Names are imported when they are first used, so that ``import bench`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.comparing import compare, compare_runs
    from bench.record import Run, load_run
    from bench.report import write_report
    from bench.runner import run
    from bench.scores import Score, score
    from bench.suite import Suite, load_suite

__all__ = [
    "Run",
    "Score",
    "Suite",
    "compare",
    "compare_runs",
    "load_run",
    "load_suite",
    "run",
    "score",
    "write_report",
]

_HOMES = {
    "Run": "bench.record",
    "compare": "bench.comparing",
    "compare_runs": "bench.comparing",
    "load_run": "bench.record",
    "run": "bench.runner",
    "Score": "bench.scores",
    "score": "bench.scores",
    "Suite": "bench.suite",
    "load_suite": "bench.suite",
    "write_report": "bench.report",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'bench' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)

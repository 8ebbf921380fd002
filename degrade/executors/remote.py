"""What runs on a cluster's worker; imported there by name, so it must stay where it is."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from typing import TypeVar

from degrade.errors import UserError
from degrade.executors.threads import pin_threads
from degrade.executors.versions import describe_difference, installed_versions

__all__ = ["run_checked"]

Task = TypeVar("Task")
Result = TypeVar("Result")


def run_checked(
    function: Callable[[Task], Result], expected: Mapping[str, str], task: Task
) -> Result:
    """Return ``function(task)``, on one thread, if this machine has the expected versions.

    Checked with each task, as workers may join a cluster at any time. Raises UserError.
    """
    difference = describe_difference(expected, installed_versions())
    if difference:
        raise UserError(
            f"a worker on {platform.node()} would give other bytes: {difference}; make them equal"
        )
    pin_threads()
    return function(task)

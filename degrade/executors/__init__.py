"""Run the same function over many tasks: in this process, in several, or on a cluster.

A task must be idempotent and its result small: it may run twice, here or elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["Engine", "run_tasks"]

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Engine:
    """Where tasks run. No result depends on it."""

    # Processes on this machine; 0 or 1 works in this one. Without meaning when there is a
    # ``scheduler``, whose cluster has workers of its own.
    workers: int = 1
    # The address of a running Dask scheduler (``tcp://host:8786``, ``tls://…``), or the path of the
    # file it wrote for ``--scheduler-file``; None for this machine
    scheduler: str | None = None


def run_tasks(
    function: Callable[[Task], Result], tasks: Iterable[Task], engine: Engine
) -> Generator[Result]:
    """Yield ``function(task)`` for every task, in the order they finish.

    What is still running when the generator is closed, or when an exception (also
    KeyboardInterrupt) ends it, is given up at once. Take it within `contextlib.closing`: an
    exception in the caller's own block does not close it.

    Parameters
    ----------
    function
        A module-level function: it is pickled for the workers.
    tasks
        Any iterable; it is read only a little ahead of the work.
    engine
        Where to run them.

    Raises
    ------
    UserError
        A worker was killed, as by a machine that ran out of memory; or the scheduler does not
        answer, was lost, or has workers that lack this package or hold other versions of it.
    DependencyError
        There is a scheduler, but the package ``distributed`` is not installed.
    Exception
        Whatever the function raises, as it was raised.
    """
    if engine.scheduler is not None:
        from degrade.executors.cluster import run_on_cluster

        return run_on_cluster(function, tasks, engine.scheduler)
    if engine.workers > 1:
        from degrade.executors.processes import run_in_processes

        return run_in_processes(function, tasks, engine.workers)
    return (function(task) for task in tasks)

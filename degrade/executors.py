"""Run the same function over many tasks: in this process, or in several.

A task must be idempotent and its result small: a task may run twice.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from degrade.errors import UserError

__all__ = ["run_tasks"]

Task = TypeVar("Task")
Result = TypeVar("Result")

_AHEAD = 4
"""Tasks handed out for each worker before results come in; bounds memory."""


def run_tasks(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Iterator[Result]:
    """Yield ``function(task)`` for every task, in the order they finish.

    Parameters
    ----------
    function
        A module-level function: it is pickled for the workers.
    tasks
        Any iterable; it is read only a little ahead of the work.
    workers
        0 or 1 runs in this process.

    Raises
    ------
    UserError
        A worker was killed, as by a machine that ran out of memory.
    """
    if workers <= 1:
        for task in tasks:
            yield function(task)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker) as pool:
        waiting = iter(tasks)
        running: set[Future[Result]] = set()
        try:
            while True:
                for task in waiting:
                    running.add(pool.submit(function, task))
                    if len(running) >= _AHEAD * workers:
                        break
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BrokenProcessPool:
            raise UserError(
                "a worker process was killed, perhaps for lack of memory: run the same command "
                "again to go on, with fewer --workers",
                exit_code=1,
            ) from None
        finally:
            for future in running:
                future.cancel()


def _start_worker() -> None:
    """Keep libraries from starting threads of their own, as images are the unit; end in time."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """End this worker when its parent was killed; it would wait for tasks for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

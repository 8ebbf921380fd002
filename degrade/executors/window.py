"""A sliding window over tasks: a few are handed out ahead, the rest wait where they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice
from typing import TypeVar

__all__ = ["AHEAD", "run_window"]

Task = TypeVar("Task")
Result = TypeVar("Result")

AHEAD = 4
"""Tasks handed out for each worker before results come in: bounds memory, keeps workers busy."""

_LOOK_SECONDS = 20.0
"""How long to wait for a result before ``width`` is asked again; it may know that none comes."""


def run_window(
    submit: Callable[[Task], Future[Result]], tasks: Iterable[Task], width: Callable[[], int]
) -> Iterator[Result]:
    """Yield the result of every task in the order they finish, forgetting each once yielded.

    Whoever started the workers ends what is still running when this is given up.

    Parameters
    ----------
    submit
        Starts one task.
    tasks
        Read only as far as there is room in the window.
    width
        How many tasks may be handed out at this moment; at least one always is.

    Raises
    ------
    Exception
        The first one that a task raised.
    """
    waiting = iter(tasks)
    running: set[Future[Result]] = set()
    while True:
        room = max(1, width()) - len(running)
        running.update(map(submit, islice(waiting, max(0, room))))
        if not running:
            return
        done, running = wait(running, _LOOK_SECONDS, FIRST_COMPLETED)
        while done:
            yield done.pop().result()

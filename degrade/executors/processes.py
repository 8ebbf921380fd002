"""Several processes on this machine, spawned, which end at once when they are not needed.

Tasks are handed out through a sliding window: a few ahead, the rest wait where they are.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TypeVar

from degrade.errors import UserError
from degrade.executors.worker import pin_threads

Task = TypeVar("Task")
Result = TypeVar("Result")


def run_in_processes(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Generator[Result]:
    """Yield the results from a pool of that many processes; see `degrade.executors.run_tasks`."""
    with _pool(workers) as pool:
        try:
            yield from run_window(
                lambda task: pool.submit(function, task), tasks, lambda: AHEAD * workers
            )
        except BrokenProcessPool:
            raise UserError(
                "a worker process was killed, perhaps for lack of memory: run the same command "
                "again to go on, with fewer --workers",
                exit_code=1,
            ) from None


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Start a pool; when the block ends with an exception its workers end with it."""
    context = multiprocessing.get_context("spawn")
    reader, lifeline = context.Pipe(duplex=False)
    with (
        ProcessPoolExecutor(
            workers, mp_context=context, initializer=_start_worker, initargs=(reader,)
        ) as pool,
        reader,
        lifeline,  # closed before the pool waits for its workers
    ):
        try:
            yield pool
        except BaseException:
            # No future is cancelled: Python 3.11's pool trips over those when it breaks.
            lifeline.close()
            raise
        pool.shutdown()  # before the lifeline is cut, so that workers end in good order


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold back Ctrl-C within the block; a process started in it never hears of one.

    A terminal sends it to every process of the command; it is for the first to decide, and
    the others would each print a traceback. A new process inherits the mask. The mask alone is
    not enough here: another thread may take the signal, and Python raises it in this one.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with _handler_held():
        try:
            # Within the try: it may itself raise the KeyboardInterrupt that came before it.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _handler_held() -> Iterator[None]:
    """Within the block a Ctrl-C is only noted; what handles it is called afterwards."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield  # Python handles signals in its main thread only
        return
    noted: list[tuple[int, FrameType | None]] = []
    try:
        signal.signal(signal.SIGINT, lambda number, frame: noted.append((number, frame)))
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if noted:
            handler(*noted[0])


def _start_worker(lifeline: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pin_threads()
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    """End this worker when the other end closes: its parent gave up, or was killed itself."""
    try:
        lifeline.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)


AHEAD = 4
"""Tasks handed out for each worker before results come in: bounds memory, keeps workers busy."""

_LOOK_SECONDS = 0.5
"""How long to wait for a result before looking up: ``width`` may know that none comes, and a
Ctrl-C that strikes just before the wait is not noticed within it."""


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
    # Not `concurrent.futures.wait`: it locks all futures, and a Ctrl-C that strikes then leaves
    # them locked, so that the pool waits for ever to mark them as broken.
    finished: SimpleQueue[Future[Result]] = SimpleQueue()
    running = 0
    while True:
        for task in islice(waiting, max(0, max(1, width()) - running)):
            with _interrupts_held():
                submit(task).add_done_callback(finished.put)
            running += 1
        if not running:
            return
        try:
            future = finished.get(timeout=_LOOK_SECONDS)
        except Empty:
            continue
        running -= 1
        yield future.result()

"""Workers of a Dask cluster that somebody else started: connect, check, hand out, leave.

Dask may run a task twice, and runs it again when the worker that held its result dies
(dask/distributed#7870): tasks are idempotent, results tiny and forgotten as they come.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from degrade.errors import DependencyError, UserError
from degrade.executors.processes import AHEAD, run_window
from degrade.executors.worker import describe_difference, installed_versions, run_checked

Task = TypeVar("Task")
Result = TypeVar("Result")

_ANSWER_SECONDS = 10.0
"""Time for a scheduler to answer; one on the same network takes milliseconds."""
_WORKER_SECONDS = 60.0
"""Time for a first worker to appear, as clusters start theirs after the scheduler."""
_LOST_SECONDS = 300.0
"""Time to wait for workers to come back when the last has gone, as batch systems recycle them."""
_LEAVE_SECONDS = 2.0
"""Time for a good-bye; the scheduler forgets a client that is gone by itself."""
_RETRIES = 2
"""Further attempts at a task that raised: a shared file system may fail for a moment."""
_COUNT_SECONDS = 10.0
"""Age at which the number of workers is asked for again: clusters grow and shrink."""


def run_on_cluster(
    function: Callable[[Task], Result], tasks: Iterable[Task], scheduler: str
) -> Generator[Result]:
    """Yield the results from the cluster of that scheduler; see `degrade.executors.run_tasks`."""
    distributed = _distributed()
    address = _address(scheduler)
    with _quiet():
        client = _connect(distributed, address)
        executor = client.get_executor(pure=False, retries=_RETRIES)

        def submit(task: Task) -> Future[Result]:
            # Nothing but a function: Dask searches arguments for results of other tasks.
            whole = partial(run_checked, function, installed_versions(), task)
            started: Future[Result] = executor.submit(whole)
            return started

        try:
            _check_workers(client, address)
            yield from run_window(submit, tasks, _Width(client, address))
        except distributed.KilledWorker as error:
            raise _killed(error) from None
        except CancelledError:
            raise UserError(
                f"the connection to the scheduler at {address} was lost: when it runs again, "
                "run the same command again to go on",
                exit_code=1,
            ) from None
        except ModuleNotFoundError as error:
            raise _lacking(error) from None
        finally:
            _leave(executor, client)


def _distributed() -> Any:
    try:
        import distributed
    except ModuleNotFoundError:
        raise DependencyError(
            "a scheduler needs the package distributed: run `pip install 'relume[dask]'`"
        ) from None
    return distributed


def _address(scheduler: str) -> str:
    """Return the address that was given, or that stands in the scheduler file that was given."""
    if "://" in scheduler:
        return scheduler
    path = Path(scheduler)
    try:
        address = json.loads(path.read_bytes())["address"]
    except OSError:
        raise UserError(
            f"there is not a scheduler file {path}: give tcp://HOST:PORT, or the file that "
            "`dask scheduler --scheduler-file FILE` writes"
        ) from None
    except (ValueError, LookupError, TypeError):
        raise UserError(f"{path} is not a scheduler file: it has no address") from None
    return str(address)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Dask's own account of what goes wrong; ours is one line, with what to do."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _connect(distributed: Any, address: str) -> Any:
    """Return a client of the scheduler; raises UserError when it does not answer in time."""
    try:
        # First by hand: a Client that failed to connect stays half alive for 20 seconds.
        with ThreadPoolExecutor(1) as thread:  # this one may have an event loop of its own
            kind = thread.submit(asyncio.run, _kind_of_server(distributed, address)).result()
        if kind != "Scheduler":
            raise UserError(f"{address} is a {kind.lower()}, not a scheduler")
        with warnings.catch_warnings():
            # Compared by _check_workers, and reported in one line.
            warnings.simplefilter("ignore", distributed.versions.VersionMismatchWarning)
            return distributed.Client(address, timeout=_ANSWER_SECONDS, set_as_default=False)
    except ValueError as error:  # another scheme than those of Dask
        raise UserError(f"{address} is not a scheduler's address: {error}") from None
    except TypeError as error:  # "TLS expects a `ssl_context` argument"
        if "ssl_context" not in str(error):
            raise
        raise UserError(
            f"{address} needs a certificate: name its files in Dask's configuration, "
            "distributed.comm.tls (docs.dask.org, TLS/SSL)"
        ) from None
    except OSError:
        raise UserError(
            f"the scheduler at {address} does not answer within {_ANSWER_SECONDS:g} seconds: "
            "start it with `dask scheduler`, or check the address"
        ) from None


async def _kind_of_server(distributed: Any, address: str) -> str:
    security = distributed.Security().get_connection_args("client")
    server = distributed.rpc(address, timeout=_ANSWER_SECONDS, connection_args=security)
    async with server:
        versions = await asyncio.wait_for(server.identity(), _ANSWER_SECONDS)
    return str(versions["type"])


def _check_workers(client: Any, address: str) -> None:
    """Wait for a worker, then compare what they all have installed with what is here."""
    try:
        client.wait_for_workers(1, timeout=_WORKER_SECONDS)
    except TimeoutError:
        raise _no_workers(address, _WORKER_SECONDS) from None
    here = installed_versions()
    # Python first, by Dask's own means: what comes next is code, which another Python misreads.
    for worker, versions in client.get_versions()["workers"].items():
        _compare(worker, {"python": here["python"]}, {"python": _minor(versions["host"]["python"])})
    for worker, there in client.run(_question(), on_error="return").items():
        if isinstance(there, ModuleNotFoundError):
            raise _lacking(there, worker)
        if isinstance(there, Exception):
            raise there
        _compare(worker, here, there)


def _question() -> Callable[[], dict[str, str]]:
    # A function in a function travels as code; one by name needs the package to be understood.
    def versions_there() -> dict[str, str]:
        from degrade.executors.worker import installed_versions

        return dict(installed_versions())

    return versions_there


def _minor(version: str) -> str:
    """Return ``3.11`` of ``3.11.7.final.0``."""
    return ".".join(version.split(".")[:2])


def _compare(worker: str, here: Mapping[str, str], there: Mapping[str, str]) -> None:
    difference = describe_difference(here, there)
    if difference:
        raise UserError(f"{worker} would give other bytes: {difference}; make them equal")


@dataclass(slots=True)
class _Width:
    """How many tasks the cluster may hold, for `run_window`; asks it now and then."""

    client: Any
    address: str
    threads: int = 0
    counted_at: float = -math.inf
    worker_seen_at: float = field(default_factory=time.monotonic)

    def __call__(self) -> int:
        """Return the width; raises UserError when there has been no worker for long."""
        now = time.monotonic()
        if now - self.counted_at > _COUNT_SECONDS:
            self.threads, self.counted_at = sum(self.client.nthreads().values()), now
            if self.threads:
                self.worker_seen_at = now
            elif now - self.worker_seen_at > _LOST_SECONDS:
                raise _no_workers(self.address, _LOST_SECONDS)
        return AHEAD * self.threads


def _leave(executor: Any, client: Any) -> None:
    """Cancel what is not needed any more and close the connection, without waiting for long."""
    with suppress(OSError, TimeoutError, CancelledError):  # it may be gone already
        executor.shutdown(wait=False)
    with suppress(OSError, TimeoutError, CancelledError):
        client.close(timeout=_LEAVE_SECONDS)


def _no_workers(address: str, seconds: float) -> UserError:
    return UserError(
        f"the scheduler at {address} has had no worker for {seconds:g} seconds: start some with "
        f"`dask worker {address} --nthreads 1`, then run the same command again",
        exit_code=1,
    )


def _lacking(error: ModuleNotFoundError, worker: str = "a worker of the cluster") -> UserError:
    name = (error.name or str(error)).partition(".")[0]
    package = {"degrade": "relume", "zoo": "relume", "bench": "relume"}.get(name, name)
    return UserError(
        f"{worker} lacks the package {package}: install it there, in the same version as here"
    )


def _killed(error: Any) -> UserError:
    return UserError(
        f"{error.allowed_failures + 1} workers died over the same task, perhaps for lack of "
        f"memory, the last at {error.last_worker.address}: give them more memory or fewer "
        "threads, and run the same command again to go on",
        exit_code=1,
    )

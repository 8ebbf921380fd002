"""Packages of other environments, timed in a process of their own on the same array.

AlbumentationsX is under the AGPL and is never imported here: the worker script runs it with the
Python that the person names. Whatever goes wrong there becomes a `PeerUnavailableError`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np

from bench.speed.case import Image, PeerCall
from degrade.errors import UserError

__all__ = ["PeerSide", "PeerUnavailableError", "Peers"]

_WORKER = Path(__file__).with_name("peer_worker.py")
_ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
}
_QUIET = {"NO_ALBUMENTATIONS_UPDATE": "1", "ALBUMENTATIONS_NO_TELEMETRY": "1"}


class PeerUnavailableError(Exception):
    """A peer that is missing or broken; the message says why."""


class PeerSide:
    """One call of a peer, ready to be timed."""

    def __init__(self, worker: _PeerProcess, label: str, output: Image) -> None:
        self._worker, self.label, self.output = worker, label, output

    def seconds(self, calls: int) -> float:
        """Return the CPU seconds that ``calls`` calls took together."""
        return float(self._worker.ask({"seconds": calls})["seconds"])


class Peers:
    """The environments that were named, one process each, started when first used.

    Parameters
    ----------
    pythons
        Interpreters; the first whose packages can do a call does it.
    image
        uint8 (height, width, 3), what every call gets.
    environment
        More variables for those processes.
    """

    def __init__(
        self, pythons: Sequence[Path], image: Image, environment: Mapping[str, str] | None = None
    ) -> None:
        self._pythons, self._image = pythons, image
        self._environment = dict(environment or {})

    def __enter__(self) -> Peers:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relume-")))
            np.save(folder / "image.npy", self._image)
            self._workers = [
                stack.enter_context(_PeerProcess(python, folder, self._environment))
                for python in self._pythons
            ]
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def side(self, call: PeerCall) -> PeerSide:
        """Return the call, run once; PeerUnavailableError has each environment's reason."""
        reasons = []
        for worker in self._workers:
            try:
                return worker.prepare(call)
            except PeerUnavailableError as reason:
                reasons.append(str(reason))
        raise PeerUnavailableError("; ".join(reasons) or "no --peer-python was given")


class _PeerProcess:
    """A Python of another environment, running the worker script."""

    def __init__(self, python: Path, folder: Path, extra: Mapping[str, str]) -> None:
        self._folder = folder
        environment = {**os.environ, **_ONE_THREAD, **_QUIET, **extra}
        environment.pop("PYTHONPATH", None)
        try:
            self._process = subprocess.Popen(
                [str(python), str(_WORKER), str(folder / "image.npy")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env=environment,
                text=True,
            )
        except OSError as error:
            raise UserError(f"{python} cannot be run as a Python: {error.strerror}") from None

    def __enter__(self) -> _PeerProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What was written to a peer that is gone cannot be flushed; closing says so once more.
        with contextlib.suppress(BrokenPipeError):
            self._pipe(self._process.stdin).close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pipe(self._process.stdout).close()

    def prepare(self, call: PeerCall) -> PeerSide:
        """Import, build and run the call over there."""
        output = self._folder / "output.npy"
        answer = self.ask({"call": asdict(call), "output": str(output)})
        name = {"albumentations": "AlbumentationsX"}.get(call.package, call.package)
        return PeerSide(self, f"{name} {answer['version']}", np.load(output))

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Send one request and return the answer."""
        try:
            self._pipe(self._process.stdin).write(json.dumps(request) + "\n")
            self._pipe(self._process.stdin).flush()
            line = self._pipe(self._process.stdout).readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise PeerUnavailableError("its Python ended (does it have NumPy and OpenCV?)")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerUnavailableError(answer["error"])
        return answer

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe

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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from bench.speed.cases import PeerCall
from bench.speed.timing import TimedCalls
from degrade.errors import UserError
from degrade.images import Image

_WORKER = Path(__file__).with_name("peer_worker.py")
_ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
}
_QUIET = {"NO_ALBUMENTATIONS_UPDATE": "1", "ALBUMENTATIONS_NO_TELEMETRY": "1"}


class PeerUnavailableError(Exception):
    """A peer that is missing or broken; the message says why."""


@dataclass(frozen=True, slots=True)
class PeerSide:
    """One call of a peer, ready to be timed, and what it returned."""

    label: str
    output: Image
    calls: TimedCalls


@contextmanager
def open_peers(
    pythons: Sequence[Path], image: Image, environment: Mapping[str, str] | None = None
) -> Iterator[list[PeerProcess]]:
    """Start a process in each of the environments, with more variables; end them after.

    Every call gets the image, uint8 (height, width, 3).
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relume-")))
        np.save(folder / "image.npy", image)
        yield [
            stack.enter_context(PeerProcess(python, folder, environment or {}))
            for python in pythons
        ]


def peer_side(peers: Sequence[PeerProcess], call: PeerCall) -> PeerSide:
    """Return the call by the first peer that can do it, run once.

    PeerUnavailableError has each environment's reason.
    """
    reasons = []
    for peer in peers:
        try:
            return peer.prepare(call)
        except PeerUnavailableError as reason:
            reasons.append(str(reason))
    raise PeerUnavailableError("; ".join(reasons) or "no --peer-python was given")


class PeerProcess:
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
        self._requests = cast("IO[str]", self._process.stdin)
        self._answers = cast("IO[str]", self._process.stdout)

    def __enter__(self) -> PeerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        # What was written to a peer that is gone cannot be flushed; closing says so once more.
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()

    def prepare(self, call: PeerCall) -> PeerSide:
        """Import, build and run the call over there."""
        output = self._folder / "output.npy"
        answer = self._ask({"call": asdict(call), "output": str(output)})
        name = {"albumentations": "AlbumentationsX"}.get(call.package, call.package)
        return PeerSide(
            f"{name} {answer['version']}",
            np.load(output),
            lambda calls: float(self._ask({"seconds": calls})["seconds"]),
        )

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            self._requests.write(json.dumps(request) + "\n")
            self._requests.flush()
            line = self._answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise PeerUnavailableError("its Python ended (does it have NumPy and OpenCV?)")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerUnavailableError(answer["error"])
        return answer

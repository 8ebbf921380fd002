"""The command `degrade` in processes of its own that need not import everything first.

A server process (multiprocessing's fork server) imports `warmed_up` once; each command is a fork
of it: a real process in a session of its own, which can be killed with all it started, at a fifth
of the cost.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import mock

__all__ = ["WarmProcess"]


class WarmProcess:
    """A running `degrade`, with as much of `subprocess.Popen` as the tests use."""

    def __init__(self, given, environment):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["warmed_up"])
        self.args, self.returncode, self._said = list(given), None, None
        self._folder = tempfile.TemporaryDirectory()
        self._process = context.Process(
            target=_run, args=(self.args, environment, self._folder.name)
        )
        # The server is started with the first of them and imports `warmed_up` from here.
        here = {"PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{Path(__file__).parents[2]}"}
        with mock.patch.dict(os.environ, here):
            self._process.start()
        self.pid = self._process.pid

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.communicate()

    def poll(self):
        """Return the exit code, None while it runs."""
        self.returncode = self._process.exitcode
        return self.returncode

    def communicate(self, timeout=None):
        """Wait for its end and return what it wrote, as texts."""
        if self._said is None:
            self._process.join(timeout)
            if self.poll() is None:
                raise subprocess.TimeoutExpired(self.args, timeout)
            self._said = tuple(
                path.read_text() if path.exists() else "" for path in _outputs(self._folder.name)
            )
            self._folder.cleanup()
            self._process.close()
            self.poll = lambda: self.returncode
        return self._said


def _outputs(folder):
    return Path(folder, "stdout"), Path(folder, "stderr")


def _run(given, environment, folder):
    os.setsid()
    os.environ.update(environment)
    for number, path in enumerate(_outputs(folder), start=1):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(handle, number)
        os.close(handle)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1) for number in (1, 2))
    from degrade.cli import main

    main(given, prog_name="degrade")

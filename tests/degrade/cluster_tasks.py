"""Tasks that misbehave, for the tests of engines; workers import this module by name."""

import os
import signal
import sys
from pathlib import Path


def die_the_first_time(marker):
    """Kill this process unless one did so before; returns the process that lived."""
    try:
        Path(marker).touch(exist_ok=False)
    except FileExistsError:
        return os.getpid()
    os.kill(os.getpid(), signal.SIGKILL)


def fail_the_first_time(marker):
    """Raise an OSError unless one was raised before."""
    try:
        Path(marker).touch(exist_ok=False)
    except FileExistsError:
        return "done"
    raise OSError("the network file system has its moods")


def forget_relume():
    """Make this process one in which the package cannot be imported."""
    for name in [name for name in sys.modules if name.split(".")[0] == "degrade"]:
        del sys.modules[name]
    sys.modules["degrade"] = None


def remember_relume():
    """Undo `forget_relume`."""
    del sys.modules["degrade"]

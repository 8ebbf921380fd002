"""What the tests of stored datasets share: small folders of images, and the command itself."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from degrade.images import write_png

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def photos(tmp_path):
    """Five images of 24 to 40 pixels in two folders, one of them grey."""
    random = np.random.default_rng(5)
    folder = tmp_path / "photos"
    for number, name in enumerate(("a.png", "b.c.png", "sub/a.png", "sub/d.png", "z.png")):
        small = random.integers(0, 256, (6, 6, 3)).astype(np.uint8)
        image = np.kron(small, np.ones((4 + number % 2, 5, 1), np.uint8))
        write_png(folder / name, image if number else np.repeat(image[..., :1], 3, 2))
    return folder


@pytest.fixture(scope="session")
def command():
    """Run ``degrade`` in a process of its own; returns the finished process with its texts."""

    def run(*arguments, cwd=None, **environment):
        code = "from degrade.cli import main; main(prog_name='degrade')"
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
            check=False,
        )

    return run

"""The restorer around a program: faces as PNG files in, whatever pictures it writes out.

The program is started without a shell and ended when it takes too long. It is somebody else's:
whether it is deterministic, and what it reads or sends, is its own affair.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from degrade.errors import UserError
from degrade.images import EXTENSIONS, read_image, write_png
from degrade.planner.plan import Plan
from zoo.restorer import Card, Image
from zoo.restorers.face_by_face import check_face
from zoo.restorers.placement import HERE, Placement
from zoo.restorers.spandrel.network import resized

__all__ = ["FILES", "FOLDERS", "CommandError", "CommandRestorer"]

FOLDERS = ("{in}", "{out}")
"""In the words of a command: the folder of the faces, and that for the results."""
FILES = ("{in_file}", "{out_file}")
"""Likewise one picture and the one to write: the program is started once a face."""

_LONGEST_MESSAGE = 200
_ASPECT_TOLERANCE = 0.02
"""By how much a result's proportions may differ from the face's: rounded sizes, no more."""


class CommandError(UserError):
    """A program that could not be started, failed, took too long, or wrote no face."""


@dataclass(frozen=True, slots=True)
class CommandRestorer:
    """Runs a program on faces."""

    card: Card  # what a person must know
    words: tuple[str, ...]  # the program and its arguments, with `FOLDERS` or `FILES` in them
    folder: Path  # where it is started
    timeout: float  # seconds that one run may take
    # The folder below ``{out}`` in which the program leaves its results; empty for ``{out}``
    results: str = ""
    # How many faces it is best given at once: starting it may take longer than a face. Its device
    # is its own affair.
    placement: Placement = HERE

    def placed(self, placement: Placement) -> CommandRestorer:
        """Return it taking several faces at a start, where it takes folders; never elsewhere."""
        if any(FILES[0] in word for word in self.words):
            return self
        return replace(self, placement=replace(HERE, batch=placement.batch))

    def computed_for(self, faces: Sequence[Image]) -> int:
        """Return their number: nothing is filled up."""
        return len(faces)

    def restore(
        self,
        faces: Sequence[Image],
        masks: Sequence[NDArray[np.float32] | None] | None = None,
        plans: Sequence[Plan | None] | None = None,
    ) -> list[Image]:
        """Return the faces as the program restores them, each of the size that it was given.

        Writes into a temporary folder, which is removed.

        Raises
        ------
        CommandError
            With the last line that the program printed.
        """
        images = [check_face(face) for face in faces]
        if not images:
            return []
        with tempfile.TemporaryDirectory(prefix="relume-") as folder:
            inputs, outputs = Path(folder, "in"), Path(folder, "out")
            inputs.mkdir()
            outputs.mkdir()
            names = [f"{number:06d}" for number in range(len(images))]
            for name, image in zip(names, images, strict=True):
                write_png(inputs / f"{name}.png", image)
            with open(Path(folder, "printed"), "w+b") as printed:
                for words in self._runs(inputs, outputs, names):
                    self._run(words, printed)
            return [
                self._result(outputs, name, image)
                for name, image in zip(names, images, strict=True)
            ]

    def _runs(self, inputs: Path, outputs: Path, names: Sequence[str]) -> Iterator[list[str]]:
        """Yield the words of each start of the program."""
        if not any(FILES[0] in word for word in self.words):
            yield _filled(self.words, FOLDERS, (inputs, outputs))
            return
        for name in names:
            yield _filled(self.words, FILES, (inputs / f"{name}.png", outputs / f"{name}.png"))

    def _run(self, words: list[str], printed: IO[bytes]) -> None:
        tool = Path(words[0]).name
        try:
            process = subprocess.Popen(
                words,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            what = error.filename or words[0]
            raise CommandError(
                f"{self.card.name}: {what} cannot be started ({error.strerror}): install it, or "
                f"run `zoo remove {self.card.name}`"
            ) from error
        try:
            code = process.wait(self.timeout)
        except subprocess.TimeoutExpired:
            raise CommandError(
                f"{self.card.name}: {tool} took more than {self.timeout:g} s and was ended: add it "
                "again with a longer --timeout"
            ) from None
        finally:
            _end(process)
        if code != 0:
            raise CommandError(
                f"{self.card.name}: {tool} ended with exit code {code}: {_last_line(printed)}"
            )

    def _result(self, outputs: Path, name: str, face: Image) -> Image:
        """Return the picture that the program wrote for a face, at the face's size."""
        folder = outputs / self.results
        written = [
            path
            for path in sorted(folder.glob(f"{name}*"))
            if path.suffix.lower() in EXTENSIONS and path.is_file() and not path.is_symlink()
        ]
        if len(written) != 1:
            raise CommandError(
                f"{self.card.name}: the command wrote {len(written)} pictures for {name}.png into "
                f"{{out}}{'/' + self.results if self.results else ''}, one was expected: see "
                "--results of `zoo add`"
            )
        image = read_image(written[0])
        height, width = face.shape[:2]
        if abs(image.shape[1] * height / (image.shape[0] * width) - 1) > _ASPECT_TOLERANCE:
            raise CommandError(
                f"{self.card.name}: the command made {image.shape[0]} × {image.shape[1]} "
                f"pixels of {height} × {width}: the proportions must stay"
            )
        if image.shape == face.shape:
            return image
        levels = resized(image.astype(np.float32), (height, width))
        return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _filled(words: Sequence[str], names: Sequence[str], paths: Sequence[Path]) -> list[str]:
    """Return the words with the paths in the places of the names."""
    filled = []
    for word in words:
        for name, path in zip(names, paths, strict=True):
            word = word.replace(name, str(path))
        filled.append(word)
    return filled


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and whatever it started that still runs."""
    if os.name == "posix":
        # Its own session: the group's number is the process's. None is left, or (macOS) only
        # what has ended already: that is as good.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _last_line(printed: IO[bytes]) -> str:
    """Return the last line that says anything, cut to a length that a message can hold."""
    printed.seek(0, os.SEEK_END)
    printed.seek(max(0, printed.tell() - 4096))
    lines = [line.strip() for line in printed.read().decode(errors="replace").splitlines()]
    nonempty = [line for line in lines if line]
    return nonempty[-1][:_LONGEST_MESSAGE] if nonempty else "it printed nothing"

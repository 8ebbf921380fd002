"""The errors a person can cause; everything else is a bug and stays a traceback.

UserError
├── RecipeError      a recipe that cannot be read, or a value outside its range
├── ImageError       a file that is not an image this project can use
├── DatasetError     a folder, manifest or dataset name that does not hold what was asked
└── DependencyError  a package that an optional feature needs is not installed

Messages are one line: what is wrong, then what to do.
"""

from __future__ import annotations


class UserError(Exception):
    """A mistake in what was asked for; shown as one line, with the exit code it carries.

    Parameters
    ----------
    message
        What is wrong and what to do, without a line break.
    exit_code
        1 when the answer is no (a mismatch, failed inputs), 2 for wrong use,
        3 (bench) for results that cannot be compared.
    """

    def __init__(self, message: str, *, exit_code: int = 2) -> None:
        super().__init__(" ".join(message.split()))
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), str(self), self.exit_code)


def _rebuild(kind: type[UserError], message: str, exit_code: int) -> UserError:
    return kind(message, exit_code=exit_code)


class RecipeError(UserError):
    """A recipe that cannot be read, or a value outside its range."""


class ImageError(UserError):
    """A file that is not an image this project can use."""


class DatasetError(UserError):
    """A folder, manifest or dataset name that does not hold what was asked."""


class DependencyError(UserError):
    """A package that an optional feature needs is not installed."""

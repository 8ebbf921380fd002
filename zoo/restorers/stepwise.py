"""Restorers that take many steps over a face, and can tell a person how far they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from zoo.restorer import Restorer

__all__ = ["Stepwise"]


@runtime_checkable
class Stepwise(Protocol):
    """A restorer whose faces take seconds each."""

    @property
    def steps(self) -> int:
        """Steps that a face takes."""

    def watched(self, on_step: Callable[[int], None]) -> Restorer:
        """Return the same restorer, calling ``on_step`` after each step with its number from 1.

        What it restores stays the same.
        """

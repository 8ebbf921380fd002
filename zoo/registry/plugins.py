"""Restorers of other installed packages: the entry-point group ``relume.restorers``.

An entry point names a module, or any object, with ``card`` (a `zoo.Card`) and ``load()`` (no
arguments, returns a `zoo.Restorer`). The module is imported when its card is asked for, so it
should import what is heavy in ``load``.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

from degrade.errors import UserError
from zoo.registry.reserved_names import is_reserved
from zoo.restorer import Card, Restorer

__all__ = ["GROUP", "PackageError", "offered", "offered_card", "offered_loader"]

GROUP = "relume.restorers"


class PackageError(UserError):
    """An installed package that offers a restorer which cannot be used."""


def offered() -> dict[str, EntryPoint]:
    """Return the entry points by name, in alphabetical order; imports none of the packages.

    Of two packages that offer one name the first found counts, as it does for imports. Names
    that stand for something else, such as ``all``, are left out.
    """
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        if not is_reserved(point.name):
            found.setdefault(point.name, point)
    return dict(sorted(found.items()))


def offered_card(point: EntryPoint) -> Card:
    """Import what an entry point names and return its card.

    Raises
    ------
    PackageError
        It cannot be imported, has no card, or the card bears another name.
    """
    card: object = getattr(_imported(point), "card", None)
    if not isinstance(card, Card) or card.name != point.name:
        raise PackageError(
            f"{_package(point)} offers the restorer {point.name} without a card of that name: "
            "tell its authors, or uninstall it"
        )
    return card


def offered_loader(point: EntryPoint) -> Callable[[Card], Restorer]:
    """Return the function that loads the restorer of an entry point, for its card."""

    def load(card: Card) -> Restorer:
        factory: object = getattr(_imported(point), "load", None)
        if not callable(factory):
            raise PackageError(f"{_package(point)} offers {point.name} without load(): update it")
        try:
            restorer: object = factory()
        except (UserError, MemoryError):
            raise
        except (Exception, SystemExit) as error:  # anybody's code; told as the package's failure
            raise PackageError(_told(point, "could not load", error)) from error
        if not isinstance(restorer, Restorer):
            raise PackageError(
                f"{_package(point)} returned {type(restorer).__name__} for {point.name}, which is "
                "no restorer: it needs `card` and `restore`"
            )
        return restorer

    return load


def _imported(point: EntryPoint) -> object:
    try:
        return point.load()
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:  # anybody's code; one package must not end the rest
        raise PackageError(_told(point, "could not import", error)) from error


def _told(point: EntryPoint, what: str, error: BaseException) -> str:
    reason = str(error).splitlines()[0] if str(error) else "no reason given"
    return (
        f"{_package(point)} {what} its restorer {point.name} ({type(error).__name__}: {reason}): "
        "update or uninstall it"
    )


def _package(point: EntryPoint) -> str:
    return f"the package {point.dist.name}" if point.dist is not None else point.value

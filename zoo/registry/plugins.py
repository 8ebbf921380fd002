"""Restorers of other installed packages: the entry-point group ``relume.restorers``.

An entry point names a module, as those of `zoo.restorers.classical` are, or any object, with
``card`` (a `zoo.Card`) and ``load()`` (no arguments, returns a `zoo.Restorer`). The module is
imported when its card is asked for, so it should import what is heavy in ``load``.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from degrade.errors import UserError
from zoo.model_card import ModelCard, RestorerEntry
from zoo.registry.user import is_reserved
from zoo.restorer import Card, Restorer

__all__ = ["GROUP", "PackageError", "find_offered", "offered"]

GROUP = "relume.restorers"


class PackageError(UserError):
    """An installed package that offers a restorer which cannot be used."""


def offered() -> dict[str, EntryPoint]:
    """Return the entry points by name, in alphabetical order; imports none of the packages.

    Of two packages that offer one name the first counts, as it does for imports. Names
    that stand for something else, such as ``all``, are left out.
    """
    points: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        if not is_reserved(point.name):
            points.setdefault(point.name, point)
    return dict(sorted(points.items()))


def find_offered(name: str) -> RestorerEntry | None:
    """Import what the entry point ``name`` names, or return None where there is none.

    Raises
    ------
    PackageError
        It cannot be imported, has no card, or the card bears another name.
    """
    point = offered().get(name)
    if point is None:
        return None
    module = _imported(point)
    card: object = getattr(module, "card", None)
    if not isinstance(card, Card) or card.name != name:
        raise PackageError(
            f"{_package(point)} offers the restorer {name} without a card of that name: "
            "contact its authors, or uninstall it"
        )
    return RestorerEntry(ModelCard(card, {}), lambda: _loaded(point, module), ready=None)


def _loaded(point: EntryPoint, module: object) -> Restorer:
    factory: object = getattr(module, "load", None)
    if not callable(factory):
        raise PackageError(f"{_package(point)} offers {point.name} without load(): update it")
    try:
        restorer: object = factory()
    except (UserError, MemoryError):
        raise
    except (Exception, SystemExit) as error:  # anybody's code
        raise PackageError(_failure(point, "could not load", error)) from error
    if not isinstance(restorer, Restorer):
        raise PackageError(
            f"{_package(point)} returned {type(restorer).__name__} for {point.name}, which is "
            "no restorer: it needs `card` and `restore`"
        )
    return restorer


def _imported(point: EntryPoint) -> object:
    try:
        return point.load()
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:  # anybody's code, which must not end the rest
        raise PackageError(_failure(point, "could not import", error)) from error


def _failure(point: EntryPoint, what: str, error: BaseException) -> str:
    reason = str(error).splitlines()[0] if str(error) else "no reason given"
    return (
        f"{_package(point)} {what} its restorer {point.name} ({type(error).__name__}: {reason}): "
        "update or uninstall it"
    )


def _package(point: EntryPoint) -> str:
    return f"the package {point.dist.name}" if point.dist is not None else point.value

"""A run with a restorer under another name, so that it can be compared with its successor.

Changes the view of a run in memory; its folder stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from bench.stats.scores import BASELINE
from bench.store.record import Run
from degrade.config import nearest
from degrade.errors import UserError


def with_successors(before: Run, after: Run, names: Mapping[str, str]) -> Run:
    """Return ``before`` with restorers under the names that their successors have in ``after``.

    A restorer that has such a name in ``before`` already, and none to succeed it, is left out.
    UserError as `renamed`, or where ``after`` has no restorer of a new name.
    """
    for new in names.values():
        _known(after, new)
    for old in names:
        _known(before, old)
    return renamed(_without(before, set(names.values()) - set(names)), names)


def renamed(run: Run, names: Mapping[str, str]) -> Run:
    """Return a run with restorers under other names; files are still found by the old ones.

    UserError where the run has no restorer of an old name, two would be called the same, or the
    input would be called otherwise.
    """
    cards = run.record["restorers"]
    for old, new in names.items():
        _known(run, old)
        if BASELINE in (old, new):
            raise UserError(f"'{BASELINE}' keeps its name: it tells that the images are the same")
    new_names = [names.get(name, name) for name in cards]
    twice = next((name for name in new_names if new_names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"{run.folder} would have two restorers called '{twice}': take other names")
    called = {
        names.get(name, name): {**card, "name": names.get(name, name)}
        for name, card in cards.items()
    }
    files = {new: run.filed_under.get(old, old) for old, new in names.items()}
    return replace(
        run,
        record={**run.record, "restorers": called},
        rows=tuple(
            replace(row, restorer=names[row.restorer]) if row.restorer in names else row
            for row in run.rows
        ),
        filed_under={**run.filed_under, **files},
    )


def renaming_notes(before: Run, names: Mapping[str, str]) -> tuple[str, ...]:
    """Return a line for each restorer of the loaded run ``before`` that got another name."""
    displaced = (set(names.values()) - set(names)) & set(before.record["restorers"])
    return tuple(
        f"{new}: compared with {old} of the run before"
        + (f", whose own {new} is left out" if new in displaced else "")
        for old, new in names.items()
    )


def former_name_hint(run: Run, name: str) -> str:
    """Say how a restorer that was called ``name`` is called now, or nothing."""
    new_names = next((new for new, old in run.filed_under.items() if old == name), None)
    return f" '{name}' is called '{new_names}' here." if new_names else ""


def _without(run: Run, names: Collection[str]) -> Run:
    cards = {name: card for name, card in run.record["restorers"].items() if name not in names}
    rows = tuple(row for row in run.rows if row.restorer not in names)
    return replace(run, record={**run.record, "restorers": cards}, rows=rows)


def _known(run: Run, name: str) -> None:
    cards = run.record["restorers"]
    if name not in cards:
        raise UserError(
            f"{run.folder} has no restorer '{name}'.{nearest(name, cards)} It has: "
            f"{', '.join(cards)}"
        )

"""Which restorers of a leaderboard can be told apart: a letter for each group that cannot.

Every two blind restorers are compared as `bench.comparing` does; the p values of a column are
corrected together (Holm), for a column is read by itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.comparable import refuse_mixed_signatures, refuse_unfinished
from bench.comparing import compare_pairs, why_not_compared
from bench.comparison import Comparison
from bench.pairing import Side, open_condition
from bench.record import SECONDS, Run
from bench.resampling import holm

__all__ = ["Grouping", "group_letters", "significance_groups"]


@dataclass(frozen=True, slots=True)
class Grouping:
    """One column of a leaderboard.

    Attributes
    ----------
    dataset, recipe, metric
        Which.
    letters
        Each blind restorer's, such as ``ab``: two that share a letter cannot be told apart at
        5 % over the column's comparisons. ``a`` is the group of the one that wins most in the
        mean. Restorers without a value have none.
    photographs
        The fewest behind any of the comparisons.
    """

    dataset: str
    recipe: str
    metric: str
    letters: Mapping[str, str]
    photographs: int


def significance_groups(run: Run) -> list[Grouping]:
    """Return the groups of every column of single images, of runs with two restorers or more.

    Distances between sets are left to `bench.comparing.compare`.

    Raises
    ------
    UserError
        The run is not finished, or mixes values that cannot be compared.
    """
    refuse_unfinished(run)
    refuse_mixed_signatures(run)
    blind = [name for name, card in run.record["restorers"].items() if card["blind"]]
    facts = [
        each
        for each in run.record["metrics"].values()
        if each["kind"] == "pair"
        and each["name"] != SECONDS["name"]
        and not why_not_compared(each, run)
    ]
    if len(blind) < 2:
        return []
    side, found = Side(run), []
    pairs = [((side, one), (side, other)) for one, other in itertools.combinations(blind, 2)]
    for place in run.record["conditions"]:
        condition = open_condition(side, place["dataset"], place["recipe"], "all")
        rows = list(compare_pairs(condition, pairs, facts, run, "cap"))
        for each in facts:
            own = [row for row in rows if row.metric == each["name"]]
            if not any(row.photographs for row in own):
                continue
            corrected = holm([row.p for row in own])
            own = [replace(row, p_holm=p) for row, p in zip(own, corrected, strict=True)]
            found.append(_grouping(own, blind))
    return found


def _grouping(rows: Sequence[Comparison], names: Sequence[str]) -> Grouping:
    """Return the letters of one column, its restorers ordered by what they win in the mean.

    A restorer that shares no photograph with any other has no value and no letter.
    """
    rows = [row for row in rows if row.photographs]
    met = {name for row in rows for name in (row.restorer, row.against)}
    names = [name for name in names if name in met]
    better = {name: 0.0 for name in names}
    apart = set()
    for row in rows:
        gain = row.difference.mean or 0.0
        gain = gain if row.direction == "higher" else -gain
        better[row.restorer] += gain
        better[row.against] -= gain
        if row.verdict != "cannot tell":
            apart.add(frozenset((row.restorer, row.against)))
    order = sorted(names, key=lambda name: (-better[name], names.index(name)))
    first = rows[0]
    photographs = min(row.photographs for row in rows)
    letters = group_letters(order, apart)
    return Grouping(first.dataset, first.recipe, first.metric, letters, photographs)


def group_letters(names: Sequence[str], apart: set[frozenset[str]]) -> dict[str, str]:
    """Return a letter display: two names share a letter if and only if they are not apart.

    Parameters
    ----------
    names
        Best first; letters are given in this order.
    apart
        Pairs of names that can be told apart.

    Notes
    -----
    The groups are the maximal cliques of the names that cannot be told apart, as in H.-P. Piepho,
    "An algorithm for a letter-based representation of all-pairwise comparisons", JCGS 13 (2004).
    """
    alike = {
        name: frozenset(n for n in names if n != name and frozenset((n, name)) not in apart)
        for name in names
    }
    groups = list(_cliques(frozenset(), frozenset(names), frozenset(), alike))
    groups.sort(key=lambda group: sorted(names.index(name) for name in group))
    letters = {name: "" for name in names}
    for number, group in enumerate(groups):
        for name in group:
            letters[name] += _letter(number)
    return {name: letters[name] for name in names}


def _cliques(
    chosen: frozenset[str],
    open_names: frozenset[str],
    done: frozenset[str],
    alike: Mapping[str, frozenset[str]],
) -> Iterator[frozenset[str]]:
    """Yield the maximal cliques that hold ``chosen`` (Bron and Kerbosch 1973, algorithm 1)."""
    if not open_names and not done:
        yield chosen
    for name in sorted(open_names):
        yield from _cliques(chosen | {name}, open_names & alike[name], done & alike[name], alike)
        open_names, done = open_names - {name}, done | {name}


def _letter(number: int) -> str:
    """Return a, b, ... z, then a1, b1, ..."""
    round_, place = divmod(number, 26)
    return chr(ord("a") + place) + (str(round_) if round_ else "")

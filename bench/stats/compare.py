"""Paired comparison of restorers: which is better, by how much, and whether that can be told.

Every comparison is over the same photographs, all comparisons of a table share their draws, and
all of its p values are corrected together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.stats.comparison import (
    NO_CAPS,
    SIGNIFICANT,
    Comparison,
    Comparisons,
    Pair,
    compare_pairs,
    why_not_compared,
)
from bench.stats.compatibility import (
    refuse_mixed_signatures,
    refuse_other_images,
    refuse_unfinished,
)
from bench.stats.paired_values import Infinite, Side, open_condition
from bench.stats.resampling import DRAWS, holm
from bench.stats.scores import BASELINE
from bench.stats.successors import former_name_hint
from bench.store.record import SECONDS, Run
from degrade.config import nearest
from degrade.errors import UserError

_MOST = int(SIGNIFICANT * (DRAWS + 1) / 2)
"""Comparisons beyond which the smallest p that the draws can give is not significant."""


def compare(
    run: Run,
    restorer: str,
    against: Sequence[str] = (),
    *,
    metrics: Sequence[str] = (),
    subset: str = "all",
    infinite: Infinite = "cap",
) -> Comparisons:
    """Compare one restorer of a run with others of the same run.

    Parameters
    ----------
    against
        Names; none for every blind restorer of the run.
    metrics
        Names; none for all that judge images.
    subset
        One of `bench.stats.paired_values.SUBSETS`.
    infinite
        Whether values beyond the metric's cap count as that, or infinite ones are left out (and
        counted); the signature says which.

    Raises
    ------
    UserError
        The run is not finished, a name that it does not have, nobody to compare with, or more
        comparisons than the draws can correct for.
    DatasetError
        The feature vectors of the run are missing.
    """
    refuse_unfinished(run)
    cards = run.record["restorers"]
    blind = [name for name, card in cards.items() if card["blind"] and name != restorer]
    for name in (restorer, *against):
        _known(name, cards, "restorer")
    side = Side(run)
    refuse_mixed_signatures(run)
    others = [other for other in dict.fromkeys(against or blind) if other != restorer]
    if not others:
        raise UserError(f"there is nobody to compare '{restorer}' with: name others by --against")
    pairs = [((side, restorer), (side, other)) for other in others]
    return _table(pairs, run, _chosen(metrics, run), subset, infinite)


def compare_runs(
    before: Run,
    after: Run,
    restorers: Sequence[str] = (),
    *,
    metrics: Sequence[str] = (),
    subset: str = "all",
    infinite: Infinite = "cap",
    caps: Mapping[str, float] = NO_CAPS,
) -> Comparisons:
    """Compare restorers with themselves in an earlier run on the same degraded images.

    The difference is ``after`` minus ``before``. The hardest third is that of ``before``.

    Parameters
    ----------
    restorers
        Names; none for all that both runs have but `BASELINE`.
    caps
        Metric to the largest value that counts, where it is less than its own cap; the signature
        says which.

    Raises
    ------
    UserError
        One of the runs is not finished, or a name that one of them does not have.
    NotComparableError
        The runs have other images or degradations, or compute a metric in another way.
    """
    for each in (before, after):
        refuse_unfinished(each)
    shared_metrics = _chosen(metrics, before, after)
    refuse_other_images(before, after, shared_metrics)
    shared = [name for name in before.record["restorers"] if name in after.record["restorers"]]
    for name in restorers:
        _known(name, dict.fromkeys(shared), "restorer", former_name_hint(before, name))
    chosen = list(dict.fromkeys(restorers)) or [name for name in shared if name != BASELINE]
    if not chosen:
        raise UserError("the two runs share no restorer: name runs of the same restorers")
    first, second = Side(before), Side(after)
    return _table(
        [((second, n), (first, n)) for n in chosen], before, shared_metrics, subset, infinite, caps
    )


def _table(
    pairs: Sequence[Pair],
    run: Run,
    metrics: Sequence[str],
    subset: str,
    infinite: Infinite,
    caps: Mapping[str, float] = NO_CAPS,
) -> Comparisons:
    entries = run.metrics
    chosen = [entries[name] for name in metrics]
    notes = [why_not_compared(each, run) for each in chosen]
    comparable = [each for each, note in zip(chosen, notes, strict=True) if not note]
    rows: list[Comparison] = []
    for index in run.record["conditions"]:
        condition = open_condition(pairs[0][1][0], index["dataset"], index["recipe"], subset)
        rows += compare_pairs(condition, pairs, comparable, run, infinite, caps)
    if len(rows) > _MOST:
        raise UserError(
            f"{len(rows)} comparisons are more than {_MOST}, for which {DRAWS} draws suffice: "
            "name fewer by --against or --metrics"
        )
    return Comparisons(_corrected(rows), subset, tuple(note for note in notes if note))


def _chosen(metrics: Sequence[str], run: Run, *others: Run) -> list[str]:
    """Return the metrics that were named, or all that the runs share but the time."""
    for name in metrics:
        _known(name, run.record["metrics"], "metric")
        if name == SECONDS["name"]:
            raise UserError(f"'{name}' judges no image: `bench report` tells it among the costs")
        if any(name not in each.record["metrics"] for each in others):
            raise UserError(f"the later run has no metric '{name}': run its suite again with it")
    shared = [
        name
        for name in run.record["metrics"]
        if name != SECONDS["name"] and all(name in each.record["metrics"] for each in others)
    ]
    return list(dict.fromkeys(metrics)) or shared


def _corrected(rows: Sequence[Comparison]) -> tuple[Comparison, ...]:
    tested = [index for index, row in enumerate(rows) if row.wilcoxon is not None]
    second = dict(zip(tested, holm([rows[i].wilcoxon or 0.0 for i in tested]), strict=True))
    first = holm([row.p for row in rows])
    return tuple(
        replace(row, p_holm=first[index], wilcoxon_holm=second.get(index))
        for index, row in enumerate(rows)
    )


def _known(name: str, names: Mapping[str, Any], what: str, hint: str = "") -> None:
    if name not in names:
        hint = hint or nearest(name, names)
        raise UserError(f"the run has no {what} '{name}'.{hint} It has: {', '.join(names)}")

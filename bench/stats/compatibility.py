"""Whether runs may be compared: finished, of the same images, degradations and ways to compute.

Refuses what differs in more than the restorers; it compares no restorer.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from bench.metrics.judge_weights import other_weights
from bench.stats.scores import BASELINE, NotComparableError, signatures
from bench.store.record import SECONDS, Run
from bench.store.rows import ScoreRow
from degrade.errors import UserError

_CODECS = ("imagecodecs", "opencv-python-headless", "pillow")
"""Libraries that decode pictures, or encode where a recipe asks for a system's codec."""

_SAME = "give them the same seed and images"


def refuse_unfinished(run: Run) -> None:
    """Refuse a run that was cut off: the photographs it lacks are not those of chance."""
    if not run.complete:
        raise UserError(f"{run.folder} is not finished: run the suite again into the same folder")


def refuse_mixed_signatures(run: Run) -> None:
    """Refuse a run with two signatures of a metric, or not the recorded one: NotComparableError."""
    for metric, signature in signatures(run.rows).items():
        recorded = run.record["metrics"].get(metric, {}).get("signature", signature)
        if recorded != signature:
            raise NotComparableError(
                f"'{metric}' is {recorded} in {run.folder}, and its rows are {signature}: run the "
                "suite again into a new folder"
            )


def refuse_other_images(before: Run, after: Run, metrics: Collection[str]) -> None:
    """Refuse two runs whose values are not of the same degraded images or not of one kind.

    Only ``metrics`` are compared: another way to compute any other is nobody's harm. Raises
    NotComparableError, which says what differs. That the images are the same is told by the digest
    of their pixels; where a run has none (an image could not be read, or it is of an earlier
    version) by the values that both have of `BASELINE`, to a thousandth, as threads and machines
    may differ.
    """
    otherwise = _computed_otherwise(before, after)
    for metric in (each for each in otherwise if each in metrics):
        raise NotComparableError(otherwise[metric])
    facts = ("dataset", "recipe", "recipe_digest", "keys_sha256")
    conditions = [
        [tuple(each[key] for key in facts) for each in run.record["conditions"]]
        for run in (before, after)
    ]
    if sorted(conditions[0]) != sorted(conditions[1]):
        raise NotComparableError("the two runs are not of the same images and recipes")
    other, same = _by_pixels(before, after)
    known = [
        {
            row.row_key(): row.value
            for row in run.rows
            if _is_plain(row) and row.metric not in otherwise and _where(row) not in same
        }
        for run in (before, after)
    ]
    shared = sorted(known[0].keys() & known[1].keys())
    for key in shared:
        if _differ(known[0][key], known[1][key]):
            what = f"image {key[2]} ({key[1]}) is" if key[2] else f"images of {key[0]} are"
            raise NotComparableError(f"the degraded {what} not the same in both runs: {_SAME}")
    for where in other:
        is_compared = any(key[:2] == where for key in shared)
        reason = f", though {_hair(before, after)}" if is_compared else f": {_SAME}"
        raise NotComparableError(
            f"the pixels of {where[0]} ({where[1]}) are not the same in both runs{reason}"
        )


_Where = tuple[str, str]


def _computed_otherwise(before: Run, after: Run) -> dict[str, str]:
    """Return the metrics whose values of the two runs are of two kinds, and what to say of each."""
    one, other = signatures(before.rows), signatures(after.rows)
    reasons = {}
    for metric in one:
        if metric not in other or metric == SECONDS["name"]:  # of another device, perhaps
            continue
        facts = (run.record["metrics"].get(metric, {}) for run in (before, after))
        if one[metric] != other[metric]:
            reasons[metric] = (
                f"'{metric}' was computed in two ways ({one[metric]} and {other[metric]}): run "
                "both suites again in the same way"
            )
        elif changed := other_weights(*facts):
            reasons[metric] = (
                f"'{metric}' was judged by other weights ({changed}): run both suites again with "
                "the same"
            )
    return reasons


def _by_pixels(before: Run, after: Run) -> tuple[list[_Where], set[_Where]]:
    """Return the conditions whose digests of pixels are known of both runs: other, and the same."""
    one, two = (
        {(each["dataset"], each["recipe"]): each.get("pixels_sha256") for each in conditions}
        for conditions in (before.record["conditions"], after.record["conditions"])
    )
    both = [where for where in one if one[where] and two.get(where)]
    same = {where for where in both if one[where] == two[where]}
    return [where for where in both if where not in same], same


def _differ(one: float | None, other: float | None) -> bool:
    """Say whether two values are of other pixels, to a thousandth; a lost one tells nothing."""
    if one is None or other is None:
        return False
    return not math.isclose(one, other, rel_tol=1e-3, abs_tol=1e-3)


def _hair(before: Run, after: Run) -> str:
    """Say what changes pixels by a hair only: degrading does not, on any machine.

    The promise of `degrade` starts at decoded pixels and leaves out the codecs of a few recipes.
    """
    one, other = (run.record.get("environment", {}).get("libraries", {}) for run in (before, after))
    names = [name for name in _CODECS if one.get(name) != other.get(name)]
    recorded = ", ".join(f"{name} {one.get(name)} and {other.get(name)}" for name in names)
    return (
        "no value of the input differs by more than a thousandth, as where a file was encoded "
        f"anew or another decoder read it{f' ({recorded})' if recorded else ''}: run both suites "
        "again on the same files and libraries"
    )


def _where(row: ScoreRow) -> _Where:
    return row.dataset, row.recipe


def _is_plain(row: ScoreRow) -> bool:
    return row.restorer == BASELINE and row.metric != SECONDS["name"]


_DECISIVE = ("name", "seed", "variants", "size", "masks")


def refuse_other_suite(before: Run, after: Run) -> None:
    """Refuse runs of suites that differ in name, seed, variants, size or masks: NotComparableError.

    Data sets, recipes, images and signatures are checked where the values are compared.
    """
    one, other = before.record["suite"], after.record["suite"]
    for key in _DECISIVE:
        if one.get(key) != other.get(key):
            raise NotComparableError(
                f"the runs are of two suites: {key} was {one.get(key)}, now {other.get(key)}: "
                "run the same suite, or make a new baseline"
            )

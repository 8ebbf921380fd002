"""Whether runs may be compared: finished, of the same images, degradations and ways to compute.

Refuses what differs in more than the restorers; it compares no restorer.
"""

from __future__ import annotations

from bench.record import SECONDS, Run
from bench.scores import BASELINE, NotComparableError, signatures
from degrade.errors import UserError

__all__ = ["refuse_mixed_signatures", "refuse_other_images", "refuse_unfinished"]


def refuse_unfinished(run: Run) -> None:
    """Refuse a run that was cut off: the photographs it lacks are not those of chance.

    Raises
    ------
    UserError
        Saying how to finish it.
    """
    if not run.complete:
        raise UserError(f"{run.folder} is not finished: run the suite again into the same folder")


def refuse_mixed_signatures(run: Run) -> None:
    """Refuse a run whose values of one metric were computed in two ways, or not as it says.

    Raises
    ------
    NotComparableError
        Naming the metric and both signatures.
    """
    for metric, signature in signatures(run.rows).items():
        told = run.record["metrics"].get(metric, {}).get("signature", signature)
        if told != signature:
            raise NotComparableError(
                f"'{metric}' is {told} in {run.folder}, and its rows are {signature}: run the "
                "suite again into a new folder"
            )


def refuse_other_images(before: Run, after: Run) -> None:
    """Refuse two runs whose values are not of the same degraded images or not of one kind.

    Raises
    ------
    NotComparableError
        Saying what differs. That the degraded images are the same is told by the values that
        both runs have of `BASELINE`, to a thousandth, as threads and machines may differ.
    """
    one, other = signatures(before.rows), signatures(after.rows)
    for metric in one.keys() & other.keys():
        if one[metric] != other[metric]:
            raise NotComparableError(
                f"'{metric}' was computed in two ways ({one[metric]} and {other[metric]}): run "
                "both suites again in the same way"
            )
    wanted = ("dataset", "recipe", "recipe_digest", "keys_sha256")
    places = [
        [tuple(each[key] for key in wanted) for each in run.record["conditions"]]
        for run in (before, after)
    ]
    if sorted(places[0]) != sorted(places[1]):
        raise NotComparableError("the two runs are not of the same images and recipes")
    inputs = [
        {row.row_key(): row.value for row in run.rows if _is_plain(row.restorer, row.metric)}
        for run in (before, after)
    ]
    for key in inputs[0].keys() & inputs[1].keys():
        a, b = inputs[0][key], inputs[1][key]
        if a is None or b is None:  # a metric that failed in one of them tells nothing of images
            continue
        if a != b and abs(a - b) > 1e-3 * max(1.0, abs(a)):
            raise NotComparableError(
                f"the degraded image {key[2]} ({key[1]}) is not the same in both runs: give them "
                "the same seed and images"
            )


def _is_plain(restorer: str, metric: str) -> bool:
    return restorer == BASELINE and metric != SECONDS["name"]

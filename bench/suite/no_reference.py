"""Photographs without a truth: what stands in for pairs, and which metrics can judge them.

Real photographs were not degraded by anybody here, so nobody has their truths. What looks at one
is refused before anything is restored: no number is better than one against the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.metrics.metric import PairMetric, SetMetric
from bench.metrics.no_reference.niqe import NIQE, NIQE_Y_FULL
from bench.metrics.no_reference.pyiqa_metric import PREFIX
from bench.suite.suite import Suite, SuiteError
from degrade.dataset.sources import ImageSource
from degrade.planner.plan import Plan

__all__ = ["AS_FOUND", "Photographs", "judges_without_truth", "refuse_metrics_of_truths"]

AS_FOUND = "as-found"
"""Stands where the name of a recipe stands."""


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph in the place of a pair: both halves are the photograph itself.

    Attributes
    ----------
    key
        Its name.
    hq, lq
        The photograph, uint8 HWC RGB.
    plan
        Without a step.
    """

    key: str
    hq: NDArray[np.uint8]
    lq: NDArray[np.uint8]
    plan: Plan


@dataclass(frozen=True, slots=True)
class Photographs:
    """The photographs of a source, decoded when they are asked for."""

    source: ImageSource

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int, /) -> Photograph:
        key = self.source.keys[index]
        image = self.source.read(key)
        size = image.shape[0], image.shape[1]
        return Photograph(key, image, image, Plan(AS_FOUND, AS_FOUND, 0, key, 0, size, ()))


def judges_without_truth(metric: PairMetric | SetMetric) -> bool:
    """Say whether a metric of single images looks at the restored one alone."""
    if metric.name.startswith(PREFIX):
        from bench.metrics.no_reference.pyiqa_metric import looks_at_truth

        return not looks_at_truth(metric.name)
    return metric.name in (NIQE.name, NIQE_Y_FULL.name)


def refuse_metrics_of_truths(suite: Suite, metrics: Sequence[PairMetric | SetMetric]) -> None:
    """Refuse a suite without truths that asks for a metric which needs them; raises SuiteError."""
    if suite.truths:
        return
    for metric in metrics:
        if isinstance(metric, SetMetric):
            if suite.reference is None:
                raise SuiteError(
                    f"'{metric.name}' compares with a set, and these photographs have no truths: "
                    "give clean faces by --reference FOLDER, or leave it out by --metrics"
                )
        elif not judges_without_truth(metric):
            raise SuiteError(
                f"'{metric.name}' compares with a truth, and these photographs have none: name "
                "niqe, a metric of pyiqa without a reference (pyiqa:musiq), or one of sets"
            )

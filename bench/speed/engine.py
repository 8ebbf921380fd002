"""The table ``degrade``: check that both sides are equally strong, then time them in turn.

Single operations against a peer or its formula, and the GFPGAN recipe, its colour steps left
out, against BasicSR's steps over the same plans.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.speed.cases import CASES, SpeedCase
from bench.speed.images import SEED, astronaut
from bench.speed.peers import PeerProcess, PeerSide, PeerUnavailableError, open_peers, peer_side
from bench.speed.references import COLOUR, degrade_as_basicsr
from bench.speed.timing import (
    KEEP_MEMORY,
    Ratio,
    in_turn,
    machine_text,
    met_text,
    one_core,
    thread_text,
    timed_calls,
)
from degrade import Plan, Step, apply, load_recipe, plan
from degrade.errors import UserError
from degrade.images import Image
from degrade.ops import OPERATIONS
from degrade.terminal import columns

EQUAL = 0.03
"""Relative difference up to which two strengths count as equal."""
PLANS = 200
_RECIPE, _RECIPE_TITLE, _RECIPE_BAR = "gfpgan", "GFPGAN recipe", 10.0
_RECIPE_REFERENCE = "BasicSR's steps in OpenCV + NumPy"
_RECIPE_ROUNDS = 3
_STRENGTH_PLANS = 20
_HEADINGS = ("work", "ours ms", "reference ms", "ratio", "min-max", "bar", "met", "against")


@dataclass(frozen=True, slots=True)
class SpeedLine:
    """One measured case; without a ratio it was left out.

    ``note`` says why it was, or why the peer itself is not the reference. Strengths are standard
    deviations of output − source, levels.
    """

    name: str
    title: str
    bar: float | None
    reference: str = ""
    note: str = ""
    ratio: Ratio | None = None
    strength: float = 0.0
    reference_strength: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether both sides are equally strong, within 3 %."""
        return abs(self.strength - self.reference_strength) <= EQUAL * self.reference_strength

    @property
    def met(self) -> bool | None:
        """Whether the bar is met by the median of the ratios; None without a bar or a ratio."""
        if self.bar is None or self.ratio is None:
            return None
        return self.equal and self.ratio.median >= self.bar

    def cells(self) -> tuple[str, ...]:
        """Return the line of the table."""
        bar = "" if self.bar is None else f"{self.bar:g}×"
        if self.ratio is None:
            return (self.title, "-", "-", "-", "-", bar, "-", "-")
        return (
            self.title,
            f"{self.ratio.ours_ms:.2f}",
            f"{self.ratio.reference_ms:.2f}",
            f"{self.ratio.median:.1f}×",
            f"{self.ratio.low:.1f}-{self.ratio.high:.1f}",
            bar,
            met_text(self.met),
            self.reference,
        )

    def remarks(self) -> list[str]:
        """Return what stands below the table."""
        remarks = []
        if self.note:
            because = self.note if self.ratio is None else f"formula, not the peer: {self.note}"
            remarks.append(f"{self.title}: {because}")
        if self.ratio is not None and not self.equal:
            remarks.append(
                f"{self.title}: not equally strong, so not comparable: standard deviation of the "
                f"change {self.strength:.2f} (ours), {self.reference_strength:.2f} (reference) "
                "levels"
            )
        return remarks


@dataclass(frozen=True, slots=True)
class SpeedReport:
    """The table ``degrade``, and where it was measured.

    ``core`` is None where the system cannot bind a process. With ``memory_kept`` malloc kept freed
    memory on both sides, so that page faults do not count.
    """

    environment: dict[str, Any]
    image: str
    core: int | None
    memory_kept: bool
    lines: tuple[SpeedLine, ...]

    def text(self) -> str:
        """Return an aligned table with the machine above and the remarks below."""
        remarks = [remark for line in self.lines for remark in line.remarks()]
        return "\n".join(
            [
                machine_text(self.environment),
                ", ".join(f"{name} {v}" for name, v in self.environment["libraries"].items()),
                f"{self.image}; {thread_text(self.core)}; CPU time, medians, both sides in turn",
                "freed memory kept by both sides"
                if self.memory_kept
                else "malloc as the system has it",
                "",
                *columns([_HEADINGS, *(line.cells() for line in self.lines)], left=(0, 6, 7)),
                *([""] if remarks else []),
                *remarks,
            ]
        )

    def record(self) -> dict[str, Any]:
        """Return JSON values; ratios are reference / ours."""
        return {
            "environment": self.environment,
            "image": self.image,
            "core": self.core,
            "memory_kept": self.memory_kept,
            "cases": [
                {**asdict(line), "equal": line.ratio and line.equal, "met": line.met}
                for line in self.lines
            ],
        }


def case_names() -> tuple[str, ...]:
    """Return every name that a case may be asked for by."""
    return (_RECIPE, *(case.name for case in CASES))


def measure_engine(
    names: Sequence[str] = (),
    *,
    runs: int = 15,
    plans: int = PLANS,
    peer_pythons: Sequence[Path] = (),
    memory_kept: bool = False,
    image: Image | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> SpeedReport:
    """Measure the cases of these `case_names`, all when empty.

    ``runs`` pairs of samples each; the recipe, whose samples are long, takes 3 at most. With
    ``memory_kept`` (this process has called `keep_memory`) peers do the same. The image is the
    astronaut when None. ``tell`` gets the title of every case that is done. UserError for an
    unknown name, or a Python that cannot be started.
    """
    from bench.store.environment import environment

    unknown = sorted(set(names) - set(case_names()))
    if unknown:
        raise UserError(f"there is no case {unknown[0]}: the names are {', '.join(case_names())}")
    source = astronaut() if image is None else image
    label = "astronaut of scikit-image" if image is None else "given"
    lines: list[SpeedLine] = []
    with (
        one_core() as core,
        open_peers(peer_pythons, source, KEEP_MEMORY if memory_kept else None) as peers,
    ):
        if not names or _RECIPE in names:
            lines.append(_recipe_line(source, plans, min(runs, _RECIPE_ROUNDS)))
            tell(_RECIPE_TITLE)
        for case in CASES:
            if not names or case.name in names:
                lines.append(_case_line(case, source, peers, runs))
                tell(case.title)
    height, width = source.shape[:2]
    described = f"{label}, {height} × {width} RGB"
    return SpeedReport(environment(), described, core, memory_kept, tuple(lines))


def _case_line(case: SpeedCase, image: Image, peers: Sequence[PeerProcess], runs: int) -> SpeedLine:
    step = _with_defaults(case.step)
    problem = _problem(step)
    if problem:
        return SpeedLine(case.name, case.title, case.bar, note=problem)
    drawn = Plan("speed", "", SEED, case.name, 0, image.shape[:2], (step,))
    reference, note = _reference(case, image, peers)
    return SpeedLine(
        case.name,
        case.title,
        case.bar,
        reference.label,
        note,
        in_turn(timed_calls(lambda: apply(drawn, image)), reference.calls, runs),
        _strength(apply(drawn, image), image),
        _strength(reference.output, image),
    )


def _reference(case: SpeedCase, image: Image, peers: Sequence[PeerProcess]) -> tuple[PeerSide, str]:
    """Return the side to compare with, and why it is no peer."""
    note = ""
    if case.peer is not None:
        try:
            return peer_side(peers, case.peer), ""
        except PeerUnavailableError as reason:
            note = str(reason)
    formula = case.formula
    calls = timed_calls(lambda: formula.run(image))
    return PeerSide(formula.label, formula.run(image), calls), note


def _with_defaults(step: Step) -> Step:
    """Return the step with every parameter that a case leaves at its default."""
    operation = OPERATIONS.get(step.operation)
    specs = operation.parameters if operation else {}
    defaults = {name: spec.default for name, spec in specs.items() if spec.default is not None}
    return replace(step, parameters={**defaults, **step.parameters})


def _problem(step: Step) -> str:
    """Return why this version of Relume cannot do a step, or the empty string."""
    operation = OPERATIONS.get(step.operation)
    if operation is None:
        return f"left out: there is no operation {step.operation} yet"
    if operation.parameters.keys() != step.parameters.keys():
        return f"left out: {step.operation} takes {', '.join(operation.parameters)}"
    for name, spec in operation.parameters.items():
        problem = spec.problem(step.parameters[name])
        if problem:
            return f"left out: {step.operation}: {name} {step.parameters[name]} {problem}"
    return ""


def _strength(output: Image, image: Image) -> float:
    """Return the standard deviation of output − source, levels."""
    return float(np.std(output.astype(np.float64) - image))


def _recipe_line(image: Image, count: int, rounds: int) -> SpeedLine:
    recipe = load_recipe("gfpgan")
    plans = [
        plan(recipe, seed=SEED, image_id=f"{i}.png", size=image.shape[:2]) for i in range(count)
    ]
    plans = [
        replace(each, steps=tuple(s for s in each.steps if s.operation not in COLOUR))
        for each in plans
    ]
    strengths = _recipe_strengths(plans[:_STRENGTH_PLANS], image)  # warms up both sides too
    ratio = _time_recipe(plans, image, rounds)
    return SpeedLine(_RECIPE, _RECIPE_TITLE, _RECIPE_BAR, _RECIPE_REFERENCE, "", ratio, *strengths)


def _recipe_strengths(plans: Sequence[Plan], image: Image) -> tuple[float, float]:
    """Return the standard deviation of output − source over some plans: ours, the reference's."""
    random = np.random.RandomState(SEED)
    levels = image.astype(np.float64)
    ours, theirs = [], []
    for each in plans:
        reference = degrade_as_basicsr(image[..., ::-1], each.steps, random)[..., ::-1]
        ours.append(np.var(apply(each, image) - levels))
        theirs.append(np.var(reference - levels))
    return float(np.sqrt(np.mean(ours))), float(np.sqrt(np.mean(theirs)))


def _time_recipe(plans: Sequence[Plan], image: Image, rounds: int) -> Ratio:
    """Return the ratio of the totals over all plans, once for each round; ms for one image."""
    random = np.random.RandomState(SEED)
    blue_first = np.ascontiguousarray(image[..., ::-1])  # as OpenCV reads it
    ours, theirs = [], []
    for _ in range(rounds):
        own_total = reference_total = 0.0
        for each in plans:
            start = time.process_time()
            apply(each, image)
            middle = time.process_time()
            degrade_as_basicsr(blue_first, each.steps, random)
            own_total += middle - start
            reference_total += time.process_time() - middle
        ours.append(own_total / len(plans))
        theirs.append(reference_total / len(plans))
    return Ratio.of(ours, theirs)

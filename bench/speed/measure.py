"""Measure the table: check that both sides are equally strong, then time them in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.speed import recipe as gfpgan
from bench.speed.case import Formula, Image, SpeedCase
from bench.speed.cases import CASES
from bench.speed.peers import Peers, PeerSide, PeerUnavailableError
from bench.speed.timing import (
    KEEP_MEMORY,
    LocalSide,
    Ratio,
    TimedCall,
    in_turn,
    machine_text,
    met_text,
    one_core,
    thread_text,
)
from degrade import Plan, Step, apply
from degrade.errors import UserError
from degrade.ops import OPERATIONS
from degrade.terminal import columns

__all__ = ["SpeedLine", "SpeedReport", "as_record", "as_text", "case_names", "measure"]

EQUAL = 0.03
"""Relative difference up to which two strengths count as equal."""
PLANS = 200
_RECIPE_ROUNDS = 3
_STRENGTH_PLANS = 20


@dataclass(frozen=True, slots=True)
class SpeedLine:
    """One measured line.

    Attributes
    ----------
    name, title, bar
        Of the case.
    reference
        What ours was compared with.
    note
        Why the peer itself was not, or why the case was left out; may be empty.
    ratio
        None when the case was left out.
    strength, reference_strength
        Standard deviation of output − source, levels, of both sides.
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


@dataclass(frozen=True, slots=True)
class SpeedReport:
    """The whole table and where it was measured.

    Attributes
    ----------
    environment
        From `bench.store.environment`.
    image
        What was degraded.
    core
        The one that both sides were bound to, None where the system cannot.
    memory_kept
        Whether malloc kept freed memory on both sides, so that page faults do not count.
    lines
        In the order of the table.
    """

    environment: dict[str, Any]
    image: str
    core: int | None
    memory_kept: bool
    lines: tuple[SpeedLine, ...]


def case_names() -> tuple[str, ...]:
    """Return every name that a case may be asked for by."""
    return (gfpgan.NAME, *(case.name for case in CASES))


def measure(
    names: Sequence[str] = (),
    *,
    runs: int = 15,
    plans: int = PLANS,
    peer_pythons: Sequence[Path] = (),
    memory_kept: bool = False,
    image: Image | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> SpeedReport:
    """Return the measured table.

    Parameters
    ----------
    names
        Cases to measure, from `case_names`; all when empty.
    runs
        Pairs of samples; the recipe, whose samples are long, takes 3 at most.
    plans
        Plans of the recipe.
    peer_pythons
        Interpreters of environments in which AlbumentationsX or imagecorruptions live.
    memory_kept
        Whether this process has called `bench.speed.timing.keep_memory`: peers then do the same.
    image
        uint8 (height, width, 3); the astronaut of scikit-image, 512 × 512, when None.
    tell
        Gets the title of every case that is done.

    Raises
    ------
    UserError
        There is no case of that name, or a Python that cannot be started.
    """
    from bench.store.environment import environment

    unknown = sorted(set(names) - set(case_names()))
    if unknown:
        raise UserError(f"there is no case {unknown[0]}: the names are {', '.join(case_names())}")
    source = _astronaut() if image is None else image
    label = "astronaut of scikit-image" if image is None else "given"
    lines: list[SpeedLine] = []
    with (
        one_core() as core,
        Peers(peer_pythons, source, KEEP_MEMORY if memory_kept else None) as peers,
    ):
        if not names or gfpgan.NAME in names:
            lines.append(_recipe(source, plans, min(runs, _RECIPE_ROUNDS)))
            tell(gfpgan.TITLE)
        for case in CASES:
            if not names or case.name in names:
                lines.append(_single(case, source, peers, runs))
                tell(case.title)
    height, width = source.shape[:2]
    described = f"{label}, {height} × {width} RGB"
    return SpeedReport(environment(), described, core, memory_kept, tuple(lines))


def _astronaut() -> Image:
    import skimage.data

    astronaut: Image = skimage.data.astronaut()  # type: ignore[no-untyped-call]  # has no types
    return np.ascontiguousarray(astronaut)


def _recipe(image: Image, count: int, rounds: int) -> SpeedLine:
    plans = gfpgan.plans_without_colour(count, image.shape[:2])
    ours, theirs = gfpgan.strengths(plans[:_STRENGTH_PLANS], image)  # warms up both sides too
    ratio = gfpgan.time_recipe(plans, image, rounds)
    return SpeedLine(gfpgan.NAME, gfpgan.TITLE, gfpgan.BAR, gfpgan.LABEL, "", ratio, ours, theirs)


def _single(case: SpeedCase, image: Image, peers: Peers, runs: int) -> SpeedLine:
    step = _with_defaults(case.step)
    problem = _unable(step)
    if problem:
        return SpeedLine(case.name, case.title, case.bar, note=problem)
    plan = Plan("speed", "", 7, case.name, 0, image.shape[:2], (step,))
    reference, label, output, note = _reference(case, image, peers)
    ratio = in_turn(LocalSide(lambda: apply(plan, image)), reference, runs)
    return SpeedLine(
        case.name,
        case.title,
        case.bar,
        label,
        note,
        ratio,
        _strength(apply(plan, image), image),
        _strength(output, image),
    )


def _reference(case: SpeedCase, image: Image, peers: Peers) -> tuple[TimedCall, str, Image, str]:
    """Return the side to compare with, its label, its output and why it is no peer."""
    note = ""
    if case.peer is not None:
        try:
            side: PeerSide = peers.side(case.peer)
        except PeerUnavailableError as reason:
            note = str(reason)
        else:
            return side, side.label, side.output, ""
    formula: Formula = case.formula
    return LocalSide(lambda: formula.run(image)), formula.label, formula.run(image), note


def _with_defaults(step: Step) -> Step:
    """Return the step with every parameter that a case leaves at its default."""
    operation = OPERATIONS.get(step.operation)
    specs = operation.parameters if operation else {}
    defaults = {name: spec.default for name, spec in specs.items() if spec.default is not None}
    return replace(step, parameters={**defaults, **step.parameters})


def _unable(step: Step) -> str:
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


_HEADINGS = ("work", "ours ms", "reference ms", "ratio", "min-max", "bar", "met", "against")


def as_text(report: SpeedReport) -> str:
    """Return an aligned table with the machine above and the remarks below."""
    lines = [
        machine_text(report.environment),
        ", ".join(f"{name} {v}" for name, v in report.environment["libraries"].items()),
        f"{report.image}; {thread_text(report.core)}; CPU time, medians, both sides in turn",
        "freed memory kept by both sides" if report.memory_kept else "malloc as the system has it",
        "",
        *columns([_HEADINGS, *map(_cells, report.lines)], left=(0, 6, 7)),
    ]
    remarks = [remark for line in report.lines for remark in _remarks(line)]
    return "\n".join([*lines, *([""] if remarks else []), *remarks])


def _cells(line: SpeedLine) -> tuple[str, ...]:
    bar = "" if line.bar is None else f"{line.bar:g}×"
    if line.ratio is None:
        return (line.title, "-", "-", "-", "-", bar, "-", "-")
    ratio = line.ratio
    return (
        line.title,
        f"{ratio.ours_ms:.2f}",
        f"{ratio.reference_ms:.2f}",
        f"{ratio.median:.1f}×",
        f"{ratio.low:.1f}-{ratio.high:.1f}",
        bar,
        met_text(line.met),
        line.reference,
    )


def _remarks(line: SpeedLine) -> list[str]:
    remarks = []
    if line.note:
        because = line.note if line.ratio is None else f"formula, not the peer: {line.note}"
        remarks.append(f"{line.title}: {because}")
    if line.ratio is not None and not line.equal:
        remarks.append(
            f"{line.title}: not equally strong, so not comparable: standard deviation of the change"
            f" {line.strength:.2f} (ours), {line.reference_strength:.2f} (reference) levels"
        )
    return remarks


def as_record(report: SpeedReport) -> dict[str, Any]:
    """Return the report as JSON values; ratios are reference / ours."""
    return {
        "environment": report.environment,
        "image": report.image,
        "core": report.core,
        "memory_kept": report.memory_kept,
        "cases": [
            {**asdict(line), "equal": line.ratio and line.equal, "met": line.met}
            for line in report.lines
        ],
    }

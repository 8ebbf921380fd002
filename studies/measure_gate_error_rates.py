"""How often the gate errs: ``python studies/measure_gate_error_rates.py``.

Scores are stored once (see `gate_error_scores`), then runs are drawn from them: each trial takes
some images without replacement, gives each a baseline and a changed value, and asks for the
verdict. The draws of the bootstrap are those of `bench gate`, used for all trials at once; a few
trials are also put through the whole gate, which must say the same.

Faces of your own: ``--dataset FOLDER --restorer style-128 --recipe gfpgan-128``, with which
docs/gate.md was made. Without them any machine can run it: on crops of scikit-image's photographs.
Scoring takes about a minute for each variant.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from gate_error_scores import JUDGE, KINDS, METRICS, Scores, scores
from numpy.typing import NDArray
from scipy.stats import binomtest

from bench.gate.checks import is_worse
from bench.gate.coverage import Coverage
from bench.gate.gate import gate
from bench.gate.rules import MetricRule, Rules, load_rules
from bench.metrics.registry import entry_of
from bench.stats.resampling import DRAWS, _draws, holm
from bench.store.record import Run
from bench.store.rows import ScoreRow

_SEED, _COLUMNS, _WHOLE = 7, 400, 5

Values = NDArray[np.float64]
"""``(images, metrics)``."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Values of the same images before and after; NaN where there is none."""

    before: Values
    after: Values


Draw = Callable[[Values, np.random.Generator], Trial]
"""``(kinds, images, variants, metrics)`` of the images of a trial, to the two runs."""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="sample-photos")
    parser.add_argument("--restorer", default="nlmeans")
    parser.add_argument("--recipe", default="kuaishou-128")
    parser.add_argument("--variants", type=int, default=4)
    parser.add_argument("--images", type=int, default=200, help="in each trial")
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--rules", type=Path)
    parser.add_argument("--scores", type=Path, default=Path("runs/gate-error-rates"))
    return parser.parse_args()


def versions(stored: Values, generator: np.random.Generator) -> tuple[Values, Values]:
    """Return ``(kinds, images, metrics)`` of two different variants of each image."""
    count, variants = stored.shape[1:3]
    order = np.argsort(generator.random((count, variants)), axis=1)
    images = np.arange(count)
    return stored[:, images, order[:, 0]], stored[:, images, order[:, 1]]


def spoil(before: Values, worse: Values, share: float, generator: np.random.Generator) -> Trial:
    """Return a trial in which a random share of the images has the worse values."""
    chosen = generator.permutation(len(before))[: round(share * len(before))]
    after = before.copy()
    after[chosen] = worse[chosen]
    return Trial(before, after)


def other_variants(stored: Values, generator: np.random.Generator) -> Trial:
    one, other = versions(stored, generator)
    return Trial(one[KINDS.index("restored")], other[KINDS.index("restored")])


def dithered(stored: Values, generator: np.random.Generator) -> Trial:
    one, _ = versions(stored, generator)
    return Trial(one[KINDS.index("restored")], one[KINDS.index("dithered")])


def spoiler(kind: str, share: float, *, least: float = -1.0, most: float = 9.0) -> Draw:
    """Return a draw that spoils a share, again and again until the judge's loss is in between."""

    def draw(stored: Values, generator: np.random.Generator) -> Trial:
        one, _ = versions(stored, generator)
        for _ in range(500):
            trial = spoil(one[KINDS.index("restored")], one[KINDS.index(kind)], share, generator)
            loss = trial.after[:, JUDGE].mean() / trial.before[:, JUDGE].mean() - 1
            if least <= loss <= most:
                return trial
        raise SystemExit(f"{kind}: no draw of {share:.0%} loses {least:.1%} to {most:.1%}")

    return draw


def failing(share: float) -> Draw:
    """Return a draw in which each image fails with this chance."""

    def draw(stored: Values, generator: np.random.Generator) -> Trial:
        one, _ = versions(stored, generator)
        lost = generator.random(len(one[0])) < share
        return Trial(one[0], np.where(lost[:, None], np.nan, one[0]))

    return draw


def spoiled_other_variants(stored: Values, generator: np.random.Generator) -> Trial:
    one, other = versions(stored, generator)
    place = KINDS.index("restored")
    worse = spoil(other[place], other[KINDS.index("blended")], 0.5, generator).after
    return Trial(one[place], worse)


def p_values(trials: Sequence[Trial], counts: Values) -> Values:
    """Return ``(trials, metrics)`` bootstrap p as `bench.stats.resampling.resample` gives them."""
    columns = np.concatenate([np.nan_to_num(t.after - t.before) for t in trials], axis=1)
    found = np.empty(columns.shape[1])
    for place in range(0, len(found), _COLUMNS):
        sums = counts @ columns[:, place : place + _COLUMNS]
        fewer = np.minimum((sums <= 0).sum(axis=0), (sums >= 0).sum(axis=0))
        found[place : place + _COLUMNS] = np.minimum(1, 2 * (fewer + 1) / (DRAWS + 1))
    least = 2.0 ** (1 - len(columns))
    return np.maximum(found, least).reshape(len(trials), -1)


def failures(trial: Trial, ps: Values, rules: Rules) -> tuple[list[str], float]:
    """Return the metrics whose rule fails, ``coverage`` among them, and the judge's loss."""
    gated = {rule.metric: rule for rule in rules.metrics}
    known = np.isfinite(trial.before).any(axis=0)
    adjusted = iter(holm(ps[known].tolist()))
    failed, loss = [], 0.0
    for column, name in enumerate(METRICS):
        before, after = trial.before[:, column], trial.after[:, column]
        had, both = np.isfinite(before), np.isfinite(before) & np.isfinite(after)
        if not known[column]:
            continue
        base, p = before[both].mean(), next(adjusted)
        change = float((after - before)[both].mean())
        loss = change / base if column == JUDGE else loss
        limit = gated[name].limit(base)
        if is_worse(change, limit, p, entry_of(name).direction, rules.level):
            failed.append(name)
        if Coverage(had.sum(), had.sum(), both.sum()).fall > rules.coverage_falls_by:
            failed.append("coverage")
    return failed, loss


def whole_gate(trial: Trial, rules: Rules) -> bool:
    """Say whether `bench gate` itself fails a trial."""
    facts: dict[str, dict[str, Any]] = {
        name: dict(entry_of(name).as_record()) | {"judge": ""} for name in METRICS
    }
    facts = {
        n: f for k, (n, f) in enumerate(facts.items()) if np.isfinite(trial.before[:, k]).any()
    }
    condition = {"dataset": "d", "recipe": "r", "recipe_digest": "", "keys_sha256": ""}
    record = {
        "suite": {"name": "s", "seed": _SEED}, "conditions": [condition], "metrics": facts,
        "restorers": {"mine": {"blind": True, "loss_networks": []}}, "finished": "now",
    }  # fmt: skip

    def run(values: Values) -> Run:
        rows = [
            ScoreRow(
                "s", "d", "r", f"{number:05d}", 0, "mine", name, str(facts[name]["signature"]),
                None if np.isnan(value) else float(value),
                "ok" if np.isfinite(value)
                else "error" if np.isfinite(trial.before[number, column])
                else "no_face_in_reference", "", 1,
            )
            for number, line in enumerate(values)
            for column, (name, value) in enumerate(zip(METRICS, line, strict=True))
            if name in facts
        ]  # fmt: skip
        return Run(Path(), record, tuple(rows))

    return bool(gate(run(trial.before), run(trial.after), rules).exit_code)


def measure(
    name: str, draw: Draw, found: Scores, images: int, trials: int, rules: Rules, *, good: bool
) -> None:
    """Draw, decide, print a line."""
    generator = np.random.Generator(np.random.Philox([_SEED, images]))
    counts = np.concatenate(list(_draws(images, _SEED)))
    drawn = []
    for _ in range(trials):
        chosen = generator.permutation(found.values.shape[1])[:images]
        drawn.append(draw(found.values[:, chosen], generator))
    ps = p_values(drawn, counts)
    decided = [failures(trial, p, rules) for trial, p in zip(drawn, ps, strict=True)]
    for trial, (failed, _) in zip(drawn[:_WHOLE], decided, strict=False):
        assert whole_gate(trial, rules) == bool(failed), f"{name}: the whole gate disagrees"
    caught = sum(bool(failed) for failed, _ in decided)
    ends = binomtest(caught, trials).proportion_ci(method="exact")
    limit = f"at least {ends.low:.2%}" if good else f"at most {ends.high:.2%}"
    losses = np.array([loss for _, loss in decided])
    by = {key: sum(key in failed for failed, _ in decided) for key in (*METRICS, "coverage")}
    told = ", ".join(f"{key} {count}" for key, count in by.items() if count)
    click.echo(
        f"{name:42} {images:4} {caught:5}/{trials}  {caught / trials:7.2%}  {limit:17}  "
        f"judge {losses.mean():+.2%} ± {losses.std():.2%}  {told}"
    )


def main() -> None:
    wanted = options()
    found = scores(wanted.dataset, wanted.restorer, wanted.recipe, wanted.variants, wanted.scores)
    rules = load_rules(wanted.rules) if wanted.rules else load_rules()
    for rule in rules.metrics:
        if rule.metric in METRICS:  # as the gate does
            column = found.values[..., METRICS.index(rule.metric)]
            caps = (rule.cap, entry_of(rule.metric).cap)
            np.minimum(
                column, min(each for each in (*caps, np.inf) if each is not None), out=column
            )
    rare = np.isnan(found.values).mean(axis=(0, 1, 2)) > 0.5  # photographs of other things
    found.values[..., rare] = np.nan
    gated: tuple[MetricRule, ...] = tuple(r for r in rules.metrics if r.metric in METRICS)
    rules = replace(rules, metrics=gated)
    with np.errstate(invalid="ignore"):
        means = np.nansum(found.values, axis=(1, 2)) / np.isfinite(found.values).sum(axis=(1, 2))
    click.echo(f"{wanted.dataset}: {found.values.shape[1]} images, {wanted.variants} variants each")
    for kind, line, weight in zip(KINDS, means, found.weights, strict=True):
        shown = "  ".join(f"{name} {value:.4f}" for name, value in zip(METRICS, line, strict=True))
        click.echo(f"  {kind:9} blur {weight:.3f}  {shown}")
    half = spoiler("blended", 0.5, least=0.028, most=0.032)
    tenth, mild = spoiler("damaged", 0.1), spoiler("blended", 0.1)
    rows: list[tuple[str, Draw, bool]] = [
        ("A/A: other degradation variants", other_variants, False),
        ("A/A: dithered by one level", dithered, False),
        ("A/B: half blended, judge 3.0 ± .2 % worse", half, True),
        ("10 % of the images 30 % worse", tenth, True),
        ("10 % of the images 6 % worse", mild, True),
        ("2 % of the images fail", failing(0.02), True),
        ("A/B on other variants (refused)", spoiled_other_variants, True),
    ]
    for name, draw, good in rows:
        measure(name, draw, found, wanted.images, wanted.trials, rules, good=good)
    for images in (12, 25, 50, 100):
        measure(rows[0][0], other_variants, found, images, wanted.trials, rules, good=False)
        measure(
            "A/B: half blended",
            spoiler("blended", 0.5),
            found,
            images,
            wanted.trials,
            rules,
            good=True,
        )


if __name__ == "__main__":
    main()

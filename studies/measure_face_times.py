"""What each step of a run costs for one face: ``python studies/measure_face_times.py FACES``.

Prints the table of docs/benchmark.md: CPU milliseconds of one thread, the median over the faces,
features of the truth being kept as a run keeps them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import torch

import degrade
import zoo
from bench.metrics.metric import PairMetric, Sample, SetMetric
from bench.metrics.registry import load_metric
from bench.speed.timing import one_core
from degrade.images import write_png
from degrade.planner.plan import Plan
from zoo.restorer import Image

METRICS = (
    "psnr", "ssim", "perceptual_efficientnet", "kd_efficientnet", "identity_dlib", "face_found",
)  # fmt: skip
RECIPES = ("kuaishou-128", "gfpgan-128")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faces", help="a folder of aligned faces of 128 pixels")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--restorer", default="style-128")
    return parser.parse_args()


def median_ms(step: Callable[[int], object], count: int) -> float:
    """Return the median CPU time of ``step(0)``, ``step(1)``, ...; the first call warms up."""
    step(0)
    times = []
    for number in range(count):
        start = time.process_time()
        step(number)
        times.append(time.process_time() - start)
    return statistics.median(times) * 1e3


def degrading(plans: Sequence[Plan], hqs: Sequence[Image]) -> Callable[[int], object]:
    return lambda number: degrade.apply(plans[number], hqs[number])


def measured(
    metric: PairMetric | SetMetric, samples: Sequence[Sample], truths: Sequence[Sample]
) -> Callable[[int], object]:
    def step(number: int) -> object:
        if isinstance(metric, SetMetric):
            return metric.describe(samples[number])
        return metric.measure(samples[number], truths[number])

    return step


def main() -> None:
    wanted = options()
    torch.set_num_threads(1)
    source = degrade.open_source(wanted.faces)
    keys = source.keys[: wanted.count]
    hqs = [source.read(key) for key in keys]
    model = zoo.load(wanted.restorer)
    with tempfile.TemporaryDirectory() as text, one_core():
        lines = []
        for name in RECIPES:
            recipe = degrade.load_recipe(name)
            plans = [
                degrade.plan(recipe, seed=7, image_id=key, size=hq.shape[:2])
                for key, hq in zip(keys, hqs, strict=True)
            ]
            lqs = [degrade.apply(plan, hq) for plan, hq in zip(plans, hqs, strict=True)]
            lines.append((f"degrade, {name}", median_ms(degrading(plans, hqs), len(hqs))))
        lines.append((wanted.restorer, median_ms(lambda i: model.restore([lqs[i]]), len(lqs))))
        restored = [model.restore([lq])[0] for lq in lqs]
        truths = [Sample(hq) for hq in hqs]
        for name in METRICS:
            metric = load_metric(name)
            for truth in truths:  # a run keeps their features
                if isinstance(metric, PairMetric):
                    metric.measure(truth, truth)
            # Shared features are computed for whoever asks first: new samples, each its own cost.
            samples = [Sample(face) for face in restored]
            lines.append((name, median_ms(measured(metric, samples, truths), len(samples))))
        lines.append(
            ("write the image (PNG)",
             median_ms(lambda i: write_png(Path(text) / f"{i}.png", restored[i]), len(restored)))
        )  # fmt: skip
    for name, milliseconds in lines:
        click.echo(f"{name:28} {milliseconds:6.1f} ms")


if __name__ == "__main__":
    main()

"""Measure how far the perceptual judges agree: the table in docs/benchmark.md.

``python studies/measure_judges.py FACES [--limit 40]``, FACES a folder of aligned faces of at
least 128 pixels. Each face is degraded by each recipe and restored by each restorer; the distances
of Lite0 (the loss), Lite2 and MobileNet-V2 (the judges) to HQ are correlated over all images, and
within each recipe and restorer, of which the median is printed.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import click
import cv2
import numpy as np
import torch
from scipy.stats import pearsonr, spearmanr

import zoo
from degrade.dataset.sources import open_source
from degrade.engine.apply import apply
from degrade.planner.draw import plan
from degrade.recipe.reader import load_recipe
from zoo.networks.features.perceptual import UnitFeatures

SIZE = 128
RECIPES = ("gfpgan-128", "kuaishou-128")
RESTORERS = ("input", "bilateral", "style-128")
NETWORKS = ("efficientnet-lite0", "efficientnet-lite2", "mobilenet-v2")


def tensor(image):
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


@click.command()
@click.argument("faces", type=click.Path(path_type=Path))
@click.option("--limit", default=40, show_default=True)
def main(faces: Path, limit: int) -> None:
    source = open_source(faces)
    # Evenly spread: neighbours in a folder may be of one person.
    keys = [source.keys[i] for i in np.linspace(0, len(source) - 1, limit).astype(int)]
    truths = [cv2.resize(source.read(k), (SIZE, SIZE), interpolation=cv2.INTER_AREA) for k in keys]
    networks = [UnitFeatures(name, 5, torch.device("cpu")) for name in NETWORKS]
    conditions = []
    for recipe in RECIPES:
        drawn = [plan(load_recipe(recipe), seed=7, image_id=k, size=(SIZE, SIZE)) for k in keys]
        degraded = [apply(each, truth) for each, truth in zip(drawn, truths, strict=True)]
        for name in RESTORERS:
            restored = zoo.load(name).restore(degraded)
            conditions.append(
                np.array([distances(*p, networks) for p in zip(restored, truths, strict=True)])
            )
            click.echo(f"{recipe} {name} {conditions[-1].mean(axis=0).round(4)}")
    click.echo(f"n = {sum(map(len, conditions))}, {len(conditions)} conditions of {limit}")
    for one, other in combinations(range(len(NETWORKS)), 2):
        words = [f"{NETWORKS[one]} and {NETWORKS[other]}"]
        for correlation in (pearsonr, spearmanr):
            pooled = correlation(*np.concatenate(conditions)[:, [one, other]].T).statistic
            within = [correlation(*rows[:, [one, other]].T).statistic for rows in conditions]
            words.append(f"{correlation.__name__} {pooled:.3f}, within {np.median(within):.3f}")
        click.echo("  ".join(words))


@torch.inference_mode()
def distances(restored, truth, networks):
    pairs = [[network.maps(tensor(each)) for each in (restored, truth)] for network in networks]
    return [float(network.distance(*pair)) for network, pair in zip(networks, pairs, strict=True)]


if __name__ == "__main__":
    main()

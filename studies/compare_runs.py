"""Compare two trained restorers on held-out faces, with intervals over faces.

``python studies/compare_runs.py PACK A.safetensors B.safetensors`` restores every face of the
pack's validation and test splits, each degraded a few times by the recipes of A's configuration,
with both, and prints A, B and the difference B − A of each score with its 95 % interval (jackknife
over faces). The kernel distance is that of `zoo.training.tasks.restorer.validation`.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import torch

from degrade.engine.apply import apply_pair
from degrade.planner.draw import plan
from degrade.recipe.reader import load_recipe
from zoo.labels import one_hot
from zoo.networks.features.perceptual import UnitFeatures
from zoo.networks.restoration.designs import build_network, restorer_config
from zoo.training.data.face_pack import FacePack
from zoo.training.tasks.restorer.validation import _descriptor, _levels, _tensor
from zoo.weights.files import is_present, known_weights, load_safetensors
from zoo.weights.header import read_trained_file

BATCH = 16
NORMAL_95 = 1.96


def load_network(path):
    """Return a restorer's network, and its configuration's record."""
    config = read_trained_file(path).config
    network = build_network(restorer_config(config["network"]))
    network.load_state_dict({k: v.float() for k, v in load_safetensors(path).items()})
    return network.eval(), config


def degraded(pack, numbers, recipe_name, seed):
    """Return uint8 (n, size, size, 3)."""
    recipe = load_recipe(recipe_name)
    images = []
    for number in numbers:
        drawn = plan(
            recipe, seed=seed, image_id=pack.index.keys[number], size=(pack.size, pack.size)
        )
        images.append(apply_pair(drawn, pack.hq(number))[1])
    return np.stack(images)


class Scores:
    """Scores of restored faces against their HQ, face by face."""

    def __init__(self, pack, numbers):
        self._hq = np.stack([pack.hq(number) for number in numbers])
        self._judge = UnitFeatures("efficientnet-lite2", 5, torch.device("cpu"))
        self._judges = {"perceptual_lite2": self._judge}
        if is_present(known_weights("mobilenet-v2")):
            second = UnitFeatures("mobilenet-v2", 5, torch.device("cpu"))
            self._judges["perceptual_mobilenet"] = second
        self._describe = _descriptor(pack.template, pack.size)
        self._features = self._maps_of(self._hq)
        self._identity = self._describe(self._hq)

    @property
    def judges(self):
        """Names of the perceptual distances."""
        return tuple(self._judges)

    def _maps_of(self, images):
        pooled = []
        for start in range(0, len(images), BATCH):
            part = _tensor(images[start : start + BATCH], torch.device("cpu"))
            pooled.append(self._judge.maps_and_pooled(part)[1].double().numpy())
        return np.concatenate(pooled)

    @torch.inference_mode()
    def of(self, restored):
        """Return psnr, perceptual, identity per face, and the matrix h of the kernel distance."""
        error = np.square(restored.astype(np.float64) - self._hq).mean(axis=(1, 2, 3))
        perceptual = {name: [] for name in self._judges}
        for start in range(0, len(restored), BATCH):
            images, truth = (
                _tensor(each[start : start + BATCH], torch.device("cpu"))
                for each in (restored, self._hq)
            )
            for name, judge in self._judges.items():
                distances = judge.distances(judge.maps(images), judge.maps(truth))
                perceptual[name] += distances.tolist()
        x, y = self._maps_of(restored), self._features

        def kernel(a, b):
            return (a @ b.T / a.shape[1] + 1) ** 3

        across = kernel(x, y)
        h = kernel(x, x) + kernel(y, y) - across - across.T
        np.fill_diagonal(h, 0)
        identity = (self._describe(restored) * self._identity).sum(axis=1)
        psnr = np.minimum(10 * np.log10(255**2 / np.maximum(error, 1e-9)), 60)
        distances = {name: np.array(each) for name, each in perceptual.items()}
        return {"psnr": psnr, **distances, "identity": identity}, h


def left_out(h):
    """Return the U-statistic, and its values with each face left out."""
    count, total, rows = len(h), h.sum(), h.sum(axis=1)
    return total / (count * (count - 1)), (total - 2 * rows) / ((count - 1) * (count - 2))


def interval(value, without):
    """Return the half width of the jackknife's 95 % interval."""
    count = len(without)
    spread = np.sqrt((count - 1) / count * np.square(without - without.mean()).sum())
    return NORMAL_95 * spread


@torch.inference_mode()
def restored_by(network, lq, masks):
    """Return uint8 (n, size, size, 3)."""
    parts = []
    for start in range(0, len(lq), BATCH):
        part = slice(start, start + BATCH)
        parts.append(_levels(network(_tensor(lq[part], torch.device("cpu")), masks[part])))
    return np.concatenate(parts)


@click.command(help=__doc__)
@click.argument("pack_path", metavar="PACK", type=click.Path(path_type=Path))
@click.argument("paths", metavar="A B", nargs=2, type=click.Path(path_type=Path))
@click.option("--recipe", "recipes", multiple=True, help="Instead of those A learned from.")
@click.option("--seed", "seeds", multiple=True, type=int, default=(11,), show_default=True)
@click.option("--split", "splits", multiple=True, default=("val", "test"), show_default=True)
def main(pack_path, paths, recipes, seeds, splits):
    """Compare."""
    pack = FacePack(pack_path)
    numbers = [number for split in splits for number in pack.indices(split)]
    networks, configs = zip(*map(load_network, paths), strict=True)
    scores = Scores(pack, numbers)
    masks = one_hot_masks(pack, numbers)
    names = recipes or tuple(configs[0]["families"])
    kinds = ("psnr", *scores.judges, "identity")
    for recipe in names:
        values = {kind: [] for kind in kinds}
        matrices = []
        for seed in seeds:
            lq = degraded(pack, numbers, recipe, seed)
            results = [scores.of(lq), *(scores.of(restored_by(n, lq, masks)) for n in networks)]
            for kind in kinds:
                values[kind].append([each[0][kind] for each in results])
            matrices.append([each[1] for each in results])
        click.echo(f"\n{recipe}, n = {len(numbers)} faces × {len(seeds)} seeds\n")
        click.echo("| score | input | A | B | B − A, 95 % |\n|---|---|---|---|---|")
        for kind in kinds:
            mean = np.mean(values[kind], axis=0)
            difference = mean[2] - mean[1]
            without = (difference.sum() - difference) / (len(difference) - 1)
            report(kind, mean.mean(axis=1), difference.mean(), interval(None, without))
        h = np.mean(matrices, axis=0)
        totals = [left_out(each) for each in h]
        half = interval(None, totals[2][1] - totals[1][1])
        value = totals[2][0] - totals[1][0]
        report("kernel_distance", [t[0] for t in totals], value, half)
    click.echo(f"\nA {paths[0]}, B {paths[1]}")


def one_hot_masks(pack, numbers):
    """Return the right masks, (n, 19, side, side)."""
    return torch.from_numpy(np.stack([one_hot(pack.labels(number)) for number in numbers]))


def report(kind, levels, difference, half):
    """Print a row."""
    columns = " | ".join(f"{level:.4f}" for level in levels)
    click.echo(f"| {kind} | {columns} | {difference:+.4f} ± {half:.4f} |")


if __name__ == "__main__":
    main()

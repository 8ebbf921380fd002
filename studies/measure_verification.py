"""How well descriptors tell a photograph from another: ``measure_verification.py FACES [options]``.

FACES is a folder of `zoo align`, 128 pixels, template ``tight``, that no descriptor was trained on.
Prints the area under the ROC curve with its 95 % interval (bootstrap over photographs), and the
share of genuine pairs accepted where one impostor pair in a hundred is, of three tasks:

- a recipe: a genuine pair is one photograph degraded twice, an impostor pair two photographs;
- ``moved``: the same, and both views are turned, shifted, mirrored and recoloured as in training;
- ``inner``: who is it, the face or what is around it? A genuine pair has the same inner face (brows
  to mouth) in two photographs' surroundings, an impostor pair two inner faces in the same ones.

There is one photograph of each person: nothing here says how a person is known again in another
photograph. The pixels alone, as a descriptor, show how hard a task is.

    python studies/measure_verification.py faces/ --index index.csv

``--index`` names a CSV with ``file`` and ``age``: impostors are then also taken of an age within
five years alone.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

import degrade
from degrade.dataset.keys import pair_key
from degrade.dataset.sources import open_source

RECIPES = ("kuaishou-128", "gfpgan-128")
YEARS = 5


def area(genuine: np.ndarray, impostors: np.ndarray) -> float:
    """Return the probability that a genuine pair scores above an impostor pair, ties half."""
    order = np.sort(impostors)
    below = np.searchsorted(order, genuine, "left")
    tied = np.searchsorted(order, genuine, "right") - below
    return float((below + tied / 2).mean() / len(order))


def accepted(genuine: np.ndarray, impostors: np.ndarray, share: float = 0.01) -> float:
    """Return the share of genuine pairs above the score that ``share`` of the impostors reach."""
    return float((genuine > np.quantile(impostors, 1 - share)).mean())


def interval(scores: np.ndarray, allowed: np.ndarray, rounds: int = 200) -> tuple[float, float]:
    """Return the 95 % interval of the area over draws of photographs, genuine and impostors alike.

    ``scores[i, j]`` is of the first view of photograph i and the second of j.
    """
    rng = np.random.default_rng(0)
    found = []
    for _ in range(rounds):
        drawn = rng.integers(0, len(scores), len(scores))
        some, kept = scores[np.ix_(drawn, drawn)], allowed[np.ix_(drawn, drawn)]
        found.append(area(np.diag(scores)[drawn], some[kept]))
    return float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))


def degraded(
    faces: list[np.ndarray], keys: list[str], recipe: str, variant: int
) -> list[np.ndarray]:
    """Return the faces as a recipe leaves them."""
    told = degrade.load_recipe(recipe)
    return [
        degrade.apply(
            degrade.plan(told, seed=7, image_id=key, size=face.shape[:2], variant=variant), face
        )
        for face, key in zip(faces, keys, strict=True)
    ]


def moved(faces: list[np.ndarray], variant: int) -> list[np.ndarray]:
    """Return other views of the faces, drawn as in training."""
    import torch

    from degrade.random import FEEDING, Stream, StreamKey
    from zoo.training.tasks.embedder.augmentation import draw_view, view_of
    from zoo.training.tasks.embedder.config import ViewConfig

    stream = Stream(StreamKey(7, variant, 0), 10, FEEDING)
    planes = torch.from_numpy(np.stack(faces)).permute(0, 3, 1, 2).float() / 255
    views = [draw_view(ViewConfig(), stream) for _ in faces]
    seen = view_of(planes, views, faces[0].shape[0]).permute(0, 2, 3, 1)
    return list((seen * 255).round().byte().numpy())


def inner(face: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Return ``around`` with the brows, eyes, nose and mouth of ``face``, in its own colours there.

    An ellipse about the template's features with a soft edge; the mean and deviation of each
    channel within it are those of ``around``.
    """
    side = face.shape[0]
    y, x = np.mgrid[:side, :side] / side
    far = np.hypot((x - 0.5) / 0.34, (y - 0.50) / 0.40)
    weight = np.clip((1.0 - far) / 0.15, 0, 1)[..., None]
    within = far < 1
    one, other = face.astype(float), around.astype(float)
    scale = other[within].std(axis=0) / np.maximum(one[within].std(axis=0), 1)
    fitted = (one - one[within].mean(axis=0)) * scale + other[within].mean(axis=0)
    return np.clip(fitted * weight + other * (1 - weight), 0, 255).round().astype(np.uint8)


def descriptors(weights: Path | None) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Return descriptor by name: ours, dlib's, and the pixels alone."""
    import torch

    from zoo.networks.faces.dlib_descriptor import load_dlib_descriptor
    from zoo.networks.faces.dlib_models import DlibFace, face_chip
    from zoo.networks.faces.face_descriptor import load_descriptor, shipped_descriptor
    from zoo.templates import template_points

    torch.set_num_threads(1)
    small = load_descriptor(weights) if weights else shipped_descriptor("arcface-small")
    dlib = load_dlib_descriptor()

    def ours(face: np.ndarray) -> np.ndarray:
        planes = torch.from_numpy(np.ascontiguousarray(face)).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            return np.asarray(small(planes)[0].double())

    def theirs(face: np.ndarray) -> np.ndarray:
        # The faces are aligned: the template's landmarks do for all, no detector in the way.
        side = face.shape[0]
        standing = DlibFace((0, 0, side, side), template_points("tight", "dlib5", side), 0.0)
        return dlib.describe(face_chip(face, standing))

    def pixels(face: np.ndarray) -> np.ndarray:
        planes = torch.from_numpy(np.ascontiguousarray(face)).permute(2, 0, 1)[None].float()
        small = torch.nn.functional.interpolate(planes, (16, 16), mode="area")
        return np.asarray((small - small.mean()).flatten().double())

    return {"arcface-small": ours, "dlib": theirs, "pixels": pixels}


def unit(rows: list[np.ndarray]) -> np.ndarray:
    """Return ``(n, d)`` with rows of length 1."""
    found = np.stack(rows)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def ages_of(index: Path | None, keys: list[str]) -> np.ndarray | None:
    """Return each photograph's age, NaN where unknown, or None without an index."""
    if index is None:
        return None
    with index.open(newline="", encoding="utf-8") as file:
        known: Mapping[str, str] = {
            pair_key(row["file"], 0, 1): row["age"] for row in csv.DictReader(file)
        }
    return np.array([float(known.get(pair_key(key, 0, 1)) or "nan") for key in keys])


def shown(task: str, name: str, kind: str, genuine: np.ndarray, impostors: np.ndarray,
          bounds: tuple[float, float]) -> None:  # fmt: skip
    """Print a line."""
    sys.stdout.write(
        f"{task:13} {name:14} impostors {kind:4} n {len(genuine)}/{len(impostors)} "
        f"AUC {area(genuine, impostors):.4f} ({bounds[0]:.4f} to {bounds[1]:.4f}) "
        f"accepted at 1 % {accepted(genuine, impostors):.3f} "
        f"median {np.median(genuine):.3f}/{np.median(impostors):.3f}\n"
    )
    sys.stdout.flush()


def paired_interval(genuine: np.ndarray, impostors: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval where genuine and impostor pair i are of the same photograph."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(genuine), (500, len(genuine)))
    found = [area(genuine[some], impostors[some]) for some in drawn]
    return float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("faces", type=Path)
    parser.add_argument("--index", type=Path)
    parser.add_argument("--weights", type=Path, help="a descriptor's file instead of ours")
    parser.add_argument("--count", type=int, default=0, help="the first so many faces; 0 for all")
    told = parser.parse_args()
    found = descriptors(told.weights)
    source = open_source(told.faces)
    keys = list(source.keys)[: told.count or None]
    faces = [source.read(key) for key in keys]
    ages = ages_of(told.index, keys)
    strangers = ~np.eye(len(keys), dtype=bool)
    kinds = {"any": strangers}
    if ages is not None:
        kinds["age"] = strangers & (np.abs(ages[:, None] - ages[None]) <= YEARS)
    tasks = {
        recipe: [degraded(faces, keys, recipe, variant) for variant in (0, 1)] for recipe in RECIPES
    }
    tasks["moved"] = [
        moved(degraded(faces, keys, "gfpgan-128", variant), variant) for variant in (0, 1)
    ]
    for task, seen in tasks.items():
        for name, describe in found.items():
            one, other = (unit([describe(face) for face in view]) for view in seen)
            scores = one @ other.T
            for kind, allowed in kinds.items():
                bounds = interval(scores, allowed)
                shown(task, name, kind, np.diag(scores), scores[allowed], bounds)
    others = faces[1:] + faces[:1]
    same = [inner(face, around) for face, around in zip(faces, others, strict=True)]
    swapped = [inner(face, around) for face, around in zip(others, faces, strict=True)]
    views = [
        degraded(each, keys, "kuaishou-128", variant)
        for variant, each in enumerate((faces, same, swapped))
    ]
    for name, describe in found.items():
        one, with_same, with_other = (unit([describe(face) for face in view]) for view in views)
        genuine, impostors = (one * with_same).sum(axis=1), (one * with_other).sum(axis=1)
        bounds = paired_interval(genuine, impostors)
        shown("inner", name, "next", genuine, impostors, bounds)


if __name__ == "__main__":
    main()

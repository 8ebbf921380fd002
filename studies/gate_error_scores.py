"""Score restored images and their spoiled versions once, for `measure_gate_error_rates.py`.

Every image is degraded several times and restored. Each result is scored as it is and spoiled in
three ways; the scores are kept in a file for each variant, so that a stopped run goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import degrade
import zoo
from bench.metrics.entry import Status
from bench.metrics.metric import PairMetric, Sample
from bench.metrics.registry import load_metric
from degrade.images import atomic_file
from degrade.terminal import progress
from zoo.restorer import Restorer

METRICS = ("psnr", "ssim", "perceptual_efficientnet", "identity_dlib")
JUDGE = METRICS.index("perceptual_efficientnet")
KINDS = ("restored", "dithered", "blended", "damaged")
LOSSES = {"blended": 0.06, "damaged": 0.30}
"""How much worse, as a share of the judge's mean distance, an image becomes on average: half of
the images lose 6 %, so that the mean loses 3 %, or a tenth lose 30 %."""
BLUR_SIGMA = 3.0
"""In pixels; a weight of 1 makes a face of 128 pixels plainly soft."""

_SIDE, _CROPS, _BATCH, _SEED = 128, 240, 16, 2026

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Scores:
    """``values`` ``(kinds, images, variants, metrics)``; NaN where there is no value."""

    values: NDArray[np.float64]
    weights: NDArray[np.float64]


def images(dataset: str) -> dict[str, Image]:
    """Return the images of a folder, or for ``sample-photos`` crops of 128 pixels of them."""
    source = degrade.open_source(dataset)
    if dataset != "sample-photos":
        return {key: source.read(key) for key in source.keys}
    crops = {}
    for key in source.keys:
        photo = source.read(key)
        for top in range(0, photo.shape[0] - _SIDE + 1, _SIDE):
            for left in range(0, photo.shape[1] - _SIDE + 1, _SIDE):
                crop = photo[top : top + _SIDE, left : left + _SIDE]
                if crop.std() > 10:  # not the sky
                    crops[f"{key}-{top}-{left}"] = np.ascontiguousarray(crop)
    return dict(list(crops.items())[:: max(1, len(crops) // _CROPS)][:_CROPS])


def scores(dataset: str, restorer: str, recipe: str, variants: int, folder: Path) -> Scores:
    """Return all scores, from ``folder`` where they are known."""
    truths = images(dataset)
    model, measures = zoo.load(restorer), [load_metric(name) for name in METRICS]
    plans, stem = degrade.load_recipe(recipe), f"{Path(dataset).name}-{restorer}-{recipe}"
    weights: NDArray[np.float64] | None = None
    found = []
    for variant in range(variants):
        path = folder / f"{stem}-{variant}.npy"
        if not path.exists():
            faces = _restored(model, truths, plans, variant)
            if weights is None:
                weights = _known_weights(folder / f"{stem}-weights.npy", measures, truths, faces)
            _keep(path, _scored(measures, truths, faces, weights, variant))
        found.append(np.load(path, allow_pickle=False))
    return Scores(np.stack(found, axis=2), np.load(folder / f"{stem}-weights.npy"))


def spoiled(face: Image, kind: str, weight: float, generator: np.random.Generator) -> Image:
    """Return the face as it is, dithered by one level, or blended with its blur."""
    if kind == "restored":
        return face
    if kind == "dithered":
        noise = generator.integers(-1, 2, face.shape)  # -1, 0 or 1, each a third
        return np.clip(face + noise, 0, 255).astype(np.uint8)
    blurred = cv2.GaussianBlur(face, (0, 0), BLUR_SIGMA).astype(np.float64)
    return np.clip(np.rint(face + weight * (blurred - face)), 0, 255).astype(np.uint8)


def _restored(
    model: Restorer, truths: dict[str, Image], recipe: degrade.Recipe, variant: int
) -> list[Image]:
    lqs = [
        degrade.apply(
            degrade.plan(recipe, seed=7, image_id=name, size=hq.shape[:2], variant=variant), hq
        )
        for name, hq in truths.items()
    ]
    parts = [lqs[place : place + _BATCH] for place in range(0, len(lqs), _BATCH)]
    return [
        face for part in progress(parts, f"restoring {variant}") for face in model.restore(part)
    ]


def _scored(
    measures: list[PairMetric],
    truths: dict[str, Image],
    faces: list[Image],
    weights: NDArray[np.float64],
    variant: int,
) -> NDArray[np.float64]:
    values = np.full((len(KINDS), len(faces), len(measures)), np.nan)
    generator = np.random.Generator(np.random.Philox([_SEED, variant]))
    pairs = list(zip(truths.values(), faces, strict=True))
    for number, (hq, face) in enumerate(progress(pairs, f"scoring {variant}")):
        truth = Sample(hq)
        for place, kind in enumerate(KINDS):
            sample = Sample(spoiled(face, kind, weights[place], generator))
            for column, metric in enumerate(measures):
                measured = metric.measure(sample, truth)
                assert measured.status in (Status.OK, Status.NO_FACE_IN_REFERENCE), measured
                if measured.value is not None:
                    values[place, number, column] = measured.value
    return values


def _known_weights(
    path: Path, measures: list[PairMetric], truths: dict[str, Image], faces: list[Image]
) -> NDArray[np.float64]:
    if not path.exists():
        _keep(path, _weights(measures[JUDGE], truths, faces))
    return np.asarray(np.load(path, allow_pickle=False))


def _keep(path: Path, values: NDArray[np.float64]) -> None:
    with atomic_file(path) as file:
        np.save(file, values)


def _weights(
    judge: PairMetric, truths: dict[str, Image], faces: list[Image]
) -> NDArray[np.float64]:
    """Return how much of the blur each kind has, by interpolation."""
    pairs = [(Sample(hq), face) for hq, face in zip(truths.values(), faces, strict=True)]

    def distance(weight: float) -> float:
        some = np.random.Generator(np.random.Philox(_SEED))
        found = [
            judge.measure(Sample(spoiled(face, "blended", weight, some)), truth).value
            for truth, face in pairs
        ]
        return float(np.mean([value for value in found if value is not None]))

    known = np.linspace(0, 1, 9)
    distances = np.array([distance(weight) for weight in progress(known, "weighing the blur")])
    losses = np.maximum.accumulate(distances / distances[0] - 1)  # a little blur may please
    weights = np.zeros(len(KINDS))
    for kind, loss in LOSSES.items():
        if loss > losses[-1]:
            raise SystemExit(f"full blur costs {losses[-1]:.0%}, not {loss:.0%}: other images?")
        weights[KINDS.index(kind)] = np.interp(loss, losses, known)
    return weights

"""Validate a restorer while it trains, on faces that it does not learn from.

The judges are no losses: EfficientNet-Lite2 and, where its weights are at hand, MobileNet-V2
(perceptual distances, and the kernel distance to sharp held-out faces), and dlib's descriptor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from degrade.engine.apply import apply_pair
from degrade.errors import DependencyError
from degrade.planner.draw import plan
from degrade.recipe.reader import load_recipe
from zoo.networks.features.perceptual import UnitFeatures
from zoo.templates import template_points
from zoo.training.data.device_batch import one_hot
from zoo.training.data.face_pack import FacePack
from zoo.weights.files import is_present, known_weights

__all__ = [
    "FEWEST",
    "Validation",
    "ValidationFaces",
    "is_best",
    "is_exhausted",
    "paired_kernel_distance",
    "validation_faces",
]

FEWEST = 8
"""Faces without which a kernel distance says nothing."""
_SEED = 1
_BATCH = 8
_LARGEST_PSNR = 60.0
"""Decibels that a perfect face counts as, so that a mean over faces exists."""
_MOST_LOST = 1.0
"""Decibels of PSNR under the best validation that a best checkpoint may have."""
_CHIP, _PADDING = 150, 0.25
"""dlib's face chip: the size and padding that its descriptor was trained with."""
_SHEET_FACES = 12
_KERNEL_JUDGE = "lite2"


@dataclass(frozen=True, slots=True, eq=False)
class ValidationFaces:
    """A fixed set of pairs."""

    hq: NDArray[np.uint8]  # uint8 ``(n, size, size, 3)`` RGB
    lq: NDArray[np.uint8]
    mask: Tensor  # ``(n, 19, side, side)`` float32, or uint8 of 0 and 1
    template: str  # how the faces are aligned


def validation_faces(
    families: Mapping[str, float], pack: FacePack, most: int, split: str = "val"
) -> ValidationFaces | None:
    """Return up to ``most`` pairs of the split, the same for every run; None for too few faces.

    Each face comes once. The run's recipes follow one another by their shares: what they do to
    a face depends on its name and not on the configuration's seed.
    """
    numbers = pack.indices(split)[:most]
    if len(numbers) < FEWEST:
        return None
    recipes = {name: load_recipe(name) for name in families}
    order = _order(families)
    pairs = []
    for position, number in enumerate(numbers):
        recipe = recipes[order[position % len(order)]]
        degradation = plan(
            recipe, seed=_SEED, image_id=pack.index.keys[number], size=(pack.size, pack.size)
        )
        pairs.append(apply_pair(degradation, pack.hq(number)))
    labels = np.stack([pack.labels(number) for number in numbers])
    hq, lq = (np.stack(images) for images in zip(*pairs, strict=True))
    return ValidationFaces(hq, lq, one_hot(torch.from_numpy(labels)), pack.template)


class Validation:
    """Scores a network on fixed faces; deterministic.

    Parameters
    ----------
    faces
        The pairs.
    device
        Where the network is.
    """

    def __init__(self, faces: ValidationFaces, device: torch.device) -> None:
        self._faces, self._device = faces, device
        self._judges = {"lite2": UnitFeatures("efficientnet-lite2", 5, device)}
        if is_present(known_weights("mobilenet-v2")):
            self._judges["mobilenet"] = UnitFeatures("mobilenet-v2", 5, device)
        self._describe = _descriptor(faces.template, faces.hq.shape[1])
        self._identities = None if self._describe is None else self._describe(faces.hq)
        self.input = self._scores(faces.lq)
        """The scores of the degraded faces themselves."""

    def __call__(self, network: nn.Module) -> dict[str, float]:
        """Return the mean scores of the faces that ``network(lq, mask)`` restores.

        ``psnr`` (dB), ``perceptual_lite2`` and, where its weights are at hand,
        ``perceptual_mobilenet`` (0 for equal, at most 4), ``kernel_distance`` (of
        Lite2's pooled features, 0 for one distribution) and ``identity`` (the cosine of dlib's
        descriptors of restored and HQ; left out where dlib is not installed).
        """
        return self._scores(self.restore(network))

    @torch.inference_mode()
    def restore(self, network: nn.Module, count: int | None = None) -> NDArray[np.uint8]:
        """Return the first ``count`` faces, or all, restored: uint8 ``(n, size, size, 3)``."""
        parts = []
        for part in self._parts(count):
            lq = _tensor(self._faces.lq[part], self._device)
            mask = self._faces.mask[part].to(self._device).float()
            parts.append(_levels(network(lq, mask)))
        return np.concatenate(parts)

    def sheet(self, network: nn.Module) -> NDArray[np.uint8]:
        """Return the same twelve faces each time: input, restored and HQ in three rows."""
        count = min(_SHEET_FACES, len(self._faces.hq))
        rows = [self._faces.lq[:count], self.restore(network, count), self._faces.hq[:count]]
        return np.ascontiguousarray(np.concatenate([np.hstack(list(row)) for row in rows]))

    def _scores(self, restored: NDArray[np.uint8]) -> dict[str, float]:
        hq = self._faces.hq
        error = np.square(restored.astype(np.float64) - hq).mean(axis=(1, 2, 3))
        psnr = np.minimum(10 * np.log10(255**2 / np.maximum(error, 1e-9)), _LARGEST_PSNR)
        scores = {"psnr": float(psnr.mean())}
        for name, judge in self._judges.items():
            distances, features = self._judged(judge, restored)
            scores[f"perceptual_{name}"] = float(distances.mean())
            if name == _KERNEL_JUDGE:
                scores["kernel_distance"] = paired_kernel_distance(*features)
        if self._describe is not None and self._identities is not None:
            alike = (self._describe(restored) * self._identities).sum(axis=1)
            scores["identity"] = float(alike.mean())
        return scores

    @torch.inference_mode()
    def _judged(
        self, judge: UnitFeatures, restored: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float64], tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Return each face's distance to HQ, and the pooled features of restored and HQ."""
        distances, pooled = [], []
        for part in self._parts():
            one, other = (
                judge.maps_and_pooled(_tensor(each[part], self._device))
                for each in (restored, self._faces.hq)
            )
            distances.append(judge.distances(one[0], other[0]).double().cpu().numpy())
            pooled.append([each.double().cpu().numpy() for _, each in (one, other)])
        features = tuple(np.concatenate(each) for each in zip(*pooled, strict=True))
        return np.concatenate(distances), (features[0], features[1])

    def _parts(self, count: int | None = None) -> list[slice]:
        count = len(self._faces.hq) if count is None else count
        return [slice(at, min(at + _BATCH, count)) for at in range(0, count, _BATCH)]


def _descriptor(
    template: str, size: int
) -> Callable[[NDArray[np.uint8]], NDArray[np.float64]] | None:
    """Return what gives aligned faces ``(n, size, size, 3)`` unit descriptors ``(n, 128)``.

    None where dlib or its weights are not installed: a machine that only trains may lack them.
    """
    try:
        import dlib

        from zoo.networks.faces.dlib_descriptor import load_dlib_descriptor

        network = load_dlib_descriptor()
    except (ImportError, DependencyError):
        return None
    points = template_points(template, "dlib5", size)
    landmarks = dlib.points([dlib.point(round(x), round(y)) for x, y in points])
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, size, size), landmarks)

    def describe(faces: NDArray[np.uint8]) -> NDArray[np.float64]:
        chips = [dlib.get_face_chip(face, shape, _CHIP, _PADDING) for face in faces]
        descriptors = np.stack([network.describe(chip) for chip in chips])
        lengths = np.linalg.norm(descriptors, axis=1, keepdims=True)
        return np.asarray(descriptors / lengths, np.float64)

    return describe


def paired_kernel_distance(restored: NDArray[np.float64], hq: NDArray[np.float64]) -> float:
    """Return the unbiased squared MMD of paired samples under k(x, y) = (x·y / d + 1)³.

    Gretton et al. 2012, lemma 6, eq. 4: face i is compared with every HQ face but its own, so
    that what is measured is the kind of faces, not whether each is the right one.

    Parameters
    ----------
    restored, hq
        ``(n, d)`` features, row i of both of one face; n at least 2.
    """
    count, width = restored.shape
    other = ~np.eye(count, dtype=bool)

    def mean(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
        return float(((one @ two.T / width + 1) ** 3)[other].mean())

    return mean(restored, restored) + mean(hq, hq) - 2 * mean(restored, hq)


def is_best(lines: Sequence[Mapping[str, float]]) -> bool:
    """Return whether the last of a run's validations is the best so far.

    The rule: the lowest kernel distance among validations whose PSNR is within 1 dB of the
    highest and whose identity is not below the input's.
    """
    eligible = _eligible(lines)
    if not eligible or eligible[-1] is not lines[-1]:
        return False
    return lines[-1]["kernel_distance"] <= min(line["kernel_distance"] for line in eligible)


def is_exhausted(lines: Sequence[Mapping[str, float]], patience: int) -> bool:
    """Return whether none of the last ``patience`` validations was the best; never for 0."""
    if not patience or len(lines) <= patience:
        return False
    return not any(
        is_best(lines[: index + 1]) for index in range(len(lines) - patience, len(lines))
    )


def _eligible(lines: Sequence[Mapping[str, float]]) -> list[Mapping[str, float]]:
    highest = max((line["psnr"] for line in lines), default=math.nan)
    return [
        line
        for line in lines
        if line["psnr"] >= highest - _MOST_LOST
        and line.get("identity", 0.0) >= line.get("input_identity", 0.0)
    ]


def _tensor(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    return torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float() / 255


def _levels(images: Tensor) -> NDArray[np.uint8]:
    levels = (images.float().clamp(0, 1) * 255).round().byte()
    return np.ascontiguousarray(levels.permute(0, 2, 3, 1).cpu().numpy())


def _order(families: Mapping[str, float]) -> list[str]:
    """Return the recipes, each as often as its share of the smallest, spread evenly."""
    least = min(families.values())
    counts = {name: max(1, round(share / least)) for name, share in families.items()}
    spread = [((turn + 0.5) / n, name) for name, n in counts.items() for turn in range(n)]
    return [name for _, name in sorted(spread)]

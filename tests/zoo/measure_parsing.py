"""How far masks of degraded faces agree with those of sharp ones: ``measure_parsing.py``.

Aligns sharp faces (../shared/faces-hq, or --photos) by their own landmarks, takes the masks that
``mesh`` makes of them as the truth, degrades the crops by recipes, and prints the soft intersection
over union of each region of the masks that ``template`` and --parser make of the degraded crops.
Then, how well confidence tells wrong masks from right ones. Not a test: it prints tables.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from pathlib import Path

import click
import cv2
import numpy as np

import degrade
from degrade.images import read_image
from degrade.terminal import progress
from zoo.networks.dlib_models import load_dlib_models, principal
from zoo.portrait.alignment import align
from zoo.portrait.labels import LABELS
from zoo.portrait.mask_confidence import mask_confidence
from zoo.portrait.parsing import load_parser
from zoo.portrait.template_mask import template_mask
from zoo.portrait.warping import extract

ROOT = Path(__file__).parents[2] / ".." / "shared" / "faces-hq"
FOLDERS = ("basemax", "faker", "hmdghoul", "mebeauty")
DEGRADED, SIDE = 512, 256
"""Side at which crops are degraded, which is what the recipes are made for, and parsed."""
PAIRS = {"eye": "l_eye r_eye", "brow": "l_brow r_brow", "ear": "l_ear r_ear", "lip": "u_lip l_lip"}
ALONE = ("skin", "nose", "mouth", "hair", "neck", "cloth", "background")
FACE = "skin nose l_eye r_eye l_brow r_brow mouth u_lip l_lip"
WRONG = ("moved by 8 %", "moved by 4 %", "another face's", "mirrored", "template")


def main() -> None:
    """Print one table of agreement and one of confidence."""
    options = read_options()
    cv2.setNumThreads(1)
    large = read_crops(options.photos, options.count)
    crops = [cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for crop in large]
    truth, parser = load_parser("mesh"), load_parser(options.parser)
    truth.parse(crops[0])
    before = time.process_time()
    clean = [truth.parse(crop).probabilities for crop in crops]
    spent = (time.process_time() - before) / len(crops)
    template = template_mask("ffhq", SIDE)
    click.echo(f"{len(crops)} faces, crops of {SIDE}, {spent * 1000:.0f} ms CPU a face; soft IoU")
    click.echo(f"{'against mesh, sharp':<24}" + "".join(f"{name:>11}" for name in regions()))
    seen = {"clean": crops}
    click.echo(row("template", [agreement(template, mask) for mask in clean]))
    for name in options.recipes:
        seen[name] = [degraded(name, crop, number) for number, crop in enumerate(large)]
        masks = [parser.parse(crop).probabilities for crop in seen[name]]
        pairs = zip(masks, clean, strict=True)
        click.echo(row(f"{parser.name} {name}", [agreement(mask, right) for mask, right in pairs]))
    click.echo("\nmedian confidence of clean masks on crops, and how often a wrong one has less")
    for name, images in seen.items():
        click.echo(confidences(name, images, clean, template))


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--photos", type=Path, nargs="+", default=[ROOT / folder for folder in FOLDERS]
    )
    parser.add_argument("--count", type=int, default=30, help="faces of each folder")
    parser.add_argument("--parser", default="mesh", help="what parses the degraded crops")
    parser.add_argument("--recipes", nargs="*", default=["gfpgan", "codeformer-2"])
    return parser.parse_args()


def read_crops(folders: list[Path], count: int) -> list[np.ndarray]:
    """Return aligned crops of the faces that dlib finds, of each folder those chosen by hash."""
    models, crops = load_dlib_models(), []
    for folder in folders:
        paths = sorted(
            folder.glob("*.jpg"), key=lambda path: hashlib.sha256(path.name.encode()).hexdigest()
        )
        for path in progress(paths[:count], f"aligning {folder.name}"):
            photo = read_image(path)
            face = principal(models.detect(photo))
            if face is not None:
                crop = extract(photo, align(face.landmarks, "dlib5", DEGRADED))
                crops.append(np.clip(np.rint(crop), 0, 255).astype(np.uint8))
    return crops


def degraded(name: str, crop: np.ndarray, number: int) -> np.ndarray:
    """Return the crop as a recipe leaves it, brought to the side at which crops are parsed."""
    recipe = degrade.load_recipe(name)
    plan = degrade.plan(recipe, seed=7, image_id=str(number), size=crop.shape[:2])
    return cv2.resize(degrade.apply(plan, crop), (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def regions() -> tuple[str, ...]:
    """Return the columns of the table."""
    return ("face", *PAIRS, *ALONE)


def agreement(mask: np.ndarray, right: np.ndarray) -> list[float]:
    """Return the soft intersection over union of each column's regions; nan where neither is."""
    values = []
    for name in regions():
        names = FACE if name == "face" else PAIRS.get(name, name)
        places = [LABELS.index(label) for label in names.split()]
        one, two = mask[places], right[places]
        if name == "face":
            one, two = one.sum(axis=0), two.sum(axis=0)
        union = np.maximum(one, two).sum()
        values.append(np.minimum(one, two).sum() / union if union > 1 else np.nan)
    return values


def row(name: str, values: list[list[float]]) -> str:
    """Return one row of means."""
    return f"{name:<24}" + "".join(f"{value:>11.2f}" for value in np.nanmean(values, axis=0))


def confidences(
    name: str, images: list[np.ndarray], masks: list[np.ndarray], template: np.ndarray
) -> str:
    """Return how the confidence of right masks compares with that of wrong ones."""
    right = np.array([mask_confidence(one, mask) for one, mask in zip(images, masks, strict=True)])
    parts = [f"{name:<14} right {np.median(right):.2f}"]
    for kind in WRONG:
        wrong = np.array(
            [
                mask_confidence(image, spoilt(kind, masks, number, template))
                for number, image in enumerate(images)
            ]
        )
        less = np.mean(wrong < right) + np.mean(wrong == right) / 2
        parts.append(f"{kind} {np.median(wrong):.2f} ({less:.0%})")
    return "; ".join(parts)


def spoilt(kind: str, masks: list[np.ndarray], number: int, template: np.ndarray) -> np.ndarray:
    """Return a wrong mask for the face of that number."""
    mask = masks[number]
    if kind == "template":
        return template
    if kind == "another face's":
        return masks[(number + len(masks) // 2) % len(masks)]
    if kind == "mirrored":
        order = list(range(len(LABELS)))
        for label in ("eye", "brow", "ear"):
            left, right = LABELS.index(f"l_{label}"), LABELS.index(f"r_{label}")
            order[left], order[right] = right, left
        return np.ascontiguousarray(mask[order][:, :, ::-1])
    by = round((0.08 if "8" in kind else 0.04) * SIDE)
    return np.roll(mask, by, axis=2)


if __name__ == "__main__":
    main()

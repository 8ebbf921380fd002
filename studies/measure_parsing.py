"""Measure how far masks of degraded faces agree with those of sharp ones.

``python studies/measure_parsing.py``.

Aligns sharp faces (../shared/faces-hq, or --photos) by their own landmarks, takes the masks that
``mesh`` makes of them as the truth, degrades the crops by recipes, and prints the intersection
over union of each region of the masks that ``template`` and --parsers make of the degraded crops,
and how much the last parser gains over the first. With --pack the faces are the test split's, with
--sheet overlays of 16 degraded faces are drawn. Then, with --confidence, how well confidence tells
wrong masks from right ones. It prints tables.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from pathlib import Path

import click
import cv2
import numpy as np
import torch

import degrade
from degrade.images import read_image, write_png
from degrade.terminal import progress
from zoo.labels import LABELS, label_map, one_hot
from zoo.mean_mask import template_mask
from zoo.networks.faces.dlib_models import load_dlib_models, principal
from zoo.portrait.align.alignment import align
from zoo.portrait.align.warping import extract
from zoo.portrait.files.compare import COLOURS
from zoo.portrait.parse.mask_confidence import mask_confidence
from zoo.portrait.parse.network_parser import load_network_parser
from zoo.portrait.parse.parsing import Parser, load_parser
from zoo.training.data.face_pack import FacePack
from zoo.weights.header import read_trained_file

ROOT = Path(__file__).parents[2] / "shared" / "faces-hq"
FOLDERS = ("basemax", "faker", "hmdghoul", "mebeauty")
DEGRADED, SIDE = 512, 256
"""Side at which crops are degraded, which is what the recipes are made for, and parsed."""
PAIRS = {"eye": "l_eye r_eye", "brow": "l_brow r_brow", "ear": "l_ear r_ear", "lip": "u_lip l_lip"}
ALONE = ("skin", "nose", "mouth", "hair", "neck", "cloth", "background")
FACE = "skin nose l_eye r_eye l_brow r_brow mouth u_lip l_lip"
WRONG = ("moved by 8 %", "moved by 4 %", "another face's", "mirrored", "template")


def main() -> None:
    """Print one table of agreement, and one of confidence where asked."""
    options = read_options()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    if options.pack:
        large = test_crops(options.pack, options.aligned)
    else:
        large = read_crops(options.photos, options.count)
    crops = [cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for crop in large]
    parsers = [parser_of(name) for name in options.parsers]
    clean = masks_of(load_parser("mesh"), crops)
    template = template_mask("ffhq", SIDE)
    click.echo(f"{len(crops)} faces, crops of {SIDE}; IoU of masks (soft) and label maps (hard)")
    click.echo(f"{'against mesh, sharp':<28}" + "".join(f"{name:>11}" for name in regions()))
    click.echo(row("template", [agreement(template, mask) for mask in clean]))
    seen = {"clean": crops}
    for name in options.recipes:
        seen[name] = [degraded(name, crop, number) for number, crop in enumerate(large)]
    for name, images in seen.items():
        made = [masks_of(parser, images) for parser in parsers]
        for kind, change in (("soft", np.asarray), ("hard", hardened)):
            right = list(map(change, clean))
            values = [
                [agreement(change(mask), other) for mask, other in zip(masks, right, strict=True)]
                for masks in made
            ]
            for parser, each in zip(parsers, values, strict=True):
                click.echo(row(f"{parser.name} {name} {kind}", each))
            if len(parsers) > 1:
                click.echo(gain(np.array(values[-1]) - np.array(values[0])))
        if options.sheet:
            path = options.sheet.with_name(f"{options.sheet.stem}-{name}.png")
            write_png(path, sheet(images, [clean, *made]))
    if options.confidence:
        click.echo("\nmedian confidence of clean masks, and how often a wrong one has less")
        for name, images in seen.items():
            click.echo(confidences(name, images, clean, template))


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--photos", type=Path, nargs="+", default=[ROOT / folder for folder in FOLDERS]
    )
    parser.add_argument("--count", type=int, default=30, help="faces of each folder")
    parser.add_argument("--pack", type=Path, help="a pack, whose test split names the faces")
    parser.add_argument("--aligned", type=Path, help="where they lie, ffhq crops of 512 pixels")
    parser.add_argument("--parsers", nargs="+", default=["mesh"], help="names, or a .safetensors")
    parser.add_argument("--recipes", nargs="*", default=["gfpgan", "codeformer-2"])
    parser.add_argument("--sheet", type=Path, help="write SHEET-RECIPE.png")
    parser.add_argument("--confidence", action="store_true")
    return parser.parse_args()


def parser_of(name: str) -> Parser:
    """Return a parser by its name, or of a file of weights."""
    if not name.endswith(".safetensors"):
        return load_parser(name)
    return load_network_parser(read_trained_file(Path(name)))


def masks_of(parser: Parser, crops: list[np.ndarray]) -> list[np.ndarray]:
    """Return the masks, and print what one costs."""
    parser.parse(crops[0])
    before = time.process_time()
    masks = [parser.parse(crop).probabilities for crop in progress(crops, parser.name)]
    click.echo(f"{parser.name}: {(time.process_time() - before) / len(crops) * 1000:.0f} ms CPU")
    return masks


def test_crops(pack: Path, aligned: Path) -> list[np.ndarray]:
    """Return the aligned faces of a pack's test split, at the side at which they are degraded."""
    keys = FacePack(pack).keys("test")
    crops = [read_image(aligned / key.partition("/")[2]) for key in keys]
    assert all(crop.shape[0] == DEGRADED for crop in crops)
    return crops


def sheet(images: list[np.ndarray], masks: list[list[np.ndarray]], count: int = 16) -> np.ndarray:
    """Return columns of faces spread evenly: the face, the mask of its sharp one, each parser's."""
    colours = np.array(COLOURS, np.float32)
    columns = []
    for number in np.linspace(0, len(images) - 1, count).astype(int):
        column = [images[number]]
        for each in masks:
            tint = colours[each[number].argmax(axis=0)]
            column.append((0.5 * tint + 0.5 * images[number]).astype(np.uint8))
        columns.append(np.concatenate(column)[::2, ::2])
    half = len(columns) // 2
    rows = [np.concatenate(part, axis=1) for part in (columns[:half], columns[half:])]
    return np.ascontiguousarray(np.concatenate(rows))


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


def hardened(mask: np.ndarray) -> np.ndarray:
    """Return the likeliest region of each pixel as channels of 0 and 1."""
    return one_hot(label_map(mask))


def row(name: str, values: list[list[float]]) -> str:
    """Return one row of means."""
    return f"{name:<28}" + "".join(f"{value:>11.2f}" for value in np.nanmean(values, axis=0))


def gain(differences: np.ndarray) -> str:
    """Return two rows: the mean over the faces, and half the width of its 95 % interval."""
    there = np.sum(~np.isnan(differences), axis=0)
    half = 1.96 * np.nanstd(differences, axis=0, ddof=1) / np.sqrt(there)
    spread = f"{'  +- 95 %':<28}" + "".join(f"{value:>11.3f}" for value in half)
    mean = "".join(f"{value:>+11.3f}" for value in np.nanmean(differences, axis=0))
    return f"{'  gain':<28}{mean}\n{spread}"


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

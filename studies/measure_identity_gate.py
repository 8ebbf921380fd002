"""Measure what the identity gate lets pass: perfect restorations, and other people's faces.

    python studies/measure_identity_gate.py [FOLDER OF PORTRAITS]

A *perfect* restoration is the undegraded face itself; a *stranger* is the next portrait's face
in its place. Both replace the degraded face within an elliptic face mask, as in a photo.
"""

import sys
from pathlib import Path

import click
import numpy as np

import degrade
from degrade.images import read_image
from zoo.labels import LABELS
from zoo.networks.faces.dlib_models import load_dlib_models, principal
from zoo.portrait.align.alignment import align
from zoo.portrait.align.warping import extract
from zoo.portrait.composite.feathering import face_region, feathered
from zoo.portrait.parse.parsing import FaceMask
from zoo.portrait.restore.crop import core_points
from zoo.portrait.restore.identity_gate import load_identity_gate
from zoo.templates import template_points

PORTRAITS = Path(__file__).parents[2] / "shared" / "faces" / "congress"
RECIPES = ("kuaishou", "psfrgan", "gfpgan", "gpen", "codeformer-2")
COUNT, SIZE = 40, 256
LIMITS = (0.4, 0.45, 0.5, 0.55, 0.6)

FACE_SHARE = 0.54


class EllipseParser:
    """Skin in an ellipse where the FFHQ template has the face, background elsewhere."""

    name = "ellipse"

    def parse(self, crop):
        size = crop.shape[0]
        y, x = (np.mgrid[:size, :size] + 0.5) / size
        radius = np.hypot((x - 0.5) / (FACE_SHARE / 2), (y - 0.56) / 0.36)
        probabilities = np.zeros((len(LABELS), size, size), np.float32)
        probabilities[LABELS.index("skin")] = np.clip((1.05 - radius) / 0.1, 0, 1)
        probabilities[0] = 1 - probabilities[LABELS.index("skin")]
        return FaceMask(probabilities, 1.0, "ellipse")


def crops(folder):
    models, found = load_dlib_models(), []
    for path in sorted(folder.iterdir())[::9]:
        photo = read_image(path)
        face = principal(models.detect(photo))
        if face is not None and len(found) < COUNT:
            crop = extract(photo, align(face.landmarks, "dlib5", SIZE))
            found.append(np.clip(np.rint(crop), 0, 255).astype(np.uint8))
    return found


def weighted(before, after):
    change = after.astype(np.float32) - before
    region = face_region(EllipseParser().parse(before).probabilities)
    return feathered(region, change, core_points("ffhq", SIZE), 1.0).weight[..., None] * change


def main(folder):
    gate = load_identity_gate(threshold=np.inf)
    landmarks = template_points("ffhq", "dlib5", SIZE)
    faces = crops(folder)
    click.echo(f"{len(faces)} portraits, crops of {SIZE} pixels; share that passes a limit of")
    click.echo(
        f"{'recipe':13} {'face':9} {'compared':9} median " + " ".join(f"{x:5}" for x in LIMITS)
    )
    for name in RECIPES:
        recipe = degrade.load_recipe(name)
        rows = {(who, how): [] for who in ("perfect", "stranger") for how in ("matched", "plain")}
        for number, hq in enumerate(faces):
            plan = degrade.plan(
                recipe, seed=7, image_id=f"{number}.png", size=(SIZE, SIZE), variant=0
            )
            lq = degrade.apply(plan, hq)
            for who, other in (("perfect", hq), ("stranger", faces[(number + 1) % len(faces)])):
                change = weighted(lq, other)
                after = np.clip(np.rint(lq + change), 0, 255).astype(np.uint8)
                plain = gate._describe(after, landmarks) - gate._describe(lq, landmarks)
                rows[who, "plain"].append(np.linalg.norm(plain))
                rows[who, "matched"].append(gate.judge(lq, change, "ffhq").distance)
        for (who, how), distances in rows.items():
            shares = " ".join(f"{np.mean(np.array(distances) <= x):5.2f}" for x in LIMITS)
            click.echo(f"{name:13} {who:9} {how:9} {np.median(distances):6.2f} {shares}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PORTRAITS)

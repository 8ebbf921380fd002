"""Draw README's picture: ``python studies/draw_restored.py docs/restored.png``.

scikit-image's astronaut, degraded by the first seeds of two recipes in which her face is found, and
what `zoo.restore_photo` makes of it: degraded, restored, and the photograph, in three rows.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import cv2
import numpy as np
from skimage import data

import degrade
import zoo
from degrade.images import write_png

RECIPES = {"kuaishou-128": 2, "gfpgan-128": 3}
"""Recipe → columns; the face is about 95 pixels wide, so it is those for small faces."""
HEAD = np.s_[0:230, 105:335]
SIDE = 200


def shown(photo: np.ndarray) -> np.ndarray:
    return cv2.resize(np.ascontiguousarray(photo[HEAD]), (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def main() -> None:
    """Restore and draw."""
    photo = data.astronaut()
    columns = []
    for name, wanted in RECIPES.items():
        recipe = degrade.load_recipe(name)
        found = 0
        for seed in range(1, 20):
            plan = degrade.plan(recipe, seed=seed, image_id="astronaut", size=photo.shape[:2])
            lq = degrade.apply(plan, photo)
            restored, faces = zoo.restore_photo(lq, model="style-128")
            click.echo(f"{name} seed {seed}: {', '.join(f.reason for f in faces) or 'no face'}")
            if any(face.status == "restored" for face in faces):
                columns.append(np.vstack([shown(lq), shown(restored), shown(photo)]))
                found += 1
            if found == wanted:
                break
    write_png(Path(sys.argv[1]), np.hstack(columns))


if __name__ == "__main__":
    main()

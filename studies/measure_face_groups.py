"""Describe aligned faces by groups that restorers are known to differ on; writes a CSV.

    python studies/measure_face_groups.py ALIGNED OUT.csv [--index INDEX.csv] [--glasses LIST.txt]

ALIGNED is a folder that `zoo align` wrote. INDEX.csv has the columns
``file`` and ``age`` and lies in the folder of the photographs. The columns of OUT.csv, for
`bench groups --attributes`:

* ``age``: bands, where the index tells it;
* ``skin luminance``: median CIE L* (0-100) of the skin between eyes, nose and
  mouth. It mixes skin tone, light and exposure, and is no measure of the first alone;
* ``yaw``: degrees away from frontal, of the mean face laid over five landmarks of the face mesh;
* ``source height``: pixels of the photograph the face was cut from;
* ``set``: the first folder of the name;
* ``glasses``: whether LIST names the face. No data set here tells it, and faces_with_glasses.txt
  was made by eye. An indicator, horizontal edges on the bridge of the nose, was tried against it
  and is too weak to be used: its area under the curve is .90, but where it finds 81 % of the
  glasses, 37 % of the faces that it names wear none.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import cv2
import numpy as np

from degrade.dataset.keys import pair_key
from degrade.images import read_image
from zoo.portrait.align.alignment import template_of
from zoo.portrait.detect.pose import estimate_pose
from zoo.portrait.parse.face_mesh import FaceMeshNetwork
from zoo.portrait.parse.mesh_regions import mesh_regions

SKIN = 1
BANDS = (20, 40, 60)
DLIB5 = (263, 362, 33, 133, 2)
"""Of the mesh, dlib's five: eye corners on the image's right, on its left, and nose."""


def band(age: str) -> str:
    """Return ``20-39`` and the like; the empty string where nobody knows."""
    if not age:
        return ""
    last = max((edge for edge in BANDS if int(age) >= edge), default=0)
    return f"{last} and over" if last == BANDS[-1] else f"{last}-{last + 19}"


def skin_luminance(face: np.ndarray, points: np.ndarray) -> float:
    """Return the median CIE L* of the pixels that are wholly skin, forehead left out."""
    skin = mesh_regions(points, face.shape[0])[SKIN] > 0.99
    below = np.arange(face.shape[0])[:, None] > points[list(DLIB5[:4]), 1].mean()
    lightness = cv2.cvtColor(face.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[..., 0]
    return float(np.median(lightness[skin & below]))


def describe(folder: Path, index: Path | None, glasses: frozenset[str]) -> list[dict[str, object]]:
    """Return one record a face."""
    network = FaceMeshNetwork.published(template_of(folder))
    ages, photos = {}, {}
    if index is not None:
        with index.open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file):
                key = pair_key(line["file"], 0, 1)
                ages[key], photos[key] = line["age"], index.parent / line["file"]
    records = []
    for name in (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.png"))):
        key, face = pair_key(name, 0, 1), read_image(folder / name)
        points = network.predict(face).points
        photo = photos.get(key)
        records.append(
            {
                "image": name,
                "age": band(ages.get(key, "")),
                "skin luminance": round(skin_luminance(face, points), 1),
                "yaw": round(abs(estimate_pose(points[list(DLIB5)], "dlib5").yaw), 1),
                "source height": read_image(photo).shape[0] if photo else "",
                "set": name.partition("/")[0],
                "glasses": ("yes" if name in glasses else "no") if glasses else "",
            }
        )
    return records


def main() -> None:
    """Read the options and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--index", type=Path)
    parser.add_argument("--glasses", type=Path)
    options = parser.parse_args()
    lines = options.glasses.read_text(encoding="utf-8").splitlines() if options.glasses else []
    glasses = frozenset(line for line in lines if line and not line.startswith("#"))
    records = describe(options.folder, options.index, glasses)
    with options.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
    sys.stdout.write(f"{len(records)} faces in {options.out}\n")


if __name__ == "__main__":
    main()

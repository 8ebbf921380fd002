"""Digests of what every portable operation and recipe makes of small synthetic images.

A script without pytest, so that any Python with the core install can run it::

    python tests/degrade/portable_digests.py            # JSON: the facts and the digests
    python tests/degrade/portable_digests.py --only noise --only gfpgan
    python tests/degrade/portable_digests.py --write    # renew the table in test_portability.py

``--write`` refuses a new digest for an operation whose version is still the old one: what an
operation makes may only change together with its version in the operation table.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import re
import sys
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from degrade import Plan, Step, apply, list_recipes, load_recipe, plan  # path first
from degrade.ops import OPERATIONS, Boolean, Choice, Integer

TEST = Path(__file__).with_name("test_portability.py")
SIZES = ((37, 53), (64, 48))
VARIANTS = range(3)

# Where the values made up by `_values` would be odd, slow or say little.
EXAMPLES = {
    "gaussian_noise": {"sigma": [0.4, 25.0, 120.0]},
    "shot_noise": {"photons": [0.7, 12.0, 900.0]},
    "impulse_noise": {"amount": [0.0, 0.03, 1.0]},
    "gaussian_blur": {
        "sigma_x": [0.3, 4.0],
        "sigma_y": [4.0, 1.5],
        "angle": [0.0, 33.0],
        "kernel_size": [0, 21],
    },
    "motion_blur": {"length": [0.5, 13.0], "angle": [0.0, -77.0]},
    "defocus_blur": {"radius": [0.7, 5.3]},
    "resize": {"height": [9, 41, 90], "width": [70, 17]},
    "resize_blur": {"height": [9, 41], "width": [17, 60]},
    "jpeg": {"quality": [1, 10, 60, 95, 100]},
    "pixelate": {"block": [1, 4, 9, 100]},
    "colour_shift": {"red": [-19.3], "green": [0.0], "blue": [12.6]},
    "colour_jitter": {"brightness": [0.7], "contrast": [1.4], "saturation": [0.2],
                      "hue": [-0.1, 0.3], "order": [0, 17]},
}  # fmt: skip


def picture(size):
    """Return an image made by whole numbers only: gradients, a checkerboard and flat areas."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    checks = (rows // 5 + columns // 7) % 2 * 90
    red = (rows * 5 + checks) % 256
    green = (columns * 4 + rows * columns // 9) % 256
    blue = np.where(rows + columns < 40, 255, (checks * 2 + columns) % 256)
    return np.stack([red, green, blue], axis=2).astype(np.uint8)


def portable_operations():
    return sorted(name for name, operation in OPERATIONS.items() if operation.portable)


def portable_recipes():
    portable = set(portable_operations())
    return sorted(
        name for name in list_recipes() if portable.issuperset(load_recipe(name).operations())
    )


def _values(spec):
    if isinstance(spec, Boolean):
        return [False, True]
    if isinstance(spec, Choice):
        return list(spec.values)
    if spec.default is not None:
        return [spec.default]
    if isinstance(spec, Integer):
        return [min(spec.high, max(spec.low, 9))]
    return [spec.low + 0.37 * (min(spec.high, spec.low + 10.0) - spec.low)]


def operation_digest(name):
    """Return the digest of all examples of one operation on all images."""
    specs = OPERATIONS[name].parameters
    examples = EXAMPLES.get(name, {})
    columns = [examples.get(key, _values(spec)) for key, spec in specs.items()]
    digest = hashlib.sha256()
    for size, values in product(SIZES, product(*columns)):
        parameters = dict(zip(specs, values, strict=True))
        for key, spec in specs.items():
            assert not spec.problem(parameters[key]), (name, key, parameters[key])
        step = Step(name, 3, "lq", parameters)
        _add(
            digest, apply(Plan("portable", "", 7, "portable.png", 1, size, (step,)), picture(size))
        )
    return digest.hexdigest()[:16]


def recipe_digest(name):
    """Return the digest of a few plans of a recipe on all images."""
    digest = hashlib.sha256()
    for size, variant in product(SIZES, VARIANTS):
        drawn = plan(
            load_recipe(name), seed=11, image_id="portable.png", size=size, variant=variant
        )
        _add(digest, apply(drawn, picture(size)))
    return digest.hexdigest()[:16]


def _add(digest, image):
    assert image.dtype == np.uint8
    digest.update(str(image.shape).encode() + np.ascontiguousarray(image).tobytes())


def digests(only=()):
    """Return ``operations`` and ``recipes``: name to (version or recipe digest, digest)."""
    return {
        "operations": {
            name: (OPERATIONS[name].version, operation_digest(name))
            for name in portable_operations()
            if not only or name in only
        },
        "recipes": {
            name: (load_recipe(name).digest[:8], recipe_digest(name))
            for name in portable_recipes()
            if not only or name in only
        },
    }


def facts():
    """Return which processor Numba compiles for and which of NumPy's features are on."""
    from numba.core.registry import cpu_target
    from numpy._core import _multiarray_umath as umath

    _, cpu, features = cpu_target.target_context.codegen().magic_tuple()
    return {
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "numba_cpu": cpu,
        "numba_features": features,
        "numpy_dispatch": list(umath.__cpu_dispatch__),
        "numpy_on": sorted(name for name, on in umath.__cpu_features__.items() if on),
    }


def renewed(text, old, new):
    """Return the test's text with the new table; refuse a new digest under an old version."""
    for name, (version, digest) in new["operations"].items():
        had = old["operations"].get(name)
        if had is not None and had[0] == version and had[1] != digest:
            raise SystemExit(
                f"{name} makes other bytes but is still version {version}: "
                "raise it in the operation table and run this again"
            )
    lines = ["GOLDEN = {"]
    for group, entries in new.items():
        lines += [f'    "{group}": {{']
        lines += [f'        "{name}": {_pair(entry)},' for name, entry in entries.items()]
        lines += ["    },"]
    return re.sub(r"(?ms)^GOLDEN = \{.*?^\}", "\n".join([*lines, "}"]), text, count=1)


def _pair(entry):
    version = f'"{entry[0]}"' if isinstance(entry[0], str) else entry[0]
    return f'({version}, "{entry[1]}")'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[], help="an operation or a recipe")
    parser.add_argument("--write", action="store_true", help="renew the table of the test")
    options = parser.parse_args()
    made = digests(options.only)
    if options.write:
        text = TEST.read_text(encoding="utf-8")
        found = re.search(r"(?ms)^GOLDEN = (\{.*?^\})", text)
        old = ast.literal_eval(found.group(1)) or {"operations": {}, "recipes": {}}
        TEST.write_text(renewed(text, old, made), encoding="utf-8")
        sys.stderr.write(f"renewed the table in {TEST.name}\n")
    else:
        sys.stdout.write(json.dumps({"facts": facts(), **made}) + "\n")


if __name__ == "__main__":
    main()

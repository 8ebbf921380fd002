"""The proof on faces: distributions of what is measured against those that were drawn.

`pytest -s -m slow tests/degrade/fit/test_traces_on_faces.py` prints the table for 300 images.
"""

import numpy as np
import pytest

from degrade import Plan, Step, apply
from degrade.fit.jpeg_quality import find_jpeg
from degrade.fit.old_size import find_old_size
from degrade.fit.pixelation import find_pixelation

SIDE = 256


def drawn_plan(random, **ranges):
    """Draw each parameter uniformly; whole numbers where both ends are."""
    return {
        name: int(random.integers(low, high + 1))
        if isinstance(low, int)
        else float(random.uniform(low, high))
        for name, (low, high) in ranges.items()
    }


def jpeg(quality):
    return "jpeg", {"quality": quality, "subsampling": "420"}


def noise(sigma):
    return "gaussian_noise", {"sigma": sigma, "per_channel": True}


def blur(sigma):
    return "gaussian_blur", {"sigma_x": sigma, "sigma_y": sigma, "angle": 0.0, "kernel_size": 0}


def resize(side, name="linear"):
    return "resize", {"height": side, "width": side, "filter": name, "antialias": False}


def chain(value):
    """Blur, shrink, noise, JPEG, enlarge: GFPGAN's order."""
    small = int(SIDE // value["scale"])
    steps = (blur(value["sigma"]), resize(small), noise(value["noise"]))
    return *steps, jpeg(value["quality"]), resize(SIDE)


def there_and_back(value):
    side = int(SIDE // value["scale"])
    down, up = (("area", "linear"), ("linear", "cubic"), ("cubic", "cubic"))[value["filters"]]
    return (("resize_blur", {"height": side, "width": side, "down": down, "up": up}),)


RECIPES = {
    "JPEG alone": ({"quality": (30, 90)}, lambda v: (jpeg(v["quality"]),)),
    "shrunk alone": ({"scale": (2.0, 8.0), "filters": (0, 2)}, there_and_back),
    "pixelated alone": ({"block": (2, 32)}, lambda v: (("pixelate", {"block": v["block"]}),)),
    "GFPGAN-like": (
        {"sigma": (0.5, 5.0), "scale": (1.2, 8.0), "noise": (0.0, 20.0), "quality": (60, 95)},
        chain,
    ),
    "mild": (
        {"sigma": (0.2, 2.0), "scale": (1.2, 4.0), "noise": (0.0, 8.0), "quality": (40, 90)},
        chain,
    ),
    "web-like": (
        {"sigma": (0.2, 1.0), "scale": (1.5, 5.0), "noise": (1.0, 15.0), "quality": (30, 75)},
        chain,
    ),
}


def measured(image, value):
    """Return what is found of each drawn parameter that this part measures; NaN for nothing."""
    actual = {}
    if "quality" in value:
        trace = find_jpeg(image)
        actual["quality"] = trace.quality if trace else np.nan
    if "scale" in value:
        old = find_old_size(image)
        certain = old is not None and old.depth > 0.36
        actual["scale"] = old.factor(image.shape[:2]) if certain else np.nan
    if "block" in value:
        trace = find_pixelation(image)
        actual["block"] = trace.factor if trace else np.nan
    return actual


def faces(folder, count):
    """Return portraits shrunk by a third, which leaves nothing of their own JPEG's blocks."""
    import PIL.Image

    for path in sorted(folder.glob("*.jpg"))[:count]:
        with PIL.Image.open(path) as picture:
            square = picture.convert("RGB").crop((0, 30, 335, 365))
            yield path.name, np.array(square.resize((SIDE, SIDE), PIL.Image.Resampling.BOX))


def compare(folder, name, count):
    """Return, of each quantity, the drawn and the found numbers as two arrays."""
    ranges, steps_of = RECIPES[name]
    random = np.random.default_rng(sorted(RECIPES).index(name))
    pairs = {}
    for key, face in faces(folder, count):
        value = drawn_plan(random, **ranges)
        steps = (Step(op, n, "lq", inputs) for n, (op, inputs) in enumerate(steps_of(value), 1))
        lq = apply(Plan("test", "0" * 64, 7, key, 0, face.shape[:2], tuple(steps)), face)
        for quantity, number in measured(lq, value).items():
            pairs.setdefault(quantity, []).append((value[quantity], number))
    return {quantity: np.array(rows, float).T for quantity, rows in pairs.items()}


def check(folder, name, count, least):
    for quantity, (reference, actual) in compare(folder, name, count).items():
        reported = ~np.isnan(actual)
        (low, middle, high), (a, b, c) = (
            np.quantile(x, (0.25, 0.5, 0.75)) for x in (reference, actual[reported])
        )
        print(  # noqa: T201
            f"| {name} | {quantity} | {low:.3g} / {middle:.3g} / {high:.3g} "
            f"| {a:.3g} / {b:.3g} / {c:.3g} | {reported.mean():.1%} |"
        )
        assert reported.mean() >= least, (name, quantity)
        assert b == pytest.approx(middle, rel=0.15), (name, quantity)
        assert (a, c) == pytest.approx((low, high), rel=0.25), (name, quantity)
        near = np.abs(actual[reported] - reference[reported]) <= 0.03 * reference[
            reported
        ] + 0.5 * (quantity != "scale")
        assert near.mean() >= 0.97, (name, quantity)


@pytest.mark.parametrize("name", RECIPES)
def test_quality_scale_and_blocks_of_faces_are_estimated(shared, name):
    check(shared("faces/congress"), name, 12, 0.9)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_quality_scale_and_blocks_of_300_faces_are_estimated(shared, name):
    check(shared("faces/congress"), name, 300, 0.9)

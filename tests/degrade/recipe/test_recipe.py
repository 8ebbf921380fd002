import pickle

import pytest

from degrade.errors import RecipeError
from degrade.recipe.distributions import Chosen, Fixed, Range
from degrade.recipe.reader import list_recipes, load_recipe
from degrade.recipe.recipe import Group

SHIPPED = (
    "bsrgan",
    "codeformer-2",
    "codeformer-3",
    "diffbir-1",
    "gfpgan",
    "gfpgan-128",
    "gfpgan-256",
    "gfpgan-64",
    "gpen",
    "imagenet-c",
    "kuaishou",
    "kuaishou-128",
    "kuaishou-256",
    "kuaishou-64",
    "psfrgan",
    "real-esrgan",
    "restoreformer++",
    "vqfr",
)
SIZES = {"bsrgan": None, "real-esrgan": None, "imagenet-c": (224, 224)} | {
    f"{name}-{side}": (side, side) for name in ("gfpgan", "kuaishou") for side in (64, 128, 256)
}


def only(step):
    """Everything of a step but its slot."""
    return step.operation, step.probability, step.target, dict(step.parameters)


def uniform(low, high):
    return Range("uniform", float(low), float(high))


def log_uniform(low, high):
    return Range("log_uniform", float(low), float(high))


def integer(low, high):
    return Range("integer", low, high)


def test_the_shipped_recipes_are_listed_and_load():
    assert list_recipes() == SHIPPED
    for name in SHIPPED:
        recipe = load_recipe(name)
        assert recipe.name == name
        assert recipe.summary
        assert recipe.source
        assert recipe.size == SIZES.get(name, (512, 512))
        assert len(recipe.digest) == 64


def test_recipes_are_picklable_and_compare_equal():
    for name in SHIPPED:
        assert pickle.loads(pickle.dumps(load_recipe(name))) == load_recipe(name)  # noqa: S301


@pytest.mark.parametrize(
    ("name", "sigma", "length", "radius", "divisor", "block"),
    [
        ("kuaishou", (0.5, 8), (5, 41), (1, 10), (1, 8), (2, 8)),
        ("kuaishou-256", (0.25, 4), (2.5, 20.5), (0.5, 5), (1, 6), (2, 6)),
        ("kuaishou-128", (0.125, 2), (1.25, 10.25), (0.25, 2.5), (1, 4), (2, 4)),
        ("kuaishou-64", (0.0625, 1), (1, 5.125), (0.125, 1.25), (1, 3), (2, 3)),
    ],
)
def test_kuaishou_has_the_numbers_of_its_definition(name, sigma, length, radius, divisor, block):
    recipe = load_recipe(name)
    assert recipe.untouched == 0.03
    assert recipe.root.shuffle
    noise, blur, jpeg, pixelate = recipe.root.members
    assert (noise.kind, noise.probability, noise.weights) == ("one_of", 0.7, (0.5, 0.3, 0.2))
    assert [only(step) for step in noise.members] == [
        ("gaussian_noise", 1.0, "lq", {"sigma": log_uniform(2, 30)}),
        ("shot_noise", 1.0, "lq", {"photons": log_uniform(20, 500)}),
        ("impulse_noise", 1.0, "lq", {"amount": log_uniform(0.002, 0.05)}),
    ]
    assert (blur.kind, blur.probability, blur.weights) == ("one_of", 0.8, (1, 1, 1, 1))
    gaussian, *others = blur.members
    assert isinstance(gaussian, Group)
    assert (gaussian.kind, gaussian.probability, gaussian.weights) == ("one_of", 1.0, (1, 1))
    turned = uniform(0, 180)
    assert [only(step) for step in gaussian.members] == [
        ("gaussian_blur", 1.0, "lq", {"sigma": log_uniform(*sigma)}),
        (
            "gaussian_blur",
            1.0,
            "lq",
            {"sigma_x": log_uniform(*sigma), "sigma_y": log_uniform(*sigma), "angle": turned},
        ),
    ]
    assert [only(step) for step in others] == [
        ("motion_blur", 1.0, "lq", {"length": uniform(*length), "angle": turned}),
        ("defocus_blur", 1.0, "lq", {"radius": uniform(*radius)}),
        ("resize_blur", 1.0, "lq", {"divisor": uniform(*divisor)}),
    ]
    assert only(jpeg) == ("jpeg", 0.8, "lq", {"quality": integer(15, 95)})
    assert only(pixelate) == ("pixelate", 0.15, "lq", {"block": integer(*block)})


@pytest.mark.parametrize(
    ("name", "sigma", "divisor", "quality"),
    [
        ("gfpgan", (0.1, 10), (0.8, 8), (60, 99)),
        ("gfpgan-256", (0.1, 5), (0.8, 7), (60, 100)),
        ("gfpgan-128", (0.1, 2.5), (0.8, 6), (60, 100)),
        ("gfpgan-64", (0.1, 1.25), (0.8, 5), (60, 100)),
    ],
)
def test_gfpgan_has_the_numbers_and_the_order_of_the_publication(name, sigma, divisor, quality):
    recipe = load_recipe(name)
    assert recipe.untouched == 0
    assert not recipe.root.shuffle
    blur, shrink, noise, jpeg, enlarge, *colour = recipe.root.members
    assert (blur.kind, blur.probability, blur.weights) in (
        ("one_of", 1.0, (0.5, 0.5)),
        ("one_of", 1.0, (1.0, 1.0)),
    )
    taps = {"kernel_size": Fixed(41)} if name == "gfpgan" else {}
    assert [only(step)[3] for step in blur.members] == [
        {"sigma": uniform(*sigma), **taps},
        {
            "sigma_x": uniform(*sigma),
            "sigma_y": uniform(*sigma),
            "angle": uniform(-180, 180),
            **taps,
        },
    ]
    linear = {"filter": Fixed("linear")}
    aliased = {"antialias": Fixed(False)} if name == "gfpgan" else {}
    assert only(shrink) == (
        "resize",
        1.0,
        "lq",
        {"divisor": uniform(*divisor), **linear, **aliased},
    )
    assert only(noise) == ("gaussian_noise", 1.0, "lq", {"sigma": uniform(0, 20)})
    assert only(jpeg) == ("jpeg", 1.0, "lq", {"quality": integer(*quality)})
    assert only(enlarge) == ("resize", 1.0, "lq", {"to": Fixed("source"), **linear})
    assert [step.operation for step in colour] == (
        ["colour_shift", "grey", "colour_jitter"] if name == "gfpgan" else []
    )


def test_gfpgan_changes_colours_as_published():
    shift, grey, jitter = load_recipe("gfpgan").root.members[5:]
    twenty = uniform(-20, 20)
    assert only(shift) == (
        "colour_shift",
        0.3,
        "lq",
        {"red": twenty, "green": twenty, "blue": twenty},
    )
    assert only(grey) == ("grey", 0.01, "lq", {})
    half = uniform(0.5, 1.5)
    assert only(jitter) == (
        "colour_jitter",
        0.3,
        "lq",
        {
            "brightness": half,
            "contrast": half,
            "saturation": uniform(0, 1.5),
            "hue": uniform(-0.1, 0.1),
            "order": integer(0, 23),
        },
    )


def test_operations_are_named_once_and_sorted():
    assert load_recipe("gfpgan-128").operations() == (
        "gaussian_blur",
        "gaussian_noise",
        "jpeg",
        "resize",
    )


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(RecipeError, match="Did you mean 'kuaishou'"):
        load_recipe("kuaisho")


def test_a_missing_file_is_named():
    with pytest.raises(RecipeError, match=r"nowhere\.yaml: there is no such file"):
        load_recipe("nowhere.yaml")


def write(folder, text, name="mine.yaml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


PLAIN = """
version: 1
untouched: 0.25
steps:
  - {operation: jpeg, quality: {integer: [5, 9]}, probability: 0.5}
  - {operation: gaussian_noise, sigma: 4}
"""


@pytest.mark.parametrize(
    "same",
    [
        PLAIN + "# a comment\n",
        PLAIN.replace("\n  - ", "\n\n\n    -   "),
        PLAIN.replace("quality: {integer: [5, 9]}, probability: 0.5", "probability: 0.5, quality: "
                      "{integer: [5, 9]}"),
        "summary: words\nsource: mine\nsize: 64\n" + PLAIN,
        "steps:\n  - operation: jpeg\n    probability: 0.5\n    quality:\n      integer: [5, 9]\n"
        "  - operation: gaussian_noise\n    sigma: 4\nuntouched: 0.25\nversion: 1\n",
    ],
)  # fmt: skip
def test_the_digest_does_not_see_how_a_recipe_is_written(tmp_path, same):
    assert (
        load_recipe(write(tmp_path, PLAIN)).digest
        == load_recipe(write(tmp_path, same, "b.yaml")).digest
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[5, 9]", "[5, 10]"),
        ("0.25", "0.26"),
        ("sigma: 4", "sigma: 5"),
        ("probability: 0.5", "probability: 0.6"),
        ("jpeg, ", "jpeg, target: hq, "),
        ("steps:", "shuffle: true\nsteps:"),
        ("integer: [5, 9]", "choice: [5, 9]"),
        ("sigma: 4", "sigma: 4, per_channel: false"),
    ],
)
def test_the_digest_changes_with_the_content(tmp_path, old, new):
    assert old in PLAIN
    changed = write(tmp_path, PLAIN.replace(old, new), "b.yaml")
    assert load_recipe(write(tmp_path, PLAIN)).digest != load_recipe(changed).digest


def test_the_digest_changes_with_an_operations_version():
    from degrade.recipe.recipe import recipe_digest

    root = load_recipe("gfpgan").root
    assert recipe_digest(0.0, root, {"jpeg": 1}) != recipe_digest(0.0, root, {"jpeg": 2})


def test_a_choice_keeps_its_values_and_weights(tmp_path):
    text = "version: 1\nsteps:\n  - {operation: jpeg, quality: {choice: [[10, 3], [90, 1]]}}\n"
    step = load_recipe(write(tmp_path, text)).root.members[0]
    assert step.parameters["quality"] == Chosen((10, 90), (3.0, 1.0))

"""What the published recipes draw follows the published ranges, probabilities and tables."""

from collections import Counter

import numpy as np
import pytest
from scipy import stats

import degrade

COUNT = 3000
UNLIKELY = 1e-4
"""Below this p-value a test fails; about 100 are made."""

# sigma, shrink, noise, JPEG quality: GFPGAN options/train_gfpgan_v1.yml:26-37; VQFR
# train_vqfr_v1_B16_200K.yml:19-25; GPEN dataset_face.py:14-72; RestoreFormer++
# RestoreFormerPlusPlus.yaml:62-91; CodeFormer_stage2.yml, CodeFormer_stage3.yml; DiffBIR
# train_stage1.yaml:30-36.
FACES = {
    "gfpgan": ((0.1, 10), (0.8, 8), (0, 20), (60, 99)),
    "gfpgan:correct": ((0.1, 10), (0.8, 8), (0, 20), (60, 100)),
    "vqfr": ((0.1, 10), (0.8, 8), (0, 20), (60, 99)),
    "gpen": ((0.1, 10), (0.8, 8), (0, 20), (60, 99)),
    "restoreformer++": ((0.1, 10), (0.8, 8), (0, 20), (60, 99)),
    "codeformer-2": ((1, 15), (4, 30), (0, 20), (30, 79)),
    "codeformer-3": ((0.1, 10), (1, 12), (0, 15), (60, 99)),
    "codeformer-3:large": ((1, 15), (4, 30), (0, 20), (30, 79)),
    "codeformer-3:large:correct": ((1, 15), (4, 30), (0, 20), (30, 80)),
    "diffbir-1": ((0.1, 12), (1, 12), (0, 15), (30, 99)),
}


def plans_of(name, side=512, count=COUNT):
    recipe = degrade.load_recipe(name)
    return [
        degrade.plan(recipe, seed=3, image_id=f"{number}.png", size=(side, side))
        for number in range(count)
    ]


def steps_of(plans, operation):
    return [step for plan in plans for step in plan.steps if step.operation == operation]


def values(steps, name):
    return np.array([step.parameters[name] for step in steps])


def assert_uniform(drawn_plan, low, high):
    assert low <= min(drawn_plan)
    assert max(drawn_plan) <= high
    assert stats.kstest(drawn_plan, stats.uniform(low, high - low).cdf).pvalue > UNLIKELY


def assert_share(happened, of, probability):
    assert stats.binomtest(int(happened), of, probability).pvalue > UNLIKELY


def assert_equally_often(drawn_plan, expected):
    counts = Counter(drawn_plan)
    assert set(counts) == set(expected)
    assert stats.chisquare([counts[value] for value in expected]).pvalue > UNLIKELY


def divisors_behind(sides, source, low, high):
    """Draw a divisor uniformly among those that give each side: the ones drawn, in law."""
    unit = np.random.default_rng(1).uniform(size=len(sides))
    first, last = np.maximum(source / (sides + 1), low), np.minimum(source / sides, high)
    return first + unit * (last - first)


@pytest.mark.parametrize("name", FACES)
def test_a_face_recipe_draws_what_was_published(name):
    sigma, shrink, noise, quality = FACES[name]
    plans = plans_of(name)
    blurs = steps_of(plans, "gaussian_blur")
    assert len(blurs) == COUNT
    x, y = values(blurs, "sigma_x"), values(blurs, "sigma_y")
    assert_share(np.sum(x == y), COUNT, 0.5)
    assert_uniform(x, *sigma)
    assert_uniform(y[x != y], *sigma)
    assert_uniform(values(blurs, "angle")[x != y], -180, 180)
    sizes = set(values(blurs, "kernel_size"))
    wide = {39, 41} if name == "restoreformer++" else {41}
    assert sizes == ({0} if "correct" in name else wide)
    small, full = (
        [plan_steps[i] for plan_steps in (resizes(plan) for plan in plans)] for i in (0, 1)
    )
    assert_uniform(divisors_behind(values(small, "height"), 512, *shrink), *shrink)
    assert set(values(small, "antialias")) == {"correct" in name}
    assert set(values(full, "height")) == {512}
    assert set(values(small + full, "filter")) == {"linear"}
    assert_uniform(values(steps_of(plans, "gaussian_noise"), "sigma"), *noise)
    low, high = quality
    assert_equally_often(values(steps_of(plans, "jpeg"), "quality"), range(low, high + 1))


def resizes(plan):
    return [step for step in plan.steps if step.operation == "resize"]


@pytest.mark.parametrize(
    ("name", "operation", "probability", "target"),
    [
        ("gfpgan", "colour_shift", 0.3, "lq"),
        ("gfpgan", "grey", 0.01, "lq"),
        ("gfpgan", "colour_jitter", 0.3, "lq"),
        ("gpen", "grey", 0.2, "both"),
        ("restoreformer++", "shift", 0.2, "both"),
        ("restoreformer++", "haze", 0.008, "lq"),
        ("restoreformer++", "grey", 0.008, "both"),
        ("psfrgan", "grey", 0.3, "both"),
        ("psfrgan", "gaussian_noise", 0.2, "lq"),
        ("psfrgan", "jpeg", 0.7, "lq"),
    ],
)
def test_what_happens_sometimes_happens_as_often_as_published(name, operation, probability, target):
    steps = steps_of(plans_of(name), operation)
    assert_share(len(steps), COUNT, probability)
    assert {step.target for step in steps} == {target}


def test_the_order_of_each_face_recipe_is_the_published_one():
    order = ["gaussian_blur", "resize", "gaussian_noise", "jpeg", "resize"]
    extra = {"colour_shift", "grey", "colour_jitter", "shift", "haze"}
    for name in FACES:
        for plan in plans_of(name, count=100):
            names = [step.operation for step in plan.steps if step.operation not in extra]
            rounded = [*order[:4], "round", order[4]] if name == "gpen" else order
            assert names == rounded


def test_restoreformer_shifts_by_whole_pixels_up_to_32():
    steps = steps_of(plans_of("restoreformer++", count=20000), "shift")
    for side in ("down", "right"):
        assert_equally_often(values(steps, side), range(-32, 33))


def test_psfrgan_draws_one_of_four_blurs_and_a_side_of_32_to_255():
    plans = plans_of("psfrgan", count=8000)
    blurs = ("gaussian_blur", "average_blur", "median_blur", "motion_blur")
    actual = [step for plan in plans for step in plan.steps if step.operation in blurs]
    assert_share(len(actual), 8000, 0.5)
    assert_equally_often([step.operation for step in actual], blurs)
    gaussian = [step for step in actual if step.operation == "gaussian_blur"]
    sigma = values(gaussian, "sigma_x")
    assert_uniform(sigma, 3, 15)
    # imgaug: int(2.9 sigma) below 5, else int(2.6 sigma), raised to the next odd number.
    taps = np.where(sigma < 5, 2.9 * sigma, 2.6 * sigma).astype(int)
    assert np.mean(values(gaussian, "kernel_size") == taps + (taps + 1) % 2) > 0.999
    assert_equally_often(values(steps_of(plans, "average_blur"), "size"), range(3, 16))
    median = np.random.default_rng(0).integers(3, 16, 10000)
    assert set(values(steps_of(plans, "median_blur"), "size")) == set(median | 1)
    small = [resizes(plan)[0] for plan in plans]
    assert_equally_often(values(small, "height"), range(32, 256))
    assert_equally_often(values(small, "filter"), ("nearest", "linear", "area", "cubic"))
    assert_equally_often(values(steps_of(plans, "jpeg"), "quality"), range(36, 91))
    noise = steps_of(plans, "gaussian_noise")
    assert_uniform(values(noise, "sigma"), 0, 25.5)
    assert_share(values(noise, "per_channel").sum(), len(noise), 0.5)


def test_real_esrgan_draws_its_kernels_as_published():
    plans = plans_of("real-esrgan", 256)
    shares = {
        ("gaussian_blur", True): 0.9 * 0.45,
        ("gaussian_blur", False): 0.9 * 0.25,
        ("generalised_gaussian_blur", True): 0.9 * 0.12,
        ("generalised_gaussian_blur", False): 0.9 * 0.03,
        ("plateau_blur", True): 0.9 * 0.12,
        ("plateau_blur", False): 0.9 * 0.03,
        ("sinc_blur", True): 0.1,
    }
    first = [plan.steps[1] for plan in plans]
    counts = Counter(
        (step.operation, step.parameters.get("sigma_x") == step.parameters.get("sigma_y"))
        for step in first
    )
    assert set(counts) == set(shares)
    expected = [share * COUNT for share in shares.values()]
    assert stats.chisquare([counts[key] for key in shares], expected).pvalue > UNLIKELY
    assert_equally_often(values(first, "kernel_size"), range(7, 22, 2))
    mixed = [step for step in first if step.operation != "sinc_blur"]
    assert_uniform(values(mixed, "sigma_x"), 0.2, 3)
    for operation, low, high in (("generalised_gaussian_blur", 0.5, 4), ("plateau_blur", 1, 2)):
        beta = values([step for step in first if step.operation == operation], "beta")
        assert_share(np.sum(beta <= 1), len(beta), 0.5)
        assert low <= beta.min()
        assert 0.95 * high < beta.max() <= high
    for step in first:
        if step.operation == "sinc_blur":
            lowest = np.pi / 3 if step.parameters["kernel_size"] < 13 else np.pi / 5
            assert lowest - 1e-4 < step.parameters["cutoff"] < np.pi + 1e-4


def test_real_esrgan_resizes_and_adds_noise_as_published():
    plans = plans_of("real-esrgan", 400)
    first = np.array([first_height(resizes(plan)) for plan in plans])
    assert_share(np.sum(first > 400), COUNT, 0.2 * (0.5 - 1 / 400) / 0.5)
    assert 60 <= first.min() < 62
    assert 598 < first.max() <= 600
    second = np.array([resizes(plan)[1].parameters["height"] for plan in plans])
    assert 30 <= second.min() < 32
    assert 118 < second.max() <= 120
    assert_share(np.sum(second > 100), COUNT, 0.3 * (0.2 - 0.01) / 0.2)
    noise = [
        [step for step in plan.steps if step.operation in ("gaussian_noise", "poisson_noise")]
        for plan in plans
    ]
    for position, sigma, scale in ((0, 30, 3), (1, 25, 2.5)):
        chosen = [steps[position] for steps in noise]
        gaussian = [step for step in chosen if step.operation == "gaussian_noise"]
        poisson = [step for step in chosen if step.operation == "poisson_noise"]
        assert_share(len(gaussian), COUNT, 0.5)
        assert_uniform(values(gaussian, "sigma"), 1, sigma)
        assert_uniform(values(poisson, "scale"), 0.05, scale)
        assert_share(values(chosen, "per_channel").sum(), COUNT, 0.6)
    jpegs = steps_of(plans, "diff_jpeg")
    assert len(jpegs) == 2 * COUNT
    assert_uniform(values(jpegs, "quality"), 30, 95)


def first_height(steps):
    return steps[0].parameters["height"]


def test_real_esrgan_ends_in_either_order_and_with_a_sinc_four_times_in_five():
    plans = plans_of("real-esrgan", 256)
    tails = [tail(plan) for plan in plans]
    assert_share(sum(names[-1] == "diff_jpeg" for names in tails), COUNT, 0.5)
    assert_share(sum("sinc_blur" in names for names in tails), COUNT, 0.8)


def tail(plan):
    """Operations after the second noise."""
    names = [step.operation for step in plan.steps]
    last = max(i for i, name in enumerate(names) if name in ("gaussian_noise", "poisson_noise"))
    return names[last + 1 :]


def test_bsrgan_shuffles_seven_steps_but_keeps_the_two_shrinks_in_order():
    plans = plans_of("bsrgan", 512)
    kinds = Counter()
    halved = 0
    for plan in plans:
        names = [step.operation for step in plan.steps]
        assert names[-1] == "jpeg"
        sides = [step.parameters["height"] for step in resizes(plan)]
        assert sides[-1] == 128
        halved += len(sides) == 3 and sides[0] == 256
        kinds[noise_kind(plan)] += 1
    assert_share(halved, COUNT, 0.25)
    expected = [0.4 * COUNT, 0.4 * COUNT, 0.2 * COUNT]
    counts = [kinds[kind] for kind in ("colour", "grey", "correlated")]
    assert stats.chisquare(counts, expected).pvalue > UNLIKELY
    assert_share(len(steps_of(plans, "jpeg")) - COUNT, COUNT, 0.9)
    assert_equally_often(values(steps_of(plans, "jpeg"), "quality"), range(30, 96))
    first_is_noise = sum("noise" in next_but_halving(plan) for plan in plans)
    # Of seven places noise takes the first as often as any; JPEG, when absent, leaves it.
    assert_share(first_is_noise, COUNT, (1 + 0.1 / 6) / 7)


def next_but_halving(plan):
    steps = plan.steps
    halved = len(resizes(plan)) == 3 and steps[0].operation == "resize"
    return steps[1 if halved else 0].operation


def noise_kind(plan):
    (step,) = (step for step in plan.steps if step.operation.endswith("noise"))
    if step.operation == "correlated_noise":
        return "correlated"
    return "colour" if step.parameters["per_channel"] else "grey"


def test_bsrgan_draws_variances_not_sigmas():
    plans = [plan for plan in plans_of("bsrgan", 512) if len(resizes(plan)) == 2]
    turned = [
        step
        for step in steps_of(plans, "gaussian_blur")
        if step.parameters["sigma_x"] != step.parameters["sigma_y"]
    ]
    assert_uniform(values(turned, "sigma_x") ** 2, 0, 8 + 1e-9)
    assert_equally_often(values(turned, "kernel_size"), range(7, 26, 2))


# make_imagenet_c.py:249-568, make_imagenet_c_inception.py, make_tinyimagenet_c.py, make_cifar_c.py
IMAGENET_C = {
    ("gaussian_noise", "sigma"): {
        224: [20.4, 30.6, 45.9, 66.3, 96.9],
        299: [22.95, 33.15, 48.45, 68.85, 102],
        64: [10.2, 20.4, 30.6, 38.25, 45.9],
        32: [10.2, 15.3, 20.4, 22.95, 25.5],
    },
    ("shot_noise", "photons"): {
        224: [60, 25, 12, 5, 3],
        299: [50, 20, 10, 5, 3],
        64: [250, 100, 50, 30, 15],
        32: [500, 250, 100, 75, 50],
    },
    ("impulse_noise", "amount"): {
        224: [0.03, 0.06, 0.09, 0.17, 0.27],
        299: [0.04, 0.07, 0.10, 0.18, 0.28],
        64: [0.01, 0.02, 0.05, 0.08, 0.14],
        32: [0.01, 0.02, 0.03, 0.05, 0.07],
    },
    ("speckle_noise", "sigma"): {
        224: [0.15, 0.2, 0.35, 0.45, 0.6],
        299: [0.16, 0.21, 0.36, 0.46, 0.61],
        64: [0.15, 0.2, 0.25, 0.3, 0.35],
        32: [0.06, 0.1, 0.12, 0.16, 0.2],
    },
    ("gaussian_blur", "sigma_x"): {
        224: [1, 2, 3, 4, 6],
        299: [1.5, 2.5, 3.5, 4.5, 6.5],
        64: [0.5, 0.75, 1, 1.25, 1.5],
        32: [0.4, 0.6, 0.7, 0.8, 1],
    },
    ("aliased_disk_blur", "radius", "alias"): {
        224: [(3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)],
        299: [(4, 0.1), (5, 0.5), (7, 0.5), (10, 0.5), (12, 0.5)],
        64: [(0.5, 0.6), (1, 0.1), (1.5, 0.1), (2.5, 0.01), (3, 0.1)],
        32: [(0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)],
    },
    ("one_sided_motion_blur", "radius", "sigma"): {
        224: [(10, 3), (15, 5), (15, 8), (15, 12), (20, 15)],
        299: [(12, 4), (17, 6), (17, 9), (17, 13), (22, 16)],
        64: [(10, 1), (10, 1.5), (10, 2), (10, 2.5), (12, 3)],
        32: [(6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)],
    },
    ("glass_blur", "sigma", "distance", "iterations"): {
        224: [(0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)],
        299: [(0.8, 1, 3), (1, 3, 1), (1.1, 2, 4), (1.2, 4, 2), (1.6, 5, 2)],
        64: [(0.1, 1, 1), (0.5, 1, 1), (0.6, 1, 2), (0.7, 2, 1), (0.9, 2, 2)],
        32: [(0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)],
    },
    ("zoom_blur", "factor", "step"): {
        224: [(1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)],
        299: [(1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)],
        64: [(1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)],
        32: [(1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)],
    },
    ("jpeg", "quality"): {
        224: [25, 18, 15, 10, 7],
        299: [23, 16, 13, 8, 5],
        64: [65, 58, 50, 40, 25],
        32: [80, 65, 58, 50, 40],
    },
    ("resize_blur", "height"): {
        224: [134, 112, 89, 67, 56],
        299: [149, 119, 89, 74, 59],
        64: [57, 51, 44, 38, 32],
        32: [30, 28, 27, 24, 20],
    },
}
NAMES = {
    "aliased_disk_blur": "defocus_blur",
    "one_sided_motion_blur": "motion_blur",
    "jpeg": "jpeg_compression",
    "resize_blur": "pixelate",
}


@pytest.mark.parametrize("side", [32, 64, 224, 299])
@pytest.mark.parametrize("row", IMAGENET_C, ids=lambda row: row[0])
def test_every_cell_of_imagenet_c_has_its_constants(row, side):
    operation, *names = row
    for severity, constants in enumerate(IMAGENET_C[row][side], start=1):
        name = f"imagenet-c:{NAMES.get(operation, operation)}:{severity}:{side}"
        recipe = degrade.load_recipe(name)
        assert recipe.size == (side, side)
        plan = degrade.plan(recipe, seed=1, image_id="a.png", size=(side, side))
        step = plan.steps[0]
        assert step.operation == operation
        drawn_plan = [step.parameters[key] for key in names]
        assert drawn_plan == pytest.approx(np.atleast_1d(constants))
        closing = [step.operation for step in plan.steps[-2:]]
        assert closing == ["truncate", "jpeg"]
        assert plan.steps[-1].parameters["quality"] == 85


def test_imagenet_c_without_a_name_draws_each_corruption_equally_often():
    plans = plans_of("imagenet-c", 224)
    assert_equally_often(
        [plan.steps[0].operation for plan in plans], [row[0] for row in IMAGENET_C]
    )


def test_imagenet_c_turns_motion_by_45_degrees_each_way():
    for reading in ("exact", "correct"):
        plans = plans_of(f"imagenet-c:motion_blur:{reading}", 224)
        assert_uniform(values([plan.steps[0] for plan in plans], "angle"), -45, 45)


def test_imagenet_cs_correct_reading_moves_and_truncates_nothing():
    for name in ("defocus_blur", "motion_blur", "glass_blur", "zoom_blur", "gaussian_noise"):
        recipe = degrade.load_recipe(f"imagenet-c:{name}:correct:no-jpeg")
        plan = degrade.plan(recipe, seed=1, image_id="a.png", size=(224, 224))
        step, closing = plan.steps
        assert closing.operation == "round"
        assert step.parameters.get("exact") is not True
        assert step.operation in (name, "gaussian_noise")

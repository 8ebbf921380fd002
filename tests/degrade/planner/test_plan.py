import json
import time
from collections import Counter

import numpy as np
import pytest
from scipy import stats

import degrade
from degrade.errors import DatasetError, ImageError, RecipeError
from degrade.planner.plan import Plan

COUNT = 4000
NOISE = {"gaussian_noise", "shot_noise", "impulse_noise"}
BLUR = {"gaussian_blur", "motion_blur", "defocus_blur", "resize_blur"}


def plans_of(recipe, count=COUNT, seed=11, size=(512, 512)):
    return [
        degrade.plan(recipe, seed=seed, image_id=f"{number}.png", size=size)
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def kuaishou():
    return plans_of(degrade.load_recipe("kuaishou"))


@pytest.fixture(scope="module")
def gfpgan():
    return plans_of(degrade.load_recipe("gfpgan"))


def values(plans, operation, name):
    return [
        step.parameters[name]
        for plan in plans
        for step in plan.steps
        if step.operation == operation
    ]


def assert_share(happened, of, probability):
    assert stats.binomtest(int(happened), of, probability).pvalue > 1e-3


def load(folder, text):
    path = folder / "mine.yaml"
    path.write_text("version: 1\n" + text, encoding="utf-8")
    return degrade.load_recipe(path)


def test_kuaishou_happens_as_often_as_it_says(kuaishou):
    names = [{step.operation for step in plan.steps} for plan in kuaishou]
    alive = 0.97
    assert_share(sum(bool(have & NOISE) for have in names), COUNT, alive * 0.7)
    assert_share(sum(bool(have & BLUR) for have in names), COUNT, alive * 0.8)
    assert_share(sum("jpeg" in have for have in names), COUNT, alive * 0.8)
    assert_share(sum("pixelate" in have for have in names), COUNT, alive * 0.15)
    nothing = 0.03 + alive * 0.3 * 0.2 * 0.2 * 0.85
    assert_share(sum(not have for have in names), COUNT, nothing)


def test_kuaishou_chooses_by_weight(kuaishou):
    counts = Counter(step.operation for plan in kuaishou for step in plan.steps)
    noise = [counts[name] for name in ("gaussian_noise", "shot_noise", "impulse_noise")]
    assert stats.chisquare(noise, np.array([0.5, 0.3, 0.2]) * sum(noise)).pvalue > 1e-3
    assert stats.chisquare([counts[name] for name in sorted(BLUR)]).pvalue > 1e-3
    x = np.array(values(kuaishou, "gaussian_blur", "sigma_x"))
    y = np.array(values(kuaishou, "gaussian_blur", "sigma_y"))
    assert_share(np.sum(x == y), len(x), 0.5)


@pytest.mark.parametrize(
    ("operation", "name", "law"),
    [
        ("gaussian_noise", "sigma", stats.loguniform(2, 30)),
        ("shot_noise", "photons", stats.loguniform(20, 500)),
        ("impulse_noise", "amount", stats.loguniform(0.002, 0.05)),
        ("gaussian_blur", "sigma_x", stats.loguniform(0.5, 8)),
        ("motion_blur", "length", stats.uniform(5, 36)),
        ("motion_blur", "angle", stats.uniform(0, 180)),
        ("defocus_blur", "radius", stats.uniform(1, 9)),
    ],
)
def test_kuaishou_draws_each_level_from_its_law(kuaishou, operation, name, law):
    drawn_plan = values(kuaishou, operation, name)
    assert len(drawn_plan) > 400
    assert stats.kstest(drawn_plan, law.cdf).pvalue > 1e-3


def test_kuaishou_draws_whole_levels_equally_often(kuaishou):
    quality = np.bincount(values(kuaishou, "jpeg", "quality"), minlength=96)
    assert quality[:15].sum() == 0
    assert stats.chisquare(quality[15:]).pvalue > 1e-3
    block = np.bincount(values(kuaishou, "pixelate", "block"), minlength=9)
    assert block[:2].sum() == 0
    assert stats.chisquare(block[2:]).pvalue > 1e-3


def test_kuaishou_shrinks_by_one_to_eight(kuaishou):
    divisors = 512 / np.array(values(kuaishou, "resize_blur", "width"))
    assert divisors.min() >= 1
    assert divisors.max() < 8.2
    assert stats.kstest(divisors, stats.uniform(1, 7).cdf).pvalue > 1e-3


def test_kuaishou_comes_in_every_order_equally_often(kuaishou):
    kinds = {**dict.fromkeys(NOISE, "noise"), **dict.fromkeys(BLUR, "blur"), "jpeg": "jpeg"}
    orders = Counter(
        tuple(kinds[step.operation] for step in plan.steps if step.operation in kinds)
        for plan in kuaishou
    )
    complete = [count for order, count in orders.items() if len(order) == 3]
    assert len(complete) == 6
    assert stats.chisquare(complete).pvalue > 1e-3


def test_draws_of_different_steps_are_independent(kuaishou):
    pairs = []
    for plan in kuaishou:
        have = {step.operation: step.parameters for step in plan.steps}
        if "jpeg" in have and "gaussian_noise" in have:
            pairs.append((have["jpeg"]["quality"], have["gaussian_noise"]["sigma"]))
    quality, sigma = zip(*pairs, strict=True)
    assert stats.spearmanr(quality, sigma).pvalue > 1e-3


def test_gfpgan_always_runs_in_the_published_order(gfpgan):
    body = ["gaussian_blur", "resize", "gaussian_noise", "jpeg", "resize"]
    assert all([step.operation for step in plan.steps][:5] == body for plan in gfpgan)
    assert all(plan.steps[4].parameters["width"] == 512 for plan in gfpgan)
    names = [{step.operation for step in plan.steps} for plan in gfpgan]
    assert_share(sum("colour_shift" in have for have in names), COUNT, 0.3)
    assert_share(sum("colour_jitter" in have for have in names), COUNT, 0.3)
    assert_share(sum("grey" in have for have in names), COUNT, 0.01)
    assert stats.kstest(
        values(gfpgan, "gaussian_noise", "sigma"), stats.uniform(0, 20).cdf
    ).pvalue > 1e-3  # fmt: skip
    sides = np.array([plan.steps[1].parameters["width"] for plan in gfpgan])
    assert sides.min() >= 64
    assert sides.max() <= 640
    order = np.bincount(values(gfpgan, "colour_jitter", "order"), minlength=24)
    assert stats.chisquare(order).pvalue > 1e-3


def test_planning_is_pure_and_takes_any_order():
    recipe = degrade.load_recipe("kuaishou")
    there = plans_of(recipe, 50)
    back = [
        degrade.plan(recipe, seed=11, image_id=f"{number}.png", size=(512, 512))
        for number in reversed(range(50))
    ]
    assert there == back[::-1]


def test_seeds_images_and_variants_all_give_other_plans():
    recipe = degrade.load_recipe("gfpgan")
    cases = [(0, "a.png", 0), (1, "a.png", 0), (0, "b.png", 0), (0, "a.png", 1)]
    drawn_plan = {
        degrade.plan(recipe, seed=seed, image_id=image, size=(64, 64), variant=variant).steps[0]
        .parameters["sigma_x"]
        for seed, image, variant in cases
    }  # fmt: skip
    assert len(drawn_plan) == 4


def test_variants_of_one_image_are_independent():
    recipe = degrade.load_recipe("gfpgan-128")
    sigma = [
        degrade.plan(recipe, seed=3, image_id="a.png", size=(64, 64), variant=variant)
        .steps[2].parameters["sigma"]
        for variant in range(1000)
    ]  # fmt: skip
    assert stats.kstest(sigma, stats.uniform(0, 20).cdf).pvalue > 1e-3
    assert stats.spearmanr(sigma[:-1], sigma[1:]).pvalue > 1e-3


def test_json_goes_there_and_back_exactly(kuaishou, gfpgan):
    for plan in [*kuaishou[:300], *gfpgan[:300]]:
        text = plan.to_json()
        assert Plan.from_json(text) == plan
        assert Plan.from_json(text).to_json() == text


def test_a_plan_records_every_parameter_its_operation_takes(kuaishou, gfpgan):
    from degrade.ops import OPERATIONS

    for plan in [*kuaishou[:300], *gfpgan[:300]]:
        for step in plan.steps:
            specs = OPERATIONS[step.operation].parameters
            assert list(step.parameters) == list(specs)
            assert not any(spec.problem(step.parameters[name]) for name, spec in specs.items())


def test_a_step_added_at_the_end_moves_no_draw_and_no_noise(tmp_path):
    text = (
        "shuffle: false\nsteps:\n"
        "  - {operation: gaussian_blur, sigma: {uniform: [0, 3]}, probability: 0.5}\n"
        "  - one_of:\n"
        "      - {operation: gaussian_noise, sigma: {uniform: [1, 30]}}\n"
        "      - {operation: shot_noise, photons: {log_uniform: [20, 500]}}\n"
    )
    short = load(tmp_path, text)
    long = load(tmp_path, text + "  - {operation: jpeg, quality: {integer: [5, 95]}}\n")
    image = np.random.default_rng(1).integers(0, 256, (24, 24, 3)).astype(np.uint8)
    for number in range(60):
        named = {"seed": 5, "image_id": f"{number}.png", "size": (24, 24)}
        first, second = degrade.plan(short, **named), degrade.plan(long, **named)
        assert first.steps == second.steps[:-1]
        assert second.steps[-1].operation == "jpeg"
        if number < 5:
            cut = Plan.from_json(first.to_json())
            assert np.array_equal(degrade.apply(cut, image), degrade.apply(first, image))


def test_a_step_added_to_a_shuffled_recipe_moves_no_parameter(tmp_path):
    text = (
        "shuffle: true\nsteps:\n"
        "  - {operation: gaussian_blur, sigma: {uniform: [0, 3]}}\n"
        "  - {operation: gaussian_noise, sigma: {uniform: [1, 30]}}\n"
    )
    short = load(tmp_path, text)
    long = load(tmp_path, text + "  - {operation: jpeg, quality: 50}\n")
    for number in range(40):
        named = {"seed": 5, "image_id": f"{number}.png", "size": (24, 24)}
        steps = {step.slot: step for step in degrade.plan(long, **named).steps}
        assert all(steps[step.slot] == step for step in degrade.plan(short, **named).steps)


GREY_SHIFT_JPEG = (
    "      - {operation: grey, weight: 2}\n"
    "      - {operation: colour_shift, red: 1, green: 1, blue: 1, weight: 1}\n"
    "      - {operation: jpeg, quality: 50, weight: 1}\n"
)


def orders(recipe, count=2000):
    plans = plans_of(recipe, count, size=(8, 8))
    return Counter(tuple(step.operation for step in plan.steps) for plan in plans)


def test_one_of_takes_exactly_one_by_weight(tmp_path):
    actual = orders(load(tmp_path, "steps:\n  - one_of:\n" + GREY_SHIFT_JPEG))
    expected = [1000, 500, 500]
    assert set(actual) == {("grey",), ("colour_shift",), ("jpeg",)}
    counts = [actual[("grey",)], actual[("colour_shift",)], actual[("jpeg",)]]
    assert stats.chisquare(counts, expected).pvalue > 1e-3


def test_some_of_takes_count_of_them_in_the_order_of_the_file(tmp_path):
    text = "steps:\n  - count: {integer: [0, 3]}\n    some_of:\n" + GREY_SHIFT_JPEG
    actual = orders(load(tmp_path, text))
    by_count = Counter()
    for order, times in actual.items():
        by_count[len(order)] += times
        ranks = [("grey", "colour_shift", "jpeg").index(name) for name in order]
        assert ranks == sorted(set(ranks))
    assert stats.chisquare([by_count[n] for n in range(4)]).pvalue > 1e-3
    singles = [actual[("grey",)], actual[("colour_shift",)], actual[("jpeg",)]]
    assert stats.chisquare(singles, np.array([0.5, 0.25, 0.25]) * sum(singles)).pvalue > 1e-3


def test_some_of_never_takes_a_member_of_weight_zero(tmp_path):
    text = "steps:\n  - count: 3\n    some_of:\n" + GREY_SHIFT_JPEG.replace(
        "weight: 2", "weight: 0"
    )
    assert set(orders(load(tmp_path, text), 50)) == {("colour_shift", "jpeg")}


def test_all_of_takes_all_and_shuffle_gives_every_order(tmp_path):
    members = GREY_SHIFT_JPEG.replace(", weight: 1", "").replace(", weight: 2", "")
    still = load(tmp_path, "steps:\n  - all_of:\n" + members)
    assert set(orders(still, 50)) == {("grey", "colour_shift", "jpeg")}
    shuffled = orders(load(tmp_path, "steps:\n  - shuffle: true\n    all_of:\n" + members))
    assert len(shuffled) == 6
    assert stats.chisquare(list(shuffled.values())).pvalue > 1e-3


def test_members_in_order_keep_theirs_wherever_a_shuffle_puts_them(tmp_path):
    members = GREY_SHIFT_JPEG.replace("weight: 2", "in_order: true").replace(", weight: 1", "")
    members = members.replace("quality: 50", "quality: 50, in_order: true")
    actual = orders(load(tmp_path, "steps:\n  - shuffle: true\n    all_of:\n" + members))
    assert set(actual) == {
        ("grey", "jpeg", "colour_shift"),
        ("grey", "colour_shift", "jpeg"),
        ("colour_shift", "grey", "jpeg"),
    }
    assert stats.chisquare(list(actual.values())).pvalue > 1e-3


@pytest.mark.parametrize("size", [(64, 96), (65, 98), (3, 2)])
def test_a_recipe_that_keeps_its_scale_is_planned(tmp_path, size):
    recipe = load(tmp_path, "scale: 4\nsteps:\n  - {operation: resize, of: source, divisor: 4}\n")
    (step,) = degrade.plan(recipe, seed=1, image_id="a.png", size=size).steps
    height, width = (max(1, side // 4) for side in size)
    assert (step.parameters["height"], step.parameters["width"]) == (height, width)


def test_a_recipe_that_breaks_its_scale_is_refused(tmp_path):
    recipe = load(tmp_path, "scale: 4\nsteps:\n  - {operation: resize, divisor: 2}\n")
    with pytest.raises(RecipeError, match="says scale 4 but its steps leave LQ at 32 × 48"):
        degrade.plan(recipe, seed=1, image_id="a.png", size=(64, 96))


def test_a_resize_may_divide_the_source(tmp_path):
    recipe = load(
        tmp_path,
        "steps:\n  - {operation: resize, divisor: 3}\n"
        "  - {operation: resize, divisor: 4, of: source}\n"
        "  - {operation: resize, divisor: 2, of: current}\n",
    )
    steps = degrade.plan(recipe, seed=1, image_id="a.png", size=(64, 96)).steps
    assert [step.parameters["height"] for step in steps] == [21, 16, 8]
    assert [step.parameters["width"] for step in steps] == [32, 24, 12]


def test_a_group_happens_or_not_as_a_whole(tmp_path):
    members = GREY_SHIFT_JPEG.replace(", weight: 1", "").replace(", weight: 2", "")
    actual = orders(load(tmp_path, "steps:\n  - probability: 0.4\n    all_of:\n" + members))
    assert set(actual) == {(), ("grey", "colour_shift", "jpeg")}
    assert_share(actual[()], 2000, 0.6)


def test_untouched_leaves_out_everything(tmp_path):
    actual = orders(load(tmp_path, "untouched: 0.2\nsteps:\n  - {operation: grey}\n"))
    assert_share(actual[()], 2000, 0.2)
    assert set(orders(load(tmp_path, "untouched: 1\nsteps:\n  - {operation: grey}\n"), 50)) == {()}


def test_a_chain_of_resizes_knows_its_size_and_its_half(tmp_path):
    recipe = load(
        tmp_path,
        "steps:\n  - {operation: resize, divisor: 2}\n  - {operation: resize, divisor: 2}\n"
        "  - {operation: resize, divisor: 2, target: hq}\n"
        "  - {operation: resize, to: source}\n",
    )
    plan = degrade.plan(recipe, seed=0, image_id="a.png", size=(40, 80))
    sizes = [(step.parameters["height"], step.parameters["width"]) for step in plan.steps]
    assert sizes == [(20, 40), (10, 20), (20, 40), (40, 80)]


def test_whole_numbers_of_a_recipe_become_the_floats_they_mean(tmp_path):
    recipe = load(tmp_path, "steps:\n  - {operation: gaussian_noise, sigma: 4}\n")
    plan = degrade.plan(recipe, seed=0, image_id="a.png", size=(4, 4))
    assert '"sigma":4.0' in plan.to_json()


def test_the_image_id_is_normalised():
    recipe = degrade.load_recipe("gfpgan")
    plan = degrade.plan(recipe, seed=0, image_id="./a\\e\u0301.png", size=(8, 8))
    assert plan.image_id == "a/\u00e9.png"
    assert plan == degrade.plan(recipe, seed=0, image_id="a/\u00e9.png", size=(8, 8))


@pytest.mark.parametrize("image_id", ["", "/a.png", "../a.png", "a/../../b.png", "."])
def test_an_image_id_outside_the_dataset_is_refused(image_id):
    with pytest.raises(DatasetError):
        degrade.plan(degrade.load_recipe("gfpgan"), seed=0, image_id=image_id, size=(8, 8))


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5), (65536, 1)])
def test_a_size_that_no_image_has_is_refused(size):
    with pytest.raises(ImageError, match="sides are 1 to 65535"):
        degrade.plan(degrade.load_recipe("gfpgan"), seed=0, image_id="a.png", size=size)


@pytest.mark.parametrize("position", [{"seed": -1}, {"seed": 2**64}, {"seed": 0, "variant": 65536}])
def test_a_seed_or_variant_out_of_range_is_refused(position):
    with pytest.raises(DatasetError):
        degrade.plan(degrade.load_recipe("gfpgan"), image_id="a.png", size=(8, 8), **position)


def changed(**parts):
    plan = degrade.plan(degrade.load_recipe("gfpgan"), seed=0, image_id="a.png", size=(8, 8))
    return json.dumps({**json.loads(plan.to_json()), **parts})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "3",
        "[]",
        "{}",
        "[" * 5000,
        changed(size=3),
        changed(size=[1, 2, 3]),
        changed(size=[True, 2]),
        changed(seed="7"),
        changed(steps=[3]),
        changed(steps=[{"operation": "format_disk", "slot": 1}]),
        changed(steps=[{"operation": ["grey"], "slot": 1}]),
        changed(steps=[{"operation": "grey", "slot": 1, "surprise": 1}]),
        changed(steps=[{"operation": "grey", "slot": 1.5}]),
        changed(steps=[{"operation": "grey", "slot": 1, "target": "sr"}]),
        changed(steps=[{"operation": "grey", "slot": 1, "parameters": [1]}]),
        changed(steps=[{"operation": "pixelate", "slot": 1, "parameters": {"block": 0}}]),
        changed(steps=[{"operation": "pixelate", "slot": 1, "parameters": {}}]),
        changed(extra=1),
    ],
)
def test_what_is_no_plan_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        Plan.from_json(text)


def test_planning_speed_is_told(capsys):
    recipe = degrade.load_recipe("kuaishou")
    start = time.perf_counter()
    plans_of(recipe, 2000)
    rate = 2000 / (time.perf_counter() - start)
    with capsys.disabled():
        print(f"\nplanning: {rate:.0f} plans/s (kuaishou, one thread)")  # noqa: T201

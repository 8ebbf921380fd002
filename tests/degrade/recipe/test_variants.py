import pytest

from degrade.errors import RecipeError
from degrade.recipe.reader import load_recipe
from degrade.recipe.variants import Switch

HEAD = """version: 1
switches:
  reading: {default: exact, values: [exact, correct]}
  level: {default: 2, values: [1, 2, 3]}
"""
TEXT = (
    HEAD
    + """steps:
  - {operation: jpeg, quality: {reading: {exact: 30, correct: {level: [10, 20, 40]}}}}
  - {when: correct, operation: round}
  - {when: [1, 3], operation: grey}
  - operation: gaussian_noise
    sigma: {uniform: [1, {level: {1: 2, 2: 4, 3: 8}}]}
"""
)


def write(folder, text=TEXT):
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def steps_of(recipe):
    return [step.operation for step in recipe.root.members]


def test_the_defaults_stand_when_nothing_is_asked(tmp_path):
    recipe = load_recipe(write(tmp_path))
    assert recipe.name == "mine"
    assert steps_of(recipe) == ["jpeg", "gaussian_noise"]
    assert recipe.root.members[0].parameters["quality"].value == 30
    assert recipe.root.members[1].parameters["sigma"].high == 4
    assert recipe.switches == (
        Switch("reading", ("exact", "correct"), "exact"),
        Switch("level", ("1", "2", "3"), "2"),
    )


@pytest.mark.parametrize(
    ("requested", "quality", "high", "steps"),
    [
        (":correct", 20, 4, ["jpeg", "round", "gaussian_noise"]),
        (":3", 30, 8, ["jpeg", "grey", "gaussian_noise"]),
        (":1:correct", 10, 2, ["jpeg", "round", "grey", "gaussian_noise"]),
        (":correct:1", 10, 2, ["jpeg", "round", "grey", "gaussian_noise"]),
        (":exact:2", 30, 4, ["jpeg", "gaussian_noise"]),
        (":correct:correct", 20, 4, ["jpeg", "round", "gaussian_noise"]),
    ],
)
def test_values_after_colons_choose(tmp_path, requested, quality, high, steps):
    recipe = load_recipe(write(tmp_path) + requested)
    assert steps_of(recipe) == steps
    assert recipe.root.members[0].parameters["quality"].value == quality
    assert recipe.root.members[-1].parameters["sigma"].high == high


def test_the_name_holds_what_is_no_default_in_the_order_of_the_file(tmp_path):
    path = write(tmp_path)
    assert load_recipe(path + ":1:correct").name == "mine:correct:1"
    assert load_recipe(path + ":2:exact").name == "mine"


def test_a_step_keeps_its_slot_when_another_is_left_out(tmp_path):
    path = write(tmp_path)
    slots = [[step.slot for step in load_recipe(path + ":correct:1").root.members]]
    slots += [[step.slot for step in load_recipe(path).root.members]]
    assert slots == [[1, 2, 3, 4], [1, 4]]


def test_the_digest_tells_the_readings_apart_and_sees_only_what_is_read(tmp_path):
    path = write(tmp_path)
    assert len({load_recipe(path + requested).digest for requested in ("", ":correct", ":3")}) == 3
    plain = "version: 1\nsteps:\n  - {operation: jpeg, quality: 30}\n"
    switched = HEAD + "steps:\n  - {operation: jpeg, quality: {level: [20, 30, 40]}}\n"
    plain, switched = (load_recipe(write(tmp_path, text)) for text in (plain, switched))
    assert plain.digest == switched.digest


def test_a_plain_measurement_holds_for_the_defaults_only(tmp_path):
    plain = TEXT + "measured: {median_psnr: 20}\n"
    chosen = TEXT + "measured: {median_psnr: {reading: {exact: 20, correct: 25}}}\n"
    path = write(tmp_path, plain)
    assert load_recipe(path).median_psnr == 20
    assert load_recipe(path + ":correct").median_psnr is None
    assert load_recipe(write(tmp_path, chosen) + ":correct").median_psnr == 25


def test_an_unknown_value_offers_the_nearest(tmp_path):
    with pytest.raises(RecipeError, match=r"'mine' has no switch value 'corect'.*mean 'correct'"):
        load_recipe(write(tmp_path) + ":corect")
    with pytest.raises(RecipeError, match="'kuaishou' has no switch value 'exact'"):
        load_recipe("kuaishou:exact")
    with pytest.raises(RecipeError, match=r"unknown recipe 'kuaisho'.*mean 'kuaishou'"):
        load_recipe("kuaisho:exact")


def test_two_values_of_one_switch_are_refused(tmp_path):
    with pytest.raises(RecipeError, match="'1' and '3' both set the switch 'level'"):
        load_recipe(write(tmp_path) + ":1:3")


def test_what_a_switch_leaves_out_is_checked_all_the_same(tmp_path):
    text = TEXT + "  - {when: correct, operation: jpeg, quality: 101}\n"
    with pytest.raises(RecipeError, match="line 11: jpeg: quality 101 is outside 1 to 100"):
        load_recipe(write(tmp_path, text))


def test_a_mistake_below_a_switch_names_the_line_of_its_step(tmp_path):
    with pytest.raises(RecipeError, match="line 6: jpeg: quality 400 is outside 1 to 100"):
        load_recipe(write(tmp_path, TEXT.replace("40]", "400]")) + ":correct:3")


STEP = "steps:\n  - {operation: grey}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("switches: [a]\n" + STEP, "switches is a mapping"),
        ("switches: {a: [x, y]}\n" + STEP, "line 2: the switch 'a' takes exactly the keys"),
        ("switches: {uniform: {default: x, values: [x]}}\n" + STEP, "cannot be called 'uniform'"),
        ("switches: {steps: {default: x, values: [x]}}\n" + STEP, "cannot be called 'steps'"),
        ("switches: {1: {default: x, values: [x]}}\n" + STEP, "cannot be called '1'"),
        ("switches: {a: {default: z, values: [x, y]}}\n" + STEP, "'z' is not one of x, y"),
        ("switches: {a: {default: x, values: x}}\n" + STEP, "values is a list"),
        ("switches: {a: {default: x, values: []}}\n" + STEP, "values is a list"),
        ("switches: {a: {default: x, values: [x, x]}}\n" + STEP, "the value 'x' is there twice"),
        ("switches: {a: {default: x, values: [x, true]}}\n" + STEP, "cannot be a switch value"),
        ("switches: {a: {default: x, values: [x, 0.5]}}\n" + STEP, "cannot be a switch value"),
        ("switches: {a: {default: x, values: [x, 'y:z']}}\n" + STEP, "cannot be a switch value"),
        (
            "switches: {a: {default: x, values: [x]}, b: {default: x, values: [x]}}\n" + STEP,
            "the value 'x' is there twice",
        ),
        (TEXT.replace("{level: [10, 20, 40]}", "{level: [10, 20]}") + "", None),
        (HEAD[11:] + "steps:\n  - {operation: jpeg, quality: {level: [1, 2]}}\n", "one entry for"),
        (HEAD[11:] + "steps:\n  - {operation: jpeg, quality: {level: {1: 5}}}\n", "one entry for"),
        (HEAD[11:] + "steps:\n  - {operation: jpeg, quality: {level: 5}}\n", "one entry for"),
        (HEAD[11:] + "steps:\n  - {operation: grey, level: [1, 2, 3]}\n", "it stands alone"),
        (HEAD[11:] + "steps:\n  - {operation: grey, when: corect}\n", "no switch has the value"),
        (HEAD[11:] + "steps:\n  - {operation: grey, when: correct}\n", "leave none of these"),
        (STEP + "  - {operation: grey, when: exact}\n", "no switch has the value 'exact'"),
    ],
)
def test_wrong_switches_are_refused_in_one_line(tmp_path, text, message):
    path = write(tmp_path, text if text.startswith("version") else "version: 1\n" + text)
    if message is None:  # the wrong list belongs to a value that is not chosen
        load_recipe(path)
        path, message = path + ":correct", "one entry for each of 1, 2, 3"
    with pytest.raises(RecipeError, match=message) as caught:
        load_recipe(path)
    assert "\n" not in str(caught.value)
    assert "mine.yaml line" in str(caught.value)

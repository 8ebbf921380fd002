import pytest

from degrade.errors import RecipeError
from degrade.recipe.reader import load_recipe


def read(folder, text):
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return load_recipe(path)


def steps(*lines):
    return "version: 1\nsteps:\n" + "".join(f"  {line}\n" for line in lines)


JPEG = "- {operation: jpeg, quality: 50}"

WRONG = {
    "misspelt key": (
        steps(JPEG, "- {operation: jpeg, qualty: 50}"),
        4,
        "unknown key 'qualty'.*Did you mean 'quality'",
    ),
    "misspelt operation": (
        steps("- {operation: gausian_blur, sigma: 2}"),
        3,
        "unknown operation 'gausian_blur'.*Did you mean 'gaussian_blur'",
    ),
    "misspelt 'operation'": (
        steps("- {quality: 50, operatoin: jpeg}"),
        3,
        "unknown key 'operatoin'.*Did you mean 'operation'",
    ),
    "operation is a list": (steps("- {operation: [jpeg]}"), 3, "unknown operation"),
    "operation is null": (steps("- {operation: }"), 3, "unknown operation 'None'"),
    "misspelt top key": ("version: 1\nshufle: true\n" + steps(JPEG)[11:], 2, "mean 'shuffle'"),
    "misspelt distribution": (
        steps("- operation: jpeg", "  quality: {intger: [5, 9]}"),
        4,
        "Did you mean 'integer'",
    ),
    "no version": ("steps:\n  - {operation: grey}\n", 1, "'version' is missing"),
    "no steps": ("version: 1\n", 1, "'steps' is missing"),
    "empty file": ("", 1, "a mapping"),
    "a list": ("- 1\n", 1, "a mapping"),
    "empty steps": ("version: 1\nsteps: []\n", 2, "at least one step"),
    "steps is a mapping": ("version: 1\nsteps: {a: 1}\n", 2, "list"),
    "a step is a name": (steps("- jpeg"), 3, "a step was expected"),
    "version is text": ("version: one\nsteps: [{operation: grey}]\n", 1, "whole number"),
    "version is true": ("version: true\nsteps: [{operation: grey}]\n", 1, "whole number"),
    "name is a list": ("version: 1\nname: [a]\nsteps: [{operation: grey}]\n", 2, "a text"),
    "size of three": ("version: 1\nsize: [1, 2, 3]\nsteps: [{operation: grey}]\n", 2, "size"),
    "size true": ("version: 1\nsize: true\nsteps: [{operation: grey}]\n", 2, "size"),
    "size 0": ("version: 1\nsize: 0\nsteps: [{operation: grey}]\n", 2, "size"),
    "scale 0": ("version: 1\nscale: 0\nsteps: [{operation: grey}]\n", 2, "scale is a whole"),
    "scale 2.5": ("version: 1\nscale: 2.5\nsteps: [{operation: grey}]\n", 2, "scale is a whole"),
    "scale true": ("version: 1\nscale: true\nsteps: [{operation: grey}]\n", 2, "scale is a whole"),
    "in_order is text": (steps("- {operation: grey, in_order: often}"), 3, "true or false"),
    "in_order in no shuffle": (steps("- {operation: grey, in_order: true}"), 3, "shuffled only"),
    "inverse beyond the range": (
        steps("- operation: resize", "  divisor: {inverse_of_uniform: [0.0001, 1]}"),
        4,
        "resize: divisor 10000.0 is outside 0.05 to 1000 times",
    ),
    "of nothing": (steps("- {operation: resize, divisor: 2, of: hq}"), 3, "not one of current"),
    "psnr text": (
        "version: 1\nmeasured: {median_psnr: high}\nsteps: [{operation: grey}]\n",
        2,
        "decibels",
    ),
    "psnr NaN": (
        "version: 1\nmeasured: {median_psnr: .nan}\nsteps: [{operation: grey}]\n",
        2,
        "finite",
    ),
    "shuffle is a number": ("version: 1\nshuffle: 1\nsteps: [{operation: grey}]\n", 2, "true or"),
    "probability 1.5": (steps("- {operation: grey, probability: 1.5}"), 3, "between 0 and 1"),
    "probability NaN": (steps("- {operation: grey, probability: .nan}"), 3, "between 0 and 1"),
    "probability text": (steps("- {operation: grey, probability: often}"), 3, "between 0 and 1"),
    "untouched 2": ("version: 1\nuntouched: 2\nsteps: [{operation: grey}]\n", 2, "between 0 and 1"),
    "target sr": (steps("- {operation: grey, target: sr}"), 3, "'sr' is not one of lq, hq, both"),
    "quality 0": (steps("- {operation: jpeg, quality: 0}"), 3, "quality 0 is outside 1 to 100"),
    "quality range": (
        steps("- {operation: jpeg, quality: {integer: [50, 101]}}"),
        3,
        "quality 101 is outside",
    ),
    "quality real": (steps("- {operation: jpeg, quality: 50.5}"), 3, "not a whole number"),
    "quality uniform": (
        steps("- {operation: jpeg, quality: {uniform: [5, 9]}}"),
        3,
        "whole numbers: use integer",
    ),
    "quality text": (steps("- {operation: jpeg, quality: good}"), 3, "not a whole number"),
    "quality true": (steps("- {operation: jpeg, quality: true}"), 3, "not a whole number"),
    "sigma NaN": (steps("- {operation: gaussian_noise, sigma: .nan}"), 3, "finite"),
    "sigma inf": (steps("- {operation: gaussian_noise, sigma: .inf}"), 3, "finite"),
    "sigma -inf in a range": (
        steps("- {operation: gaussian_noise, sigma: {uniform: [-.inf, 3]}}"),
        3,
        "finite",
    ),
    "sigma beyond every float": (
        steps(f"- {{operation: gaussian_noise, sigma: {'9' * 400}}}"),
        3,
        "finite",
    ),
    "sigma true": (steps("- {operation: gaussian_noise, sigma: true}"), 3, "not a number"),
    "sigma null": (steps("- {operation: gaussian_noise, sigma: }"), 3, "write one finite value"),
    "bounds reversed": (
        steps("- {operation: gaussian_noise, sigma: {uniform: [9, 3]}}"),
        3,
        "wrong way round",
    ),
    "subsampling unknown": (
        steps("- {operation: jpeg, quality: 5, subsampling: '411'}"),
        3,
        "not one of 420, 422, 444",
    ),
    "a range of names": (
        steps("- {operation: jpeg, quality: 5, subsampling: {integer: [1, 2]}}"),
        3,
        "fixed values or a choice",
    ),
    "missing parameter": (steps("- {operation: jpeg}"), 3, "jpeg needs the parameter 'quality'"),
    "only one sigma": (
        steps("- {operation: gaussian_blur, sigma_x: 2}"),
        3,
        "needs the parameter 'sigma_y'",
    ),
    "sigma and sigma_x": (
        steps("- operation: gaussian_blur", "  sigma: 2", "  sigma_x: 2"),
        5,
        "'sigma_x' is already decided by 'sigma'",
    ),
    "divisor and to": (
        steps("- operation: resize", "  divisor: 2", "  to: source"),
        5,
        "'to' is already decided by 'divisor'",
    ),
    "divisor and height": (
        steps("- operation: resize", "  height: 2", "  divisor: 2"),
        4,
        "'height' is already decided by 'divisor'",
    ),
    "two groups": (
        steps("- {one_of: [{operation: grey}], all_of: [{operation: grey}]}"),
        3,
        "one of 'operation', 'one_of'",
    ),
    "an operation and a group": (
        steps("- {operation: grey, one_of: [{operation: grey}]}"),
        3,
        "unknown key 'one_of'",
    ),
    "no group": (steps("- {probability: 0.5}"), 3, "one of 'operation', 'one_of'"),
    "negative weight": (
        steps("- one_of:", "    - {operation: grey, weight: -1}"),
        4,
        "'-1' is not a weight",
    ),
    "NaN weight": (
        steps("- one_of:", "    - {operation: grey, weight: .nan}"),
        4,
        "'nan' is not a weight",
    ),
    "infinite weight": (
        steps("- one_of:", "    - {operation: grey, weight: .inf}"),
        4,
        "'inf' is not a weight",
    ),
    "weights all 0": (steps("- one_of:", "    - {operation: grey, weight: 0}"), 3, "all 0"),
    "a weight nobody reads": (
        steps("- {operation: grey, weight: 3}"),
        3,
        "inside 'one_of' and 'some_of' only",
    ),
    "count outside some_of": (
        steps("- {one_of: [{operation: grey}], count: 1}"),
        3,
        "unknown key 'count'",
    ),
    "no count": (steps("- some_of: [{operation: grey}]"), 3, "needs the key 'count'"),
    "count too large": (
        steps("- {some_of: [{operation: grey}], count: 2}"),
        3,
        "from 0 to the 1 members",
    ),
    "count uniform": (
        steps("- {some_of: [{operation: grey}], count: {uniform: [0, 1]}}"),
        3,
        "whole number",
    ),
    "count true": (
        steps("- {some_of: [{operation: grey}], count: true}"),
        3,
        "whole number",
    ),
    "a key twice": ("version: 1\nversion: 2\nsteps: [{operation: grey}]\n", 2, "second time"),
    "an alias": (
        steps("- &step {operation: grey}", "- *step"),
        3,
        "anchors and aliases",
    ),
    "a colon too few": ("version: 1\nsteps\n  - 3\n", None, "not valid YAML"),
    "a tab": ("version: 1\nsteps:\n\t- {operation: grey}\n", 3, "not valid YAML"),
    "Python tag": (
        "version: !!python/object/apply:os.system [ls]\nsteps: []\n",
        1,
        "not valid YAML",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_one_line_with_the_file_and_the_line(tmp_path, case):
    text, line, message = WRONG[case]
    with pytest.raises(RecipeError, match=message) as caught:
        read(tmp_path, text)
    reported = str(caught.value)
    assert "\n" not in reported
    assert reported.startswith("mine.yaml")
    if line is not None:
        assert reported.startswith(f"mine.yaml line {line}:")


def test_slots_count_steps_and_groups_in_the_order_of_the_file(tmp_path):
    recipe = read(
        tmp_path,
        steps(
            "- one_of: [{operation: grey}, {all_of: [{operation: grey}]}]", "- {operation: grey}"
        ),
    )
    group, last = recipe.root.members
    assert recipe.root.slot == 0
    assert [group.slot, group.members[0].slot, group.members[1].slot] == [1, 2, 3]
    assert [group.members[1].members[0].slot, last.slot] == [4, 5]


def test_255_steps_are_read_and_256_are_refused(tmp_path):
    grey = "- {operation: grey}"
    assert read(tmp_path, steps(*[grey] * 255)).root.members[-1].slot == 255
    with pytest.raises(RecipeError, match="line 258: a recipe may have 255 steps"):
        read(tmp_path, steps(*[grey] * 256))


@pytest.mark.parametrize("depth", [1, 10, 60, 120, 254, 300, 2000])
def test_nested_groups_are_read_or_refused_in_one_line(tmp_path, depth):
    text = "version: 1\nsteps: " + "[{all_of: " * depth + "[{operation: grey}]" + "}]" * depth
    try:
        read(tmp_path, text)
    except RecipeError as error:
        assert depth > 10
        assert "nested too deeply" in str(error) or "255 steps" in str(error)


def test_measured_psnr_is_read(tmp_path):
    text = "measured: {median_psnr: 24.5, protocol: x}\n" + steps(JPEG)
    assert read(tmp_path, text).median_psnr == 24.5


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes("version: 1 # é".encode("utf-16"))
    with pytest.raises(RecipeError, match="not a UTF-8 text file"):
        load_recipe(path)


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf"])
def test_a_value_that_is_not_finite_is_named_with_its_operation_and_range(tmp_path, value):
    path = tmp_path / "r.yaml"
    path.write_text(f"version: 1\nsteps:\n  - {{operation: gaussian_noise, sigma: {value}}}\n")
    words = r"line 3: gaussian_noise: sigma -?(nan|inf) is not a finite number from 0 to 255 levels"
    with pytest.raises(RecipeError, match=words):
        load_recipe(path)


def test_a_bound_that_is_not_finite_is_named_with_its_operation_and_key(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(
        "version: 1\nsteps:\n  - {operation: gaussian_noise, sigma: {uniform: [0, .inf]}}\n"
    )
    with pytest.raises(RecipeError, match=r"line 3: gaussian_noise: sigma .*two finite numbers"):
        load_recipe(path)

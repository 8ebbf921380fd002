import itertools

import numpy as np
import pytest

from bench.report.significance import groups_markdown, groups_text
from bench.stats.significance import Grouping, group_letters, significance_groups
from bench.store.record import Run


@pytest.mark.parametrize("seed", range(40))
def test_two_share_a_letter_if_and_only_if_they_are_not_apart(seed):
    source = np.random.Generator(np.random.Philox(seed))
    names = [f"r{number}" for number in range(source.integers(1, 9))]
    pairs = [frozenset(pair) for pair in itertools.combinations(names, 2)]
    apart = {pair for pair in pairs if source.random() < 0.4}
    letters = group_letters(names, apart)
    assert list(letters) == names
    for pair in pairs:
        one, other = pair
        assert bool(set(letters[one]) & set(letters[other])) == (pair not in apart)
    assert all(letters.values())


def test_letters_run_from_the_best_and_none_is_there_twice_for_the_same_group():
    # The known answer of a chain: neighbours alike, the ends apart.
    names = ["best", "middle", "worst"]
    assert group_letters(names, {frozenset(("best", "worst"))}) == {
        "best": "a", "middle": "ab", "worst": "b",
    }  # fmt: skip
    assert set(group_letters(names, set()).values()) == {"a"}
    every = {frozenset(pair) for pair in itertools.combinations(names, 2)}
    assert group_letters(names, every) == {"best": "a", "middle": "b", "worst": "c"}


def test_many_restorers_that_are_all_alike_are_one_group_at_once():
    names = [f"r{number}" for number in range(200)]  # without a pivot 2^200 steps
    assert group_letters(names, set()) == dict.fromkeys(names, "a")


def run_of(fakes, values, tmp_path, direction="higher", finished="now"):
    """A run with one metric: restorer to its value on each image."""
    rows = [
        fakes.row(float(value), key=str(number), restorer=name)
        for name, own in values.items()
        for number, value in enumerate(own)
    ]
    card = {"blind": True, "loss_networks": []}
    metric = {
        "name": "psnr", "kind": "pair", "feature": "", "direction": direction, "unit": "",
        "signature": "psnr|1", "source": "", "judge": "",
    }  # fmt: skip
    record = {
        "suite": {"name": "small", "seed": 7},
        "conditions": [{"dataset": "ramps", "recipe": "dark", "images": len(rows)}],
        "restorers": {name: card for name in values} | {"told": card | {"blind": False}},
        "metrics": {"psnr": metric},
        "reference": None,
        "finished": finished,
    }
    return Run(tmp_path, record, tuple(rows))


@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_what_differs_clearly_is_apart_and_noise_is_not(fakes, tmp_path, direction):
    source = np.random.Generator(np.random.Philox(3))
    base = source.normal(0, 5, 60)
    sign = 1 if direction == "higher" else -1
    values = {
        "input": base,
        "same": base + source.normal(0, 0.5, 60),
        "better": base + sign * (1 + source.normal(0, 0.5, 60)),
    }
    (found,) = significance_groups(run_of(fakes, values, tmp_path, direction))
    assert (found.dataset, found.recipe, found.metric, found.photographs) == (
        "ramps", "dark", "psnr", 60,
    )  # fmt: skip
    assert found.letters["better"] == "a"
    assert found.letters["input"] == found.letters["same"] == "b"
    assert "told" not in found.letters  # an oracle is no rival


def test_many_equal_restorers_are_rarely_told_apart(fakes, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.stats.resampling.DRAWS", 2000)
    source = np.random.Generator(np.random.Philox(4))
    alarms = 0
    for _ in range(60):
        values = {f"r{number}": source.normal(0, 1, 40) for number in range(5)}
        (found,) = significance_groups(run_of(fakes, values, tmp_path))
        alarms += len(set(found.letters.values())) > 1
    assert alarms <= 8  # 5 % of 60 is 3; more than 8 of 60 would come once in 250 times


def clear_values(restorers, photographs):
    """Each restorer is better than the one before on every photograph."""
    return {
        f"r{n}": [10 * n + number % 7 for number in range(photographs)] for n in range(restorers)
    }


@pytest.mark.parametrize(("restorers", "needed"), [(2, 6), (3, 7), (5, 9)])
def test_photographs_too_few_for_any_verdict_are_named_instead_of_letters(
    fakes, tmp_path, restorers, needed
):
    few, enough = (
        significance_groups(run_of(fakes, clear_values(restorers, count), tmp_path))
        for count in (needed - 1, needed)
    )
    pairs = restorers * (restorers - 1) // 2
    assert (few[0].letters, few[0].pairs, few[0].beyond_telling) == ({}, pairs, pairs)
    said = f"psnr: too few photographs to tell {pairs} pair{'s' * (pairs > 1)} apart "
    assert f"{said}(n {needed - 1}; {needed} can)." in groups_text(few)
    assert said in groups_markdown(few)
    assert len(set(enough[0].letters.values())) == restorers
    assert enough[0].beyond_telling == 0
    assert "too few" not in groups_text(enough)


def test_pairs_too_many_for_the_draws_are_named(fakes, tmp_path):
    (group,) = significance_groups(run_of(fakes, clear_values(33, 40), tmp_path))
    assert (group.pairs, group.beyond_telling, group.letters) == (528, 528, {})
    assert "psnr: 528 pairs are too many to tell apart with 20,000 draws." in groups_text([group])


def test_one_restorer_with_few_values_leaves_the_others_their_verdict(fakes, tmp_path):
    values = clear_values(3, 40)
    values["r1"] = values["r1"][:4]
    (found,) = significance_groups(run_of(fakes, values, tmp_path))
    assert (found.photographs, found.most_photographs) == (4, 40)
    assert not set(found.letters["r0"]) & set(found.letters["r2"])
    assert found.beyond_telling == 2
    text = groups_text([found])
    assert "psnr (n 4 to 40)" in text
    assert "too few photographs to tell 2 of 3 pairs apart (n 4 to 40; 7 can)." in text


def test_the_best_mean_is_over_the_images_that_all_have(fakes, tmp_path):
    # "hard" is also scored on hard images, where "frail" fails and "input" is worse still.
    easy, hard = [20.0] * 20, [5.0] * 20
    values = {
        "input": [20.0 - 2] * 20 + [5.0 - 30] * 20,
        "hard": easy + hard,
        "frail": [20.0 - 1] * 20,
    }
    (found,) = significance_groups(run_of(fakes, values, tmp_path))
    assert found.letters == {"hard": "a", "frail": "b", "input": "c"}
    values["input"], values["frail"] = [20.0 - 1] * 20 + hard, [20.0 - 2] * 20
    (found,) = significance_groups(run_of(fakes, values, tmp_path))
    assert list(found.letters) == ["hard", "input", "frail"]


def test_gains_on_images_that_another_lacks_lift_nobody_above_it(fakes, tmp_path):
    # On the 20 shared images: frail 3, hard 2, input 1; hard wins by 100 where frail has none.
    values = {
        "input": [1.0] * 20 + [0.0] * 20,
        "hard": [2.0] * 20 + [100.0] * 20,
        "frail": [3.0] * 20,
    }
    (found,) = significance_groups(run_of(fakes, values, tmp_path))
    assert list(found.letters) == ["frail", "hard", "input"]


def test_one_restorer_has_no_group(fakes, tmp_path):
    assert significance_groups(run_of(fakes, {"input": [1, 2, 3]}, tmp_path)) == []


def test_the_tables_say_the_letters_and_how_many_photographs():
    groups = [
        Grouping("a|b", "dark", "psnr", {"net": "a", "input": "ab"}, ("frail",), 12, 12, 1, 0),
        Grouping("a|b", "dark", "ssim", {"input": "a", "net": "b"}, ("frail",), 11, 11, 1, 0),
    ]
    text = groups_text(groups).splitlines()
    assert text[0] == "a|b × dark, significance letters"
    assert text[1].split() == ["psnr", "(n", "12)", "ssim", "(n", "11)"]
    assert [line.split() for line in text[2:5]] == [
        ["net", "a", "b"], ["input", "ab", "a"], ["frail", "–", "–"],
    ]  # fmt: skip
    assert r"**a\|b × dark**" in groups_markdown(groups)
    assert "| input | ab | a |" in groups_markdown(groups)
    assert groups_markdown([]) == ""


def test_a_restorer_without_a_value_has_no_letter_and_takes_no_photograph_from_others(
    fakes, tmp_path
):
    values = {"input": [1.0] * 20, "better": [5.0] * 20, "frail": []}
    (found,) = significance_groups(run_of(fakes, values, tmp_path))
    assert found.letters == {"better": "a", "input": "b"}
    assert found.without_value == ("frail",)
    assert found.photographs == found.most_photographs == 20
    assert found.pairs == 1

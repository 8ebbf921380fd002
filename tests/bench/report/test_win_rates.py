from bench.report.significance import win_rates_markdown, win_tables
from bench.stats.significance import win_rates
from bench.store.record import Run

PLACE = "ramps", "dark", "psnr"


def run_of(fakes, values, tmp_path, *, direction="higher"):
    """A run with one metric: restorer to its value on each image, an oracle among them."""
    rows = [
        fakes.row(value, key=str(number), restorer=name)
        for name, own in values.items()
        for number, value in enumerate(own)
        if value is not None
    ]
    metric = {"name": "psnr", "kind": "pair", "direction": direction, "unit": "dB"}
    record = {
        "suite": {"name": "small", "seed": 7},
        "conditions": [{"dataset": "ramps", "recipe": "dark"}],
        "restorers": {name: {"blind": name != "told"} for name in values},
        "metrics": {"psnr": metric, "seconds": metric | {"name": "seconds"}},
    }
    return Run(tmp_path, record, tuple(rows))


VALUES = {
    "input": [20.0, 20.0, 20.0, 20.0],
    "best": [30.0, 30.0, 30.0, 19.0],
    "tied": [20.0, 30.0, 19.0, 21.0],
    "told": [40.0, 40.0, 40.0, 40.0],
}


def rates(run, best):
    found = win_rates(run, best)
    return {(each.restorer, each.against): (each.wins, each.photographs) for each in found}


def test_a_tie_counts_half_and_an_oracle_does_not_compete(fakes, tmp_path):
    found = rates(run_of(fakes, VALUES, tmp_path), {PLACE: ["best"]})
    assert found == {
        ("best", "input"): (3 / 4, 4),
        ("tied", "input"): ((2 + 1 / 2) / 4, 4),
        ("tied", "best"): ((1 + 1 / 2) / 4, 4),
    }


def test_lower_is_better_where_the_metric_says_so(fakes, tmp_path):
    run = run_of(fakes, VALUES, tmp_path, direction="lower")
    assert rates(run, {})["best", "input"] == (1 / 4, 4)


def test_photographs_that_one_of_the_two_lacks_are_left_out_and_counted(fakes, tmp_path):
    values = VALUES | {"best": [30.0, None, None, 19.0], "tied": [None] * 4}
    found = rates(run_of(fakes, values, tmp_path), {PLACE: ["best"]})
    assert found["best", "input"] == (1 / 2, 2)
    assert found["tied", "input"] == (None, 0)


def test_both_of_two_perfect_images_are_a_tie(fakes, tmp_path):
    values = {"input": [float("inf"), 20.0], "best": [float("inf"), 21.0]}
    assert rates(run_of(fakes, values, tmp_path), {})["best", "input"] == (3 / 4, 2)


def test_where_doing_nothing_is_the_best_it_is_named_once(fakes, tmp_path):
    found = rates(run_of(fakes, VALUES, tmp_path), {PLACE: ["input"]})
    assert set(found) == {("best", "input"), ("tied", "input")}


def test_the_words_are_whole_per_cents_and_names_are_escaped(fakes, tmp_path):
    name = "=a|<b>"
    values = {"input": VALUES["input"], name: VALUES["best"], "tied": VALUES["tied"]}
    wins = win_rates(run_of(fakes, values, tmp_path), {PLACE: [name]})
    (table,) = win_tables(wins).values()
    assert table.columns == (("psnr", "input", "4"), ("psnr", name, "4"))
    assert table.rows == ((name, "75 %", "–"), ("tied", "62 %", "38 %"))
    text = win_rates_markdown(wins)
    assert r"| =a\|\<b\> | 75 % | – |" in text
    assert r"psnr over =a\|\<b\> (n 4)" in text
    assert win_rates_markdown([]) == ""


def test_n_is_a_span_where_restorers_have_different_photographs(fakes, tmp_path):
    values = VALUES | {"tied": [21.0, None, None, None]}
    (table,) = win_tables(win_rates(run_of(fakes, values, tmp_path), {})).values()
    assert table.columns == (("psnr", "input", "1 to 4"),)

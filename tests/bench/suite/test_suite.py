from __future__ import annotations

import pytest

import zoo
from bench.suite.suite import Suite, SuiteError, load_suite, suite_names

GOOD = """\
name: mine
datasets: [photos, faces]
recipes:
  - kuaishou
  - ./own.yaml
seed: 18446744073709551615
limit: 4
restorers: all
metrics:
  - psnr
"""


def write(folder, text):
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_field_is_read_and_the_rest_has_defaults(tmp_path):
    (tmp_path / "faces").mkdir()
    suite = load_suite(write(tmp_path, GOOD))
    assert suite == Suite(
        name="mine",
        datasets=("photos", str(tmp_path / "faces")),
        recipes=("kuaishou", str(tmp_path / "own.yaml")),
        restorers=("all",),
        metrics=("psnr",),
        seed=2**64 - 1,
        variants=1,
        limit=4,
        size=None,
        reference=None,
        masks="none",
    )


def test_a_reference_beside_the_file_is_found_and_masks_are_named(tmp_path):
    (tmp_path / "clean").mkdir()
    suite = load_suite(write(tmp_path, GOOD + "reference: clean\nmasks: right\n"))
    assert (suite.reference, suite.masks) == (str(tmp_path / "clean"), "right")
    assert load_suite(write(tmp_path, GOOD + "reference: ffhq\n")).reference == "ffhq"


@pytest.mark.parametrize("name", ["demo", "quick", "faces-128", "inversion-64"])
def test_the_shipped_suites_can_be_read_by_name(name):
    assert name in suite_names()
    assert load_suite(name).name == name


def test_the_demo_scores_every_restorer_by_nine_metrics():
    demo = load_suite("demo")
    whole = [card.name for card in zoo.cards() if card.input_size is None]
    assert sorted(demo.restorers) == sorted(whole)
    assert demo.recipes == ("kuaishou", "gfpgan")
    assert len(demo.metrics) == 9


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("limit: 4", "limmit: 4", "line 7: limmit: unknown key. Did you mean 'limit'?"),
        ("limit: 4", "zzz: 4", "line 7: zzz: unknown key. Known: datasets, restorers"),
        ("limit: 4", "limit: none", "line 7: limit: Expected `int | null`, got `str`"),
        ("limit: 4", "limit: 0", "line 7: limit: Expected `int` >= 1"),
        ("limit: 4", "variants: true", "line 7: variants: Expected `int`, got `bool`"),
        ("limit: 4", "variants: 65536", "variants: Expected `int` <= 65535"),
        (
            "seed: 18446744073709551615",
            "seed: 18446744073709551616",
            "line 6: seed: expected a whole number from 0",
        ),
        ("  - psnr", "  - 7", "line 10: metrics.0: Expected `str`, got `int` (7)"),
        ("  - psnr", "  - psnr\n  - psnr", "line 11: metrics: 'psnr' stands here twice"),
        ("metrics:\n  - psnr", "metrics: []", "line 9: metrics: Expected `array` of length >= 1"),
        ("metrics:\n  - psnr", "seeds: 1", "Did you mean 'seed'?"),
        (
            "limit: 4",
            "masks: wrong",
            "masks: Invalid enum value 'wrong' ('wrong'): use one of none, right, wrong-face",
        ),
        ("limit: 4", "reference: [a]", "line 7: reference: Expected `str | null`, got `array`"),
        ("metrics:\n  - psnr\n", "", "missing required field `metrics`"),
        (
            "restorers: all",
            "restorers: every",
            "line 8: restorers: Invalid enum value 'every' ('every'): use one of all",
        ),
        (
            "name: mine",
            "name: ../x",
            "line 1: name: expected letters, digits, - _ and ., got '../x'",
        ),
        ("name: mine", "name: ..", "line 1: name: expected letters, digits, - _ and ., got '..'"),
        ("restorers: all", "restorers: [a", "this is not valid YAML"),
    ],
)
def test_a_mistake_is_one_line_with_its_line_and_what_to_do(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(SuiteError) as caught:
        load_suite(write(tmp_path, GOOD.replace(old, new)))
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "mine.yaml"))
    assert "\n" not in str(caught.value)


def test_a_text_that_is_no_mapping_is_refused(tmp_path):
    for text in ("", "- a\n", "word\n"):
        with pytest.raises(SuiteError, match="line 1: expected keys and values"):
            load_suite(write(tmp_path, text))


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(SuiteError, match=r"no suite 'dmeo'. Did you mean 'demo'\?"):
        load_suite("dmeo")


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(SuiteError, match="there is no such file"):
        load_suite(tmp_path / "none.yaml")

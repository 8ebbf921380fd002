from __future__ import annotations

import pytest
import yaml

from bench.gate.rules import DEFAULT_RULES, MetricRule, Rules, RulesError, load_rules
from bench.metrics.registry import metric_names


def written(tmp_path, text):
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    return path


def test_the_shipped_rules_say_what_their_text_says():
    rules = load_rules()
    told = yaml.safe_load(DEFAULT_RULES.read_text())
    assert [rule.metric for rule in rules.metrics] == list(told["metrics"])
    assert (rules.level, rules.missing_baseline, rules.absent_metric) == (0.01, "fail", "skip")
    assert rules.coverage_falls_by == 0
    assert rules.metrics[0] == MetricRule("psnr", 0.1, cap=40.0)
    assert {rule.metric for rule in rules.metrics} <= set(metric_names())


def test_a_share_is_of_the_baseline_and_a_number_in_the_metrics_unit(tmp_path):
    text = "metrics:\n  a: {worse_by: 2.5 %}\n  b: {worse_by: 0.1}\n  c: {worse_by: 0}\n"
    share, number, nothing = load_rules(written(tmp_path, text)).metrics
    assert share.limit(-0.4) == pytest.approx(0.01)
    assert number.limit(-0.4) == 0.1
    assert nothing.limit(7.0) == 0.0
    assert (share.text(), number.text()) == ("2.5 %", "0.1")


def test_what_is_left_out_has_the_default_of_the_dataclass(tmp_path):
    path = written(tmp_path, "metrics: {psnr: {worse_by: 1}}\n")
    assert load_rules(path) == Rules((MetricRule("psnr", 1.0),))


def test_coverage_may_fall_by_a_share(tmp_path):
    path = written(tmp_path, "coverage_falls_by: 0.5 %\nmetrics: {psnr: {worse_by: 1}}\n")
    assert load_rules(path).coverage_falls_by == 0.005


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "line 1: expected keys and values"),
        ("level: 0.01", "line 1: .* missing required field `metrics`"),
        ("metrics: {}", "line 1: metrics: expected names with {worse_by: LIMIT}"),
        ("metrics:\n  psnr: 0.1", "line 2: expected keys and values, got 0.1"),
        ("metrics:\n  psnr: {wors_by: 1}", "line 2: wors_by: .* Did you mean 'worse_by'?"),
        (
            "metrics:\n  psnr: {worse_by: 1, cap: a}",
            r"line 2: cap: Expected `float \| null`, got `str`",
        ),
        ("metrics:\n  psnr: {worse_by: 1, cap: .inf}", "line 2: .*cap: inf is not a finite"),
        ("metrics:\n  psnr: {worse_by: 1, cap: true}", "line 2: cap: .* got `bool`"),
        ("metrics:\n  psnr: {}", "line 2: .* missing required field `worse_by`"),
        (
            "metrics:\n  psnr: {worse_by: -1}",
            "line 2: metrics.psnr.worse_by: expected a number from 0",
        ),
        ("metrics:\n  psnr: {worse_by: .nan}", "line 2: .*worse_by: nan is not a finite number"),
        ("metrics:\n  psnr: {worse_by: inf %}", "line 2: .*worse_by: expected a number from 0"),
        ("metrics:\n  psnr: {worse_by: 1e9 %}", "line 2: .*worse_by: .* would never fail"),
        ("metrics:\n  psnr: {worse_by: 1, cap: -9999}", "line 2: .*cap: Expected `float` > 0"),
        ("metrics:\n  psnr: {worse_by: much}", "line 2: .*worse_by: expected .*'much'"),
        ("metrics:\n  psnr: {worse_by: true}", "line 2: worse_by: .* got `bool`"),
        ("metrics:\n  seconds: {worse_by: 1}", "line 2: metrics.seconds: depends on the machine"),
        ("metrics:\n  1: {worse_by: 1}", "metrics: Expected `str`, got `int`"),
        ("metrics: {a: {worse_by: 1}}\nlevle: 1", "line 2: levle: .* Did you mean 'level'?"),
        ("metrics: {a: {worse_by: 1}}\nlevel: 0", "line 2: level: Expected `float` > 0"),
        (
            "metrics: {a: {worse_by: 1}}\ncoverage_falls_by: 2",
            "line 2: coverage_falls_by: give a share",
        ),
        (
            "metrics: {a: {worse_by: 1}}\nmissing_baseline: ok",
            "line 2: missing_baseline: .*fail, warn",
        ),
        ("metrics: {a: {worse_by: 1}}\nabsent_metric: warn", "line 2: absent_metric: .*fail, skip"),
        ("metrics: {a: {worse_by: 1}\n", "this is not valid YAML"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_line(tmp_path, text, message):
    with pytest.raises(RulesError, match=message) as caught:
        load_rules(written(tmp_path, text))
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(RulesError, match="there is no such file"):
        load_rules(tmp_path / "none.yaml")

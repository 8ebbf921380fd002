"""The verdict in words, Markdown and JUnit XML."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from bench.gate.coverage import Change, Coverage
from bench.gate.junit import verdict_junit
from bench.gate.rules import MetricRule, Rules
from bench.gate.text import LONGEST, headline, verdict_markdown, verdict_text
from bench.gate.verdict import Check, Outcome, Verdict
from bench.stats.bootstrap import Interval

RULES = Rules((MetricRule("psnr", 0.1),))
OK = Check(
    dataset="faces", recipe="dark", restorer="mine", metric="psnr", direction="higher",
    signature="psnr|1", before=27.25, after=27.3, difference=Interval(0.05, -0.02, 0.12),
    limit=0.1, limit_text="0.1", p_holm=0.4, wilcoxon_holm=0.3, photographs=40, images=80,
    capped=0, coverage=Coverage(80, 80, 80), worst=(), is_worse=False, is_lost=False,
)  # fmt: skip
WORSE = replace(
    OK,
    after=26.75,
    difference=Interval(-0.5, -0.62, -0.38),
    p_holm=1e-4,
    is_worse=True,
    worst=(Change("b.png", 28.0, 21.25), Change("c.png", 25.0, 24.5)),
)
LOST = replace(
    OK, metric="ssim", is_lost=True, coverage=Coverage(80, 80, 78, (("a.png", "gave NaN"),))
)


def verdict(*checks, outcome=None, reason="", code=None, notes=()):
    failed = any(check.failed for check in checks)
    outcome = outcome or (Outcome.REGRESSION if failed else Outcome.PASSED)
    return Verdict(outcome, reason, int(failed) if code is None else code, checks, notes, RULES)


MISSING = verdict(outcome=Outcome.MISSING_BASELINE, reason="runs/main holds no run", code=0)
REFUSED = verdict(outcome=Outcome.MISSING_BASELINE, reason="runs/main holds no run", code=2)
OTHER = verdict(outcome=Outcome.NOT_COMPARABLE, reason="seed was 7, now 8", code=3)


def test_the_headline_counts_failures_or_gives_the_reason():
    assert headline(verdict(OK, WORSE, LOST)) == "gate: failed, 2 of 3 checks"
    assert headline(verdict(OK)) == "gate: passed, 1 check"
    assert headline(MISSING) == (
        "gate: passed unchecked, there is no baseline: runs/main holds no run"
    )
    assert headline(REFUSED).startswith("gate: failed, there is no baseline")
    assert headline(OTHER) == "gate: not comparable: seed was 7, now 8"


def test_the_text_gives_numbers_the_reason_and_the_images_that_were_lost():
    text = verdict_text(verdict(OK, WORSE, LOST, notes=("lpips: no value",)))
    lines = text.splitlines()
    assert "faces × dark" in lines
    assert [line.split()[-1] for line in lines[4:7]] == ["ok", "worse", "lost"]
    assert "27.250" in lines[5] and "−0.500" in lines[5] and "−0.620 to −0.380" in lines[5]
    assert (
        "mine, psnr on faces × dark: worse by 0.500 (-1.8%), more than 0.100; Holm's p <.001"
        in lines
    )
    assert "mine, ssim on faces × dark: 78 of 80 images have a value, 80 had" in lines
    assert "  a.png: gave NaN" in lines
    place = lines.index("  b.png: 28.000 to 21.250")
    assert lines[place - 1].startswith("mine, psnr on") and lines[place + 1] == (
        "  c.png: 25.000 to 24.500"
    )
    assert "lpips: no value" in lines


def test_markdown_has_failures_first_and_every_check_in_a_table():
    text = verdict_markdown(verdict(OK, WORSE, LOST, notes=("a note",)))
    assert text.startswith("### ❌ gate: failed, 2 of 3 checks\n")
    table = [line for line in text.splitlines() if line.startswith("| faces")]
    assert [line.endswith("| ok |") for line in table] == [False, False, True]
    assert {line.count("|") for line in table} == {12}
    assert "| **worse** |" in table[0]
    assert "  - a.png: gave NaN" in text
    assert text.index("mine, psnr") < text.index("  - b.png: 28.000 to 21.250")
    assert "- a note" in text
    assert verdict_markdown(verdict(OK)).startswith("### ✅ gate: passed")
    assert verdict_markdown(MISSING).startswith("### ⚠️ gate: passed unchecked")


@pytest.mark.parametrize("sign", ["a", "ü", "\U0001f308", "|", "\ud800"])
def test_markdown_is_never_longer_than_github_takes(sign):
    name = sign * 5000
    long = replace(LOST, restorer=name, dataset=name, coverage=Coverage(9, 9, 4, ((name, name),)))
    text = verdict_markdown(verdict(*[long] * 300, notes=(name,) * 40))
    size = len(text.encode("utf-8", "backslashreplace"))
    assert LONGEST * 0.9 < size <= LONGEST
    assert "more, left out for their length" in text
    whole = verdict_markdown(verdict(*[LOST] * 30))
    assert "left out" not in whole
    assert whole.count("| **2 lost** |") == 30
    reason = verdict(outcome=Outcome.NOT_COMPARABLE, reason=sign * 10**6, code=3)
    assert len(verdict_markdown(reason).encode("utf-8", "backslashreplace")) < LONGEST


def test_markdown_of_hostile_names_stays_a_table_and_loads_nothing():
    bad = replace(OK, restorer="<img src=x>|`a`\n# b", recipe="](http://x)")
    text = verdict_markdown(verdict(bad))
    (line,) = [line for line in text.splitlines() if line.startswith("| faces")]
    assert "\\<img src=x\\>\\|\\`a\\` # b" in line
    assert "\\](http" in line


def test_junit_has_a_suite_a_condition_and_a_case_a_check():
    other = replace(WORSE, recipe="light")
    root = ElementTree.fromstring(verdict_junit(verdict(OK, LOST, other)))
    assert root.attrib | {"name": ""} == {
        "name": "", "tests": "3", "failures": "2", "errors": "0", "skipped": "0",
    }  # fmt: skip
    assert [suite.get("name") for suite in root] == ["faces × dark", "faces × light"]
    assert [suite.get("failures") for suite in root] == ["1", "1"]
    cases = list(root.iter("testcase"))
    assert [case.get("classname") for case in cases] == ["mine"] * 3
    assert cases[0].get("name") == "psnr is not worse by more than 0.1"
    lost = cases[1].find("failure")
    assert lost.get("message") == "78 of 80 images have a value, 80 had"
    assert lost.text.splitlines()[-1] == "a.png: gave NaN"
    assert "worse by 0.500" in cases[2].find("failure").get("message")
    assert "b.png: 28.000 to 21.250" in cases[2].find("failure").text.splitlines()


@pytest.mark.parametrize(
    ("found", "kind"), [(MISSING, "skipped"), (REFUSED, "error"), (OTHER, "error")]
)
def test_junit_says_why_nothing_was_checked(found, kind):
    root = ElementTree.fromstring(verdict_junit(found))
    (case,) = root.iter("testcase")
    assert case.find(kind).get("message") == headline(found)
    assert root.get("tests") == "1"
    assert root.get("errors") == str(int(kind == "error"))


def test_junit_of_hostile_names_is_still_xml():
    bad = replace(LOST, restorer='a"<&>\x00\x1b\ud800', dataset="\ufffe")
    root = ElementTree.fromstring(verdict_junit(verdict(bad)))
    (case,) = root.iter("testcase")
    assert case.get("classname") == 'a"<&>\ufffd\ufffd\ufffd'


def test_the_record_is_strict_json_with_every_check():
    record = json.loads(json.dumps(verdict(OK, LOST).as_record(), allow_nan=False))
    assert (record["outcome"], record["exit_code"]) == ("regression", 1)
    assert [check["failed"] for check in record["checks"]] == [False, True]
    assert record["checks"][1]["coverage"]["lost"] == [["a.png", "gave NaN"]]
    assert record["rules"]["level"] == 0.01

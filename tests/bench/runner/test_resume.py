"""When a folder holds the run that is about to begin, as far as judges' weights decide it."""

from __future__ import annotations

import json

import pytest

from bench.runner.session import build_record, resume_or_start
from bench.store.record import read_record, write_record
from bench.suite.suite import SuiteError

ONE, OTHER = {"judge.pth": "1" * 64}, {"judge.pth": "2" * 64}


@pytest.fixture
def begin(tmp_path, fakes, monkeypatch):
    """Return a function: weights of the metric ``error`` to the record that a session has."""

    def session(weights):
        monkeypatch.setattr(
            "bench.runner.session.judge_weights",
            lambda metrics: {
                each.name: weights if each.name == "error" else {} for each in metrics
            },
        )
        cards = [restorer.card for restorer in fakes.restorers()]
        record = build_record(fakes.suite(), [fakes.condition()], cards, fakes.metrics())
        return resume_or_start(tmp_path, record)

    return session


def test_the_weights_of_each_metric_stand_beside_its_facts(begin, tmp_path):
    begin(ONE)
    metrics = read_record(tmp_path)["metrics"]
    assert metrics["error"]["weights"] == ONE
    assert metrics["set_distance"]["weights"] == {}
    assert metrics["error"]["signature"] == "fake|1"


def test_a_run_goes_on_with_the_same_judge_only(begin, tmp_path):
    begin(ONE)
    assert len(begin(dict(ONE))["resumed"]) == 1
    with pytest.raises(SuiteError) as caught:
        begin(OTHER)
    assert str(caught.value) == (
        f"{tmp_path} holds another run: the judge of error has other weights (sha256 of judge.pth "
        "was 111111111111, now 222222222222): choose another --out folder, or delete this one"
    )


def test_weights_that_were_missing_when_the_run_began_are_told_when_they_came(begin, tmp_path):
    begin({})
    begin(ONE)
    assert read_record(tmp_path)["metrics"]["error"]["weights"] == ONE
    begin({})  # and are not forgotten where they are gone again
    assert read_record(tmp_path)["metrics"]["error"]["weights"] == ONE


def test_a_run_that_an_earlier_version_began_goes_on_and_claims_nothing(begin, tmp_path):
    record = begin(ONE)
    for facts in record["metrics"].values():
        facts.pop("weights", None)
    write_record(tmp_path, json.loads(json.dumps(record)))
    begin(OTHER)
    assert "weights" not in read_record(tmp_path)["metrics"]["error"]

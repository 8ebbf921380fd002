"""What runs read of each other; restorers and metrics are faked and count their calls."""

from __future__ import annotations

import dataclasses
import math
import os

import numpy as np
import pytest

from bench.metrics.entry import Status
from bench.metrics.metric import Measurement, Sample
from bench.runner import cache as caching
from bench.runner.cache import Cache
from bench.runner.cache_store import CacheStore
from bench.runner.run import execute

LIGHT = np.full((8, 9, 3), 200, np.uint8)


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


class Counting:
    """Wraps a function of a metric or restorer and counts its calls."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *arguments):
        self.calls += 1
        return self.function(*arguments)


def values(folder):
    lines = (folder / "rows.csv").read_text().splitlines()
    return [line for line in lines if ",seconds," not in line]


def start(fakes, tmp_path, name, restorers, metrics):
    suite = fakes.suite()
    return execute(
        suite, [[fakes.condition()]], restorers, metrics, tmp_path / name, cache=tmp_path / "cache"
    )


def counted(fakes):
    metrics = fakes.metrics()
    metrics[0].compute = Counting(metrics[0].compute)
    metrics[1].describe = Counting(metrics[1].describe)
    return fakes.restorers(), metrics


def calls(restorers, metrics):
    return [each.calls for each in restorers] + [
        metrics[0].compute.calls,
        metrics[1].describe.calls,
    ]


def test_another_run_of_the_same_images_restores_and_measures_nothing(tmp_path, fakes):
    first = counted(fakes)
    start(fakes, tmp_path, "one", *first)
    # The three degraded images are equal, their truths are not.
    assert calls(*first)[:3] == [1, 1, 6]
    second = counted(fakes)
    run = start(fakes, tmp_path, "two", *second)
    assert calls(*second) == [0, 0, 0, 0]
    assert values(tmp_path / "two") == values(tmp_path / "one")
    for path in sorted((tmp_path / "one").rglob("*.png")):
        assert (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes() == (
            path.read_bytes()
        )
    details = {row.detail for row in run.rows if row.metric == "seconds"}
    assert details == {"restored and timed by an earlier run, from the cache"}


def test_a_damaged_cache_is_computed_again_and_gives_the_same_values(tmp_path, fakes):
    start(fakes, tmp_path, "one", *counted(fakes))
    entries = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    for number, path in enumerate(entries):
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2] if number % 2 else whole[:-3] + b"999")
    again = counted(fakes)
    start(fakes, tmp_path, "two", *again)
    assert calls(*again)[:3] == [1, 1, 6]
    assert values(tmp_path / "two") == values(tmp_path / "one")
    third = counted(fakes)
    start(fakes, tmp_path, "three", *third)
    assert calls(*third) == [0, 0, 0, 0]


def test_other_weights_are_another_restorer(tmp_path, fakes):
    start(fakes, tmp_path, "one", *counted(fakes))
    restorers, metrics = counted(fakes)
    restorers[1].card = dataclasses.replace(restorers[1].card, sha256="1" * 64)
    start(fakes, tmp_path, "two", restorers, metrics)
    assert calls(restorers, metrics)[:3] == [0, 1, 0]  # it made the same images


def test_another_signature_is_another_value(tmp_path, fakes):
    start(fakes, tmp_path, "one", *counted(fakes))
    restorers, metrics = counted(fakes)
    metrics[0].signature = "fake|2"
    start(fakes, tmp_path, "two", restorers, metrics)
    assert calls(restorers, metrics) == [0, 0, 6, 0]


def test_other_pixels_are_restored(cache, fakes):
    card, plan = fakes.card("brighter"), fakes.condition().pairs[0].plan
    key = cache.key_of(card, LIGHT, None, plan)
    changed = LIGHT.copy()
    changed[3, 4, 1] += 1
    mask = np.zeros((19, 8, 9), np.float32)
    keys = {
        key,
        cache.key_of(card, changed, None, plan),
        cache.key_of(card, LIGHT.reshape(9, 8, 3), None, plan),
        cache.key_of(card, LIGHT, mask, plan),
        cache.key_of(card, LIGHT, mask + 1, plan),
        cache.key_of(fakes.card("darker"), LIGHT, None, plan),
    }
    assert len(keys) == 6
    assert "" not in keys


def test_only_an_oracles_images_depend_on_what_it_is_told(cache, fakes):
    plans = [fakes.condition(recipe=name).pairs[0].plan for name in ("dark", "dim")]
    blind, oracle = fakes.card("x"), fakes.card("x", blind=False, kind="oracle")
    assert len({cache.key_of(blind, LIGHT, None, plan) for plan in plans}) == 1
    assert len({cache.key_of(oracle, LIGHT, None, plan) for plan in plans}) == 2


@pytest.mark.parametrize(("kind", "sha256"), [("command", "1" * 64), ("network", "")])
def test_what_may_change_unseen_is_not_kept(cache, fakes, kind, sha256):
    card = dataclasses.replace(fakes.card("x", kind=kind), sha256=sha256)
    key = cache.key_of(card, LIGHT, None, fakes.condition().pairs[0].plan)
    assert key == ""
    cache.keep_restored(key, b"", 1.0, None)
    assert cache.restored(key) is None


@pytest.mark.parametrize("what", ["restoring_software", "measuring_software"])
def test_other_software_reads_nothing_of_before(tmp_path, fakes, monkeypatch, what):
    start(fakes, tmp_path, "one", *counted(fakes))
    monkeypatch.setattr(caching, what, lambda: "another version")
    again = counted(fakes)
    start(fakes, tmp_path, "two", *again)
    restored, measured = ([1, 1], [0]) if what == "restoring_software" else ([0, 0], [6])
    assert calls(*again)[:3] == restored + measured


def test_values_come_back_exactly_with_their_status(cache, fakes):
    images = Sample(LIGHT), Sample(LIGHT + np.uint8(1))
    given = {
        "a": Measurement(1 / 3),
        "b": Measurement(math.inf),
        "c": Measurement(None, Status.NO_FACE, "no face found"),
        "d": Measurement(None, Status.ERROR, "it burst"),
        "e": Measurement(None, Status.WEIGHTS_MISSING, "run `zoo fetch`"),
    }
    metrics = {name: fakes.PairMetric(name, None, signature=f"{name}|1") for name in given}
    cache.keep_values(*images, [(metrics["a"], given["a"])])
    cache.keep_values(*images, [(metrics[name], given[name]) for name in "bcde"])
    found = cache.values(*images)
    assert found == {f"{name}|1": given[name] for name in "abc"}
    assert cache.values(*reversed(images)) == {}


def test_without_a_folder_nothing_is_known_or_kept(fakes):
    nothing, images = Cache(None), (Sample(LIGHT), Sample(LIGHT))
    metric = fakes.PairMetric("a", None)
    nothing.keep_values(*images, [(metric, Measurement(1.0))])
    assert nothing.values(*images) == {}
    assert nothing.key_of(fakes.card("x"), LIGHT, None, fakes.condition().pairs[0].plan) == ""


def test_a_metric_whose_weights_a_person_brings_is_measured_each_time(cache):
    from bench.metrics.entry import MetricEntry
    from bench.metrics.metric import RegisteredMetric

    own = RegisteredMetric(MetricEntry("own", "pair", "higher", "", "own|1", "", file="own.onnx"))
    images = Sample(LIGHT), Sample(LIGHT)
    cache.keep_values(*images, [(own, Measurement(0.5))])
    assert cache.values(*images) == {}


def test_what_somebody_else_made_is_not_kept(tmp_path, fakes, monkeypatch):
    """A package's restorer may be edited, and an added network's options stand on no card."""
    plan = fakes.condition().pairs[0].plan
    monkeypatch.setattr(caching, "other_names", lambda: ("plugin", "input"))
    others = Cache(tmp_path)
    assert others.key_of(fakes.card("plugin"), LIGHT, None, plan) == ""
    # A name of Relume's own counts first, and is its own.
    assert others.key_of(fakes.card("input"), LIGHT, None, plan) != ""


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_run_ends_with_the_cache_within_its_limit_and_keeps_what_it_used(
    tmp_path, fakes, monkeypatch
):
    folder = tmp_path / "cache"
    start(fakes, tmp_path, "one", *counted(fakes))
    size, old = size_of(folder), CacheStore(folder)
    for number in range(5):
        old.keep("restored", f"{number:064x}", b"x" * size)
        long_ago = (number, number)
        os.utime(folder / "restored" / "00" / f"{number:064x}", long_ago)
    monkeypatch.setenv("RELUME_CACHE_LIMIT", f"{3 * size}B")
    again = counted(fakes)
    start(fakes, tmp_path, "two", *again)
    assert calls(*again) == [0, 0, 0, 0]
    kept = {path.name for path in (folder / "restored" / "00").iterdir()}
    assert kept & {f"{number:064x}" for number in range(5)} == {
        f"{4:064x}"
    }  # used last; two are too much
    third = counted(fakes)
    start(fakes, tmp_path, "three", *third)
    assert calls(*third) == [0, 0, 0, 0]


def test_with_no_room_nothing_is_kept_and_no_value_differs(tmp_path, fakes, monkeypatch):
    monkeypatch.setenv("RELUME_CACHE_LIMIT", "0")
    for name in ("one", "two"):
        again = counted(fakes)
        start(fakes, tmp_path, name, *again)
        assert calls(*again)[:3] == [3, 3, 6]
    assert values(tmp_path / "one") == values(tmp_path / "two")
    assert size_of(tmp_path / "cache") == 0

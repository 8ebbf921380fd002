"""A small benchmark without a network, a model or a data set: the runner's contracts, faked."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from bench.metrics.entry import Status
from bench.metrics.metric import Measurement
from bench.store.rows import ScoreRow
from bench.suite.conditions import Condition
from bench.suite.suite import Suite
from degrade.errors import ImageError
from degrade.planner.plan import Plan
from zoo.restorer import Card


@dataclass
class FakePair:
    key: str
    hq: np.ndarray
    lq: np.ndarray
    plan: Plan


@dataclass
class FakePairs:
    """Grey ramps; the degraded one is darker by as many levels as its position plus one."""

    recipe: str
    keys: tuple[str, ...]
    reads: list = field(default_factory=list)
    broken: tuple[str, ...] = ()
    stop_at: int | None = None
    steps: object = None  # index -> the steps of its plan

    def __len__(self):
        return len(self.keys)

    def __getitem__(self, index):
        if index == self.stop_at:
            raise KeyboardInterrupt
        key = self.keys[index]
        if key in self.broken:
            raise ImageError(f"{key} is damaged")
        self.reads.append(key)
        hq = np.full((40, 48, 3), 100 + index, np.uint8)
        hq[:, :, 0] += np.arange(48, dtype=np.uint8)
        steps = self.steps(index) if self.steps else ()
        plan = Plan(self.recipe, "d" * 64, 7, f"{key}.png", 0, (40, 48), steps)
        return FakePair(key, hq, hq - np.uint8(index + 1), plan)


@dataclass
class FakeRestorer:
    """Calls ``act`` on each face; counts its calls."""

    card: Card
    act: object
    calls: int = 0
    plans: list = field(default_factory=list)

    def restore(self, faces, masks=None, plans=None):
        self.calls += 1
        self.plans.append(plans)
        return [self.act(face) for face in faces]


@dataclass
class FakePairMetric:
    name: str
    compute: object
    direction: str = "higher"
    unit: str = ""
    source: str = "test"
    signature: str = "fake|1"
    judge: str = ""

    def measure(self, restored, hq):
        result = self.compute(restored, hq)
        return result if isinstance(result, Measurement) else Measurement(result)


@dataclass
class FakeSetMetric:
    """The distance of the means of the mean levels of two sets."""

    name: str = "set_distance"
    direction: str = "lower"
    unit: str = ""
    source: str = "test"
    signature: str = "set|1"
    judge: str = ""
    feature: str = "mean-level"

    def describe(self, sample):
        return np.array([float(sample.image.mean())])

    def compare(self, restored, reference, images=None):
        return Measurement(float(abs(restored.mean() - reference.mean())))


def _card(name, *, blind=True, loss_networks=(), kind="classical"):
    return Card(
        name=name, kind=kind, summary=f"{name} | a *test*", licence_code="MIT",
        licence_weights="none", source="test", input_size=None, trained_on="nothing",
        loss_networks=loss_networks, sha256="", blind=blind, limits="none",
    )  # fmt: skip


def _condition(recipe="dark", keys=("a", "b", "c"), dataset="ramps", choices=None, **options):
    pairs = FakePairs(recipe, keys, **options)
    addresses = tuple((key, 0) for key in keys)
    return Condition(dataset, recipe, "d" * 64, addresses, pairs, choices=choices or {})


def _suite(**changes):
    facts = {
        "name": "small", "datasets": ("ramps",), "recipes": ("dark",),
        "restorers": ("input", "brighter"), "metrics": ("error", "set_distance"),
    }  # fmt: skip
    return Suite(**(facts | changes))


def _mean_error(restored, hq):
    return float(np.abs(restored.image.astype(float) - hq.image).mean())


def _row(value, *, key="a", restorer="input", metric="psnr", status="ok", **changes):
    facts = {
        "suite": "small", "dataset": "ramps", "recipe": "dark", "key": key, "variant": 0,
        "restorer": restorer, "metric": metric, "signature": f"{metric}|1", "value": value,
        "status": status, "detail": "", "n": 1,
    }  # fmt: skip
    return ScoreRow(**(facts | changes))


class Fakes:
    """What the tests build benchmarks from."""

    Pairs, Restorer, PairMetric, SetMetric = FakePairs, FakeRestorer, FakePairMetric, FakeSetMetric
    card = staticmethod(_card)
    condition = staticmethod(_condition)
    suite = staticmethod(_suite)
    row = staticmethod(_row)

    def restorers(self):
        nothing = FakeRestorer(_card("input", kind="reference"), lambda face: face)
        brighter = FakeRestorer(_card("brighter"), lambda face: face + np.uint8(1))
        return [nothing, brighter]

    def metrics(self):
        return [FakePairMetric("error", _mean_error, "lower"), FakeSetMetric()]

    no_face = Measurement(None, Status.NO_FACE_IN_REFERENCE, "no face")


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory):
    """Keep what `bench run` finds here out of the cache of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache-of-bench")
        patch.setattr("bench.runner.cache.default_cache", lambda: folder)
        yield folder


@pytest.fixture(scope="session")
def fakes():
    return Fakes()

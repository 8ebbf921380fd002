"""Runs in batches: what they find, keep, record and go on with; restorers are faked."""

from __future__ import annotations

import csv
import dataclasses

import numpy as np
import pytest

from bench.runner.cache import Cache
from bench.runner.efficiency import Meter
from bench.runner.run import execute, run
from bench.stats.compatibility import refuse_other_images
from bench.suite.suite import SuiteError
from degrade.errors import UserError
from zoo.restorers.placement import HERE, DeviceError, Placement, filled_up


@dataclasses.dataclass
class Batching:
    """Adds 1, as many faces at once as it is asked for; fails on the level ``hated``."""

    card: object
    placement: Placement = HERE
    sizes: list = dataclasses.field(default_factory=list)
    hated: int = -1

    def placed(self, placement):
        return dataclasses.replace(self, placement=placement)

    def computed_for(self, faces):
        return filled_up(len(faces), self.placement.batch)

    def restore(self, faces, masks=None, plans=None):
        self.sizes.append(len(faces))
        if any(int(face[0, 0, 1]) == self.hated for face in faces):
            raise ValueError("no")
        return [face + np.uint8(1) for face in faces]


KEYS = tuple("abcdefg")


def conditions(fakes, **options):
    # The degraded images of `fakes` are equal: a cache would make one of them.
    class Pairs(fakes.Pairs):
        def __getitem__(self, index):
            pair = super().__getitem__(index)
            pair.lq = pair.hq - np.uint8(1)
            return pair

    made = [fakes.condition(recipe, KEYS, **options) for recipe in ("dark", "darker")]
    return [dataclasses.replace(each, pairs=Pairs(each.recipe, KEYS, **options)) for each in made]


def network(fakes, **options):
    card = dataclasses.replace(fakes.card("net", kind="network"), sha256="1" * 64)
    return Batching(card, **options)


def execute_with(fakes, out, net, batch, group=None, **options):
    restorers = [fakes.restorers()[0], net]
    suite = fakes.suite(restorers=("input", "net"), recipes=("dark", "darker"))
    group = conditions(fakes) if group is None else group
    return execute(
        suite,
        [group],
        restorers,
        fakes.metrics(),
        out,
        placement=Placement("cpu", batch),
        **options,
    )


def values(folder):
    with (folder / "rows.csv").open(newline="") as file:
        return [line for line in csv.DictReader(file) if line["metric"] != "seconds"]


def test_batches_go_across_photographs_and_conditions_and_find_the_same_values(tmp_path, fakes):
    one, many = network(fakes), network(fakes)
    execute_with(fakes, tmp_path / "one", one, 1)
    done = execute_with(fakes, tmp_path / "many", many, 4)
    assert one.sizes == [1] * 14 and many.sizes == [4, 4, 4, 2]
    assert values(tmp_path / "many") == values(tmp_path / "one")
    for path in (tmp_path / "one" / "restored").rglob("*.png"):
        other = tmp_path / "many" / path.relative_to(tmp_path / "one")
        assert other.read_bytes() == path.read_bytes()
    costs = {each["restorer"]: each for each in done.record["efficiency"]}
    assert (costs["net"]["batch"], costs["input"]["batch"], costs["net"]["faces"]) == (4, 1, 14)
    assert done.record["placement"] == {
        "device": "cpu", "batch": 4, "precision": "float32", "hardware": ["cpu"]
    }  # fmt: skip
    assert done.record["metrics"]["seconds"]["signature"] == "seconds|wall|batch4"


def test_only_the_image_that_fails_has_rows_of_errors(tmp_path, fakes):
    level = int(conditions(fakes)[0].pairs[2].lq[0, 0, 1])
    done = execute_with(fakes, tmp_path, network(fakes, hated=level), 4)
    failed = {(r.recipe, r.key, r.restorer) for r in done.rows if r.status == "error"}
    assert failed == {("dark", "c", "net"), ("darker", "c", "net")}


def test_an_image_that_cannot_be_read_leaves_its_place_in_the_batch_to_nobody(tmp_path, fakes):
    net = network(fakes)
    done = execute_with(fakes, tmp_path, net, 4, conditions(fakes, broken=("a",)))
    assert net.sizes == [2, 4, 4, 2]
    assert {r.key for r in done.rows if r.status == "error"} == {"a"}


def test_an_interrupted_run_makes_only_the_batches_that_were_missing(tmp_path, fakes):
    execute_with(fakes, tmp_path / "whole", network(fakes), 4)
    out = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt):
        execute_with(fakes, out, network(fakes), 4, conditions(fakes, stop_at=5))
    again = network(fakes)
    done = execute_with(fakes, out, again, 4)
    assert again.sizes == [4, 2]
    assert values(out) == values(tmp_path / "whole") and len(done.record["resumed"]) == 1


def test_what_a_session_that_was_cut_off_made_is_told_with_its_batch(tmp_path, fakes):
    last = fakes.PairMetric("error", lambda restored, hq: 1 / 0, "lower")
    suite = fakes.suite(restorers=("input", "net"), metrics=("error",))
    placement = Placement("cpu", 4)
    for _ in range(2):  # every batch was made when the second session begins
        group = conditions(fakes)[:1]
        restorers = [fakes.restorers()[0], network(fakes)]
        done = execute(suite, [group], restorers, [last], tmp_path, placement=placement)
        record = tmp_path / "run.json"
        record.write_text(record.read_text().replace('"efficiency"', '"lost"'))
    assert restorers[1].sizes == []
    costs = {each["restorer"]: each for each in done.record["efficiency"]}
    assert (costs["net"]["batch"], costs["net"]["faces"], costs["input"]["batch"]) == (4, 7, 1)


def test_a_run_does_not_go_on_with_another_batch(tmp_path, fakes):
    execute_with(fakes, tmp_path, network(fakes), 4)
    with pytest.raises(SuiteError, match="holds another run: the batch was 4, now 2: choose"):
        execute_with(fakes, tmp_path, network(fakes), 2)


def test_a_run_does_not_go_on_on_another_gpu(tmp_path, fakes, monkeypatch):
    """Its bytes would be those of two; a session that is cut off has told its own at the start."""
    told = ["A100, CUDA 12.4, cuDNN 90100"]
    for module in ("bench.runner.session", "bench.runner.restorer_runner"):
        monkeypatch.setattr(
            f"{module}.device_facts", lambda device: "cpu" if device == "cpu" else told[0]
        )
    here = Meter()
    monkeypatch.setattr("bench.runner.restorer_runner.Meter", lambda _: here)
    suite = fakes.suite(restorers=("input", "net"), recipes=("dark", "darker"))

    def session(net, **options):
        restorers = [fakes.restorers()[0], net]
        group, placement = conditions(fakes, **options), Placement("cuda:0", 4)
        return execute(suite, [group], restorers, fakes.metrics(), tmp_path, placement=placement)

    with pytest.raises(KeyboardInterrupt):
        session(network(fakes), stop_at=5)
    told[0] = "H100, CUDA 12.4, cuDNN 90100"
    with pytest.raises(SuiteError, match=r"the GPU was A100, .*, now H100, "):
        session(network(fakes))
    told[0] = "A100, CUDA 12.4, cuDNN 90100"
    placed = session(network(fakes)).record["placement"]
    assert (placed["device"], placed["gpu"]) == ("cuda:0", told[0])
    assert placed["hardware"] == [told[0], "cpu"]


def test_runs_of_two_batches_may_be_compared(tmp_path, fakes):
    one = execute_with(fakes, tmp_path / "one", network(fakes), 1)
    four = execute_with(fakes, tmp_path / "four", network(fakes), 4)
    refuse_other_images(one, four, tuple(one.record["metrics"]))


def test_the_cache_tells_batches_of_a_network_apart_and_of_nothing_else(tmp_path, fakes):
    cache = tmp_path / "cache"
    counts = []
    for number, batch in enumerate((4, 4, 1, 2)):
        net = network(fakes)
        execute_with(fakes, tmp_path / str(number), net, batch, cache=cache)
        counts.append(sum(net.sizes))
    # Two recipes degrade alike here; in one batch both are made.
    assert counts == [14, 0, 7, 14]
    card, face = fakes.card("x"), np.zeros((8, 8, 3), np.uint8)
    plan = conditions(fakes)[0].pairs[0].plan
    keys = {
        Cache(cache).key_of(card, face, None, plan, told) for told in ("", "cpu|batch4|float32")
    }
    assert len(keys) == 2


def test_what_was_halved_is_kept_under_what_it_was_made_with(tmp_path, fakes, capsys):
    class Small(Batching):
        def restore(self, faces, masks=None, plans=None):
            if self.placement.batch > 2:
                raise MemoryError
            return super().restore(faces, masks, plans)

    card = network(fakes).card
    done = execute_with(fakes, tmp_path / "a", Small(card), 4, cache=tmp_path / "cache")
    assert {e["restorer"]: e["batch"] for e in done.record["efficiency"]} == {"input": 1, "net": 2}
    assert capsys.readouterr().err.count("no room for 4 faces at once, going on with 2") == 1
    two = network(fakes)
    execute_with(fakes, tmp_path / "b", two, 2, cache=tmp_path / "cache")
    assert two.sizes == []


def test_what_was_made_before_the_batch_was_halved_again_is_kept_under_its_own(tmp_path, fakes):
    """As where others take room on the GPU: the two that went through together are no single."""

    class Crowded(Batching):
        def restore(self, faces, masks=None, plans=None):
            if self.placement.batch > (1 if len(self.sizes) else 2):
                raise MemoryError
            return super().restore(faces, masks, plans)

    card, cache = network(fakes).card, tmp_path / "cache"
    crowded = Crowded(card)
    execute_with(fakes, tmp_path / "a", crowded, 4, cache=cache)
    assert crowded.sizes == [2] + [1] * 12
    one = network(fakes)
    execute_with(fakes, tmp_path / "b", one, 1, cache=cache)
    two = network(fakes)
    execute_with(fakes, tmp_path / "c", two, 2, cache=cache)
    assert (sum(one.sizes), sum(two.sizes)) == (1, 12)


@pytest.mark.parametrize("device", ["cuda", "gpu"])
def test_a_device_that_is_not_there_is_refused_before_anything_is_written(
    tmp_path, monkeypatch, device
):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="no device"):
        run("quick", tmp_path / "x", device=device)
    assert not (tmp_path / "x").exists() and issubclass(DeviceError, UserError)

from __future__ import annotations

import numpy as np
import pytest

from bench.metrics.entry import Status
from bench.metrics.metric import Measurement
from bench.runner.cache import Cache
from bench.runner.reference import AgainstReference, open_reference, refer
from bench.runner.run import execute
from bench.store.features import reference_file
from bench.store.record import load_run
from bench.suite.suite import SuiteError
from degrade.errors import DatasetError, ImageError
from degrade.images import write_png


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def clean(tmp_path):
    """Six grey pictures of levels 10, 30, ..., 110; their mean level is 60."""
    for number in range(6):
        picture = np.full((40, 48, 3), 10 + 20 * number, np.uint8)
        write_png(tmp_path / "clean" / f"{number}.png", picture)
    return tmp_path / "clean"


def counting(fakes, calls):
    metric = fakes.SetMetric()
    plain = metric.describe
    metric.describe = lambda sample: calls.append(sample.image.mean()) or plain(sample)
    return metric


def run_once(fakes, clean, out, metrics=None, cache=None):
    reference = open_reference(str(clean))
    metrics = metrics or fakes.metrics()
    return execute(
        fakes.suite(reference=str(clean)), [[fakes.condition()]], fakes.restorers(), metrics, out,
        reference, cache=cache,
    )  # fmt: skip


def test_restored_images_are_compared_with_the_reference_and_not_their_truths(
    tmp_path, fakes, clean, cache
):
    done = run_once(fakes, clean, tmp_path / "run")
    (row,) = [r for r in done.rows if (r.metric, r.restorer) == ("set_distance", "input")]
    pairs = fakes.condition().pairs
    mean = np.mean([pairs[i].lq.mean() for i in range(3)])
    assert row.value == pytest.approx(abs(mean - 60), rel=1e-6)


def test_the_signature_and_the_record_say_which_reference(tmp_path, fakes, clean, cache):
    done = run_once(fakes, clean, tmp_path / "run")
    told = open_reference(str(clean))
    (signature,) = {r.signature for r in done.rows if r.metric == "set_distance"}
    assert signature == f"set|1|reference:clean-n6-{told.sha256[:12]}"
    assert done.record["reference"] == {"name": "clean", "images": 6, "sha256": told.sha256}
    assert {r.signature for r in done.rows if r.metric == "error"} == {"fake|1"}


def test_another_reference_makes_another_run(tmp_path, fakes, clean, cache):
    run_once(fakes, clean, tmp_path / "run")
    write_png(clean / "6.png", np.zeros((40, 48, 3), np.uint8))
    with pytest.raises(SuiteError, match="signature of set_distance was"):
        run_once(fakes, clean, tmp_path / "run")


def test_a_run_that_is_refused_leaves_the_vectors_of_the_one_that_is_there(
    tmp_path, fakes, clean, cache
):
    """They are what `bench compare` resamples against: another set's would pass for the old."""
    run_once(fakes, clean, tmp_path / "run", cache=cache)
    own = reference_file(tmp_path / "run", "mean-level")
    before = own.read_bytes()
    (clean / "5.png").unlink()
    with pytest.raises(SuiteError, match="holds another run"):
        run_once(fakes, clean, tmp_path / "run", cache=cache)
    assert own.read_bytes() == before


def test_the_digest_follows_the_bytes_the_names_and_the_size(clean):
    before = open_reference(str(clean)).sha256
    assert open_reference(str(clean)).sha256 == before
    assert open_reference(str(clean), longest=32).sha256 != before
    (clean / "5.png").rename(clean / "six.png")
    renamed = open_reference(str(clean)).sha256
    write_png(clean / "six.png", np.zeros((40, 48, 3), np.uint8))
    assert len({before, renamed, open_reference(str(clean)).sha256}) == 3


def damage_what_the_cache_has(cache):
    (file,) = (path for path in (cache / "references").rglob("*") if path.is_file())
    file.write_bytes(file.read_bytes()[:-1] + b"!")


def describe_in(fakes, clean, out, cache):
    """Return how many images a new run describes besides its own three of two restorers."""
    calls = []
    done = run_once(fakes, clean, out, [counting(fakes, calls)], cache)
    (row,) = [r for r in done.rows if (r.metric, r.restorer) == ("set_distance", "brighter")]
    return len([level for level in calls if level in range(10, 120, 20)]), row.value


def test_a_reference_is_described_once_for_all_runs_with_the_same_cache(
    tmp_path, fakes, clean, cache
):
    first = describe_in(fakes, clean, tmp_path / "one", cache)
    assert first[0] == 6
    assert describe_in(fakes, clean, tmp_path / "two", cache) == (0, first[1])
    assert describe_in(fakes, clean, tmp_path / "three", tmp_path / "other") == first
    damage_what_the_cache_has(cache)
    assert describe_in(fakes, clean, tmp_path / "four", cache) == first
    assert describe_in(fakes, clean, tmp_path / "five", cache) == (0, first[1])


def test_without_a_cache_a_reference_is_described_by_every_run(tmp_path, fakes, clean, cache):
    first = describe_in(fakes, clean, tmp_path / "one", cache)
    assert describe_in(fakes, clean, tmp_path / "two", None) == first
    assert describe_in(fakes, clean, tmp_path / "two", None)[0] == 0  # its own, gone on with


def test_damaged_vectors_of_the_reference_in_the_runs_own_folder_are_made_anew(
    tmp_path, fakes, clean, cache
):
    run = tmp_path / "run"
    first = describe_in(fakes, clean, run, cache)
    own = reference_file(run, "mean-level")
    whole = own.read_bytes()
    for damaged in (b"", whole[:100], whole[:-5]):
        own.write_bytes(damaged)
        assert describe_in(fakes, clean, run, cache) == (0, first[1])  # the cache's
        assert own.read_bytes() == whole
    own.write_bytes(b"damaged")
    assert describe_in(fakes, clean, run, None)[0] == 6
    assert own.read_bytes() == whole


def test_vectors_left_in_a_folder_without_a_run_are_not_trusted(tmp_path, fakes, clean, cache):
    """They may be of another set of the same names: no signature says which."""
    run = tmp_path / "run"
    run_once(fakes, clean, run)
    for left in ("run.json", "rows.jsonl"):
        (run / left).unlink()
    for path in clean.iterdir():
        write_png(path, np.full((40, 48, 3), 50, np.uint8))
    done = run_once(fakes, clean, run)
    (row,) = [r for r in done.rows if (r.metric, r.restorer) == ("set_distance", "input")]
    pairs = fakes.condition().pairs
    mean = np.mean([pairs[i].lq.mean() for i in range(3)])
    assert row.value == pytest.approx(abs(mean - 50), rel=1e-6)


def test_a_finished_run_describes_nothing_and_a_lost_file_of_vectors_is_made_again(
    tmp_path, fakes, clean, cache
):
    calls = []
    metric = counting(fakes, calls)
    run_once(fakes, clean, tmp_path / "run", [metric])
    calls.clear()
    run_once(fakes, clean, tmp_path / "run", [metric])
    assert calls == []
    (lost,) = (tmp_path / "run" / "features" / "ramps" / "dark" / "brighter").iterdir()
    lost.unlink()
    run_once(fakes, clean, tmp_path / "run", [metric])
    assert len(calls) == 3
    assert lost.exists()
    assert load_run(tmp_path / "run").complete


def test_a_metric_that_cannot_run_here_is_left_to_say_so(tmp_path, fakes, clean, cache):
    absent = fakes.SetMetric()
    absent.describe = lambda sample: Measurement(None, Status.WEIGHTS_MISSING, "zoo fetch it")
    (same,) = refer([absent], open_reference(str(clean)), tmp_path, Cache(None))
    assert not isinstance(same, AgainstReference)


def test_a_reference_that_is_not_whole_is_refused(tmp_path, fakes, clean, cache):
    (clean / "photo.heic").write_bytes(b"x")
    with pytest.raises(DatasetError, match=r"photo.heic .*: a reference set must be whole"):
        open_reference(str(clean))
    (clean / "photo.heic").unlink()
    (clean / "3.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"3\.png"):
        refer(fakes.metrics(), open_reference(str(clean)), tmp_path / "out", Cache(None))
    write_png(tmp_path / "one" / "a.png", np.zeros((40, 40, 3), np.uint8))
    with pytest.raises(DatasetError, match="two or more"):
        open_reference(str(tmp_path / "one"))

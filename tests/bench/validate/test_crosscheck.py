import dataclasses
import json
import math

import numpy as np
import pytest
from click.testing import CliRunner

from bench.cli import main
from bench.metrics.distribution.distances import (
    FRECHET_PEER,
    KERNEL_PEER,
    frechet_distance,
    kernel_distance,
)
from bench.metrics.entry import Peer, Status
from bench.metrics.metric import Measurement, Sample
from bench.metrics.registry import entries, entry_of
from bench.validate import crosscheck as module
from bench.validate.crosscheck import crosscheck, default_pairs, stored_pairs
from degrade.errors import DatasetError, UserError
from degrade.images import write_png
from degrade.lazy import load_attribute

NOISE = np.random.Generator(np.random.Philox(0))
HQ = [NOISE.integers(0, 256, (24, 28, 3)).astype(np.uint8) for _ in range(3)]
PAIRS = [(Sample(image // 2 + 40), Sample(image)) for image in HQ]


@pytest.fixture
def folder(tmp_path):
    for place, (restored, hq) in enumerate(PAIRS):
        write_png(tmp_path / "restored" / f"{place}.png", restored.image)
        write_png(tmp_path / "hq" / f"{place}.png", hq.image)
    return tmp_path


def peer(answer, tolerance=1e-6, packages=()):
    """Another implementation of PSNR that answers by ``answer``."""
    return Peer("another", answer, packages, tolerance)


def only(monkeypatch, *peers):
    """Have ``psnr`` alone, compared with these peers."""
    entry = dataclasses.replace(entry_of("psnr"), peers=peers)
    monkeypatch.setattr(module, "entries", lambda: {"psnr": entry})
    monkeypatch.setattr(module, "load_attribute", lambda answer: lambda: answer)


def own_psnr(restored, hq):
    error = np.mean((restored.image.astype(float) - hq.image) ** 2)
    return Measurement(10 * math.log10(255**2 / error))


def test_every_peer_can_be_found_and_says_why_it_may_differ():
    rows = [(entry.name, each) for entry in entries().values() for each in entry.peers]
    assert len({(name, each.name) for name, each in rows}) == len(rows) > 20
    assert all(each.why for _, each in rows if each.tolerance is None)
    assert all(callable(load_attribute(each.loader)) for _, each in rows)


def test_psnr_and_ssim_are_scikit_images():
    found = [row for row in crosscheck(PAIRS, ("psnr", "ssim")) if row.backend == "scikit-image"]
    assert [row.metric for row in found] == ["psnr", "ssim"]
    for row in found:
        assert (row.n, row.status, row.fails) == (3, Status.OK, False)
        assert row.relative < 1e-9


def test_the_largest_difference_is_told_and_beyond_the_tolerance_it_fails(monkeypatch):
    shifts = iter([0.0, 0.5, -2.0])

    def shifted(restored, hq):
        return Measurement(own_psnr(restored, hq).value + next(shifts))

    only(monkeypatch, peer(shifted, tolerance=0.05))
    (row,) = crosscheck(PAIRS)
    assert row.absolute == pytest.approx(2.0)
    assert row.relative == pytest.approx(2 / own_psnr(*PAIRS[2]).value)
    assert row.fails
    assert not dataclasses.replace(row, tolerance=None).fails
    assert not dataclasses.replace(row, tolerance=0.9).fails


def test_equal_infinities_agree_and_one_alone_does_not(monkeypatch):
    same = [(Sample(HQ[0]), Sample(HQ[0].copy()))]
    only(monkeypatch, peer(lambda *_: Measurement(math.inf)))
    assert crosscheck(same)[0].absolute == 0
    only(monkeypatch, peer(lambda *_: Measurement(80.0)))
    assert crosscheck(same)[0].fails


def test_what_cannot_run_is_told_and_no_failure_but_an_error_is(monkeypatch):
    missing = Measurement(None, Status.WEIGHTS_MISSING, "run it")
    only(
        monkeypatch,
        peer(own_psnr, packages=("no_such_package",)),
        peer(lambda *_: missing),
        peer(lambda *_: Measurement(None, Status.ERROR, "broken")),
    )
    rows = crosscheck(PAIRS)
    assert [row.status for row in rows] == ["package_missing", "weights_missing", "error"]
    assert [row.fails for row in rows] == [False, False, True]
    assert [row.n for row in rows] == [0, 0, 0]
    assert "pip install" in rows[0].detail


def test_distances_of_sets_are_torchmetrics_on_our_vectors():
    pytest.importorskip("torchmetrics")
    draw = np.random.default_rng(0)
    for each, ours in ((FRECHET_PEER, frechet_distance), (KERNEL_PEER, kernel_distance)):
        sets = draw.normal(size=(30, 8)), draw.normal(0.4, 1.3, size=(30, 8))
        theirs = load_attribute(each.loader)()
        assert ours(*sets) == pytest.approx(theirs(*sets), rel=each.tolerance)


def test_an_unknown_metric_names_the_nearest():
    with pytest.raises(UserError, match="Did you mean 'ssim'"):
        crosscheck(PAIRS, ("sim",))


def test_default_pairs_are_the_same_every_time_and_degraded():
    once, again = list(default_pairs(2)), list(default_pairs(2))
    assert len(once) == 2
    for one, other in zip(once, again, strict=True):
        assert np.array_equal(one[0].image, other[0].image)
        assert one[0].image.shape == one[1].image.shape
        assert not np.array_equal(one[0].image, one[1].image)
        assert min(one[1].image.shape[:2]) >= 176


def test_stored_pairs_are_matched_by_name(folder):
    found = list(stored_pairs(folder, 2))
    assert len(found) == 2
    assert np.array_equal(found[1][0].image, PAIRS[1][0].image)
    assert np.array_equal(found[1][1].image, PAIRS[1][1].image)


def test_folders_that_hold_no_pairs_are_refused(folder, tmp_path):
    with pytest.raises(DatasetError, match="holds no pairs"):
        list(stored_pairs(tmp_path / "hq", 2))
    write_png(folder / "hq" / "1.png", HQ[1][:20])
    with pytest.raises(DatasetError, match="different size"):
        list(stored_pairs(folder, 3))
    (folder / "hq" / "2.png").unlink()
    with pytest.raises(DatasetError, match=r"2\.png is in one"):
        list(stored_pairs(folder, 3))


def test_the_command_prints_a_line_each_and_exits_with_the_answer(folder, monkeypatch):
    only(monkeypatch, peer(own_psnr))
    told = CliRunner().invoke(main, ["crosscheck", "--pairs", str(folder)])
    assert told.exit_code == 0, told.output
    assert "agrees" in told.output
    only(monkeypatch, peer(lambda *_: Measurement(1.0)))
    told = CliRunner().invoke(main, ["crosscheck", "--pairs", str(folder), "--json"])
    assert told.exit_code == 1
    (record,) = json.loads(told.stdout)
    assert record["fails"]
    assert record["n"] == 3

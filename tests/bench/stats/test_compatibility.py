"""What tells that two runs are of the same images and judges; records are made by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from bench.stats.compatibility import refuse_other_images
from bench.stats.scores import NotComparableError
from bench.store.record import Run

ONE, OTHER = "1" * 64, "2" * 64
LIBRARIES = {"numpy": "2.4.6", "imagecodecs": "2026.3.6", "pillow": "13.0.0"}


@pytest.fixture
def make(fakes):
    """Return a function: the values of the input, the digest of the pixels, more, to a run."""

    def build(values, pixels=None, metric="psnr", libraries=LIBRARIES, weights=None):
        rows = [
            fakes.row(value, key=f"{place}", metric=metric) for place, value in enumerate(values)
        ]
        condition = {
            "dataset": "ramps", "recipe": "dark", "recipe_digest": "d", "keys_sha256": "k",
        }  # fmt: skip
        facts = {"name": metric, "signature": f"{metric}|1"}
        record = {
            "conditions": [condition | ({"pixels_sha256": pixels} if pixels else {})],
            "metrics": {metric: facts if weights is None else facts | {"weights": weights}},
            "environment": {"libraries": libraries},
        }
        return Run(Path("run"), record, tuple(rows))

    return build


def compared(before, after, metrics=("psnr", "lpips")):
    refuse_other_images(before, after, metrics)


def refused(before, after):
    with pytest.raises(NotComparableError) as caught:
        compared(before, after)
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_equal_pixels_are_the_same_images_whatever_the_values_of_the_input(make):
    """As a judge on another processor may differ where no pixel does."""
    compared(make([30.0, 31.0], ONE), make([30.0, 31.1], ONE))


@pytest.mark.parametrize("pixels", [(None, None), (ONE, None), (None, ONE)])
def test_without_two_digests_the_values_of_the_input_tell_to_a_thousandth(make, pixels):
    compared(make([30.0, 31.0], pixels[0]), make([30.0, 31.03], pixels[1]))
    told = refused(make([30.0, 31.0], pixels[0]), make([30.0, 31.04], pixels[1]))
    assert told == (
        "the degraded image 1 (dark) is not the same in both runs: give them the same seed and "
        "images"
    )


def test_other_pixels_with_other_values_are_of_another_seed_or_other_images(make):
    told = refused(make([30.0, 31.0], ONE), make([30.0, 27.0], OTHER))
    assert told.endswith("image 1 (dark) is not the same in both runs: give them the same seed "
                         "and images")  # fmt: skip


def test_other_pixels_with_the_same_values_are_of_another_decoder_which_is_named(make):
    libraries = LIBRARIES | {"pillow": "14.0.0", "numpy": "3.0"}
    told = refused(make([30.0], ONE), make([30.001], OTHER, libraries=libraries))
    assert told == (
        "the pixels of ramps (dark) are not the same in both runs, though no value of the input "
        "differs by more than a thousandth, as where a file was encoded anew or another decoder "
        "read it (pillow 13.0.0 and 14.0.0): run both suites again on the same files and libraries"
    )
    assert "decoder read it: run both" in refused(make([30.0], ONE), make([30.0], OTHER))


def test_other_pixels_without_a_value_of_the_input_are_other_images(make):
    told = refused(make([], ONE), make([], OTHER))
    assert told == (
        "the pixels of ramps (dark) are not the same in both runs: give them the same seed and "
        "images"
    )


def test_a_value_that_one_run_lost_tells_nothing_of_the_images(make):
    compared(make([30.0, None]), make([30.0, 12.0]))


def test_an_image_that_was_perfect_once_only_is_another(make):
    compared(make([math.inf]), make([math.inf]))
    for one, other in ((math.inf, 30.0), (30.0, math.inf)):
        assert "image 0" in refused(make([one]), make([other]))


def test_conditions_are_told_apart(make):
    before, after = make([30.0], ONE), make([30.0], ONE)
    second = {"dataset": "ramps", "recipe": "dim", "recipe_digest": "e", "keys_sha256": "k"}
    runs = []
    for run, value in ((before, 20.0), (after, 21.0)):
        record = dict(run.record, conditions=[*run.record["conditions"], second])
        rows = (*run.rows, replace(run.rows[0], recipe="dim", value=value))
        runs.append(Run(run.folder, record, rows))
    assert "image 0 (dim)" in refused(*runs)


def test_runs_with_other_weights_of_a_judge_are_not_compared(make):
    one, other = {"alexnet.pth": ONE, "heads.pth": ONE}, {"alexnet.pth": ONE, "heads.pth": OTHER}
    same = make([0.3], metric="lpips", weights=dict(one))
    compared(make([0.3], metric="lpips", weights=one), same)
    told = refused(
        make([0.3], metric="lpips", weights=one), make([0.3], metric="lpips", weights=other)
    )
    assert told == (
        "'lpips' was judged by other weights (sha256 of heads.pth was 111111111111, now "
        "222222222222): run both suites again with the same"
    )


@pytest.mark.parametrize("weights", [None, {}])
def test_a_run_that_does_not_tell_its_judges_weights_is_accepted(make, weights):
    told, silent = {"alexnet.pth": ONE}, make([0.3], metric="lpips", weights=weights)
    compared(silent, make([0.3], metric="lpips", weights=told))
    compared(make([0.3], metric="lpips", weights=told), silent)


def test_another_way_to_compute_what_is_not_compared_is_nobodys_harm(make):
    one, other = {"heads.pth": ONE}, {"heads.pth": OTHER}
    before = make([0.3], metric="lpips", weights=one)
    after = make([0.9], metric="lpips", weights=other)  # nor do its values tell of the images
    compared(before, after, metrics=("psnr",))
    signed = replace(after, rows=tuple(replace(row, signature="lpips|2") for row in after.rows))
    compared(before, signed, metrics=("psnr",))
    with pytest.raises(NotComparableError, match="computed in two ways"):
        compared(before, signed, metrics=("psnr", "lpips"))

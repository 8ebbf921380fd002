import numpy as np

from bench.metrics.entry import Status
from bench.metrics.metric import Measurement, Sample, refuse_sizes


def test_a_feature_is_computed_once_for_each_name():
    sample, calls = Sample(np.zeros((2, 3, 3), np.uint8)), []

    def compute(image):
        calls.append(image.shape)
        return len(calls)

    assert [sample.feature("a", compute), sample.feature("a", compute)] == [1, 1]
    assert sample.feature("b", compute) == 2
    assert calls == [(2, 3, 3), (2, 3, 3)]


def test_a_feature_that_is_none_is_kept_too():
    sample, calls = Sample(np.zeros((1, 1, 3), np.uint8)), []
    for _ in range(2):
        assert sample.feature("none", lambda image: calls.append(image)) is None
    assert len(calls) == 1


def test_equal_sizes_pass_and_others_name_both():
    small, wide = Sample(np.zeros((4, 4, 3), np.uint8)), Sample(np.zeros((4, 9, 3), np.uint8))
    assert refuse_sizes(small, small) is None
    assert refuse_sizes(small, wide) == Measurement(
        None, Status.ERROR, "sizes differ: restored is 4 x 4, HQ 4 x 9"
    )
    refused = refuse_sizes(wide, wide, smallest=5)
    assert refused is not None
    assert "at least 5 x 5" in refused.detail

import hashlib
import itertools
import math

import numpy as np
import pytest
from scipy import stats

from degrade.errors import DatasetError
from degrade.random import (
    PARAMETERS,
    PIXELS,
    Stream,
    StreamKey,
    image_id_bits,
    normalise_path,
    philox4x32,
)

ONES = 0xFFFFFFFF
PI_COUNTER = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
PI_KEY = (0xA4093822, 0x299F31D0)
# Random123, tests/kat_vectors (D. E. Shaw Research, BSD-3-Clause).
KNOWN_ANSWERS = [
    (10, (0,) * 4, (0,) * 2, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    (10, (ONES,) * 4, (ONES,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (10, PI_COUNTER, PI_KEY, "d16cfe09 94fdcceb 5001e420 24126ea1"),
    (7, (0,) * 4, (0,) * 2, "5f6fb709 0d893f64 4f121f81 4f730a48"),
    (7, (ONES,) * 4, (ONES,) * 2, "5207ddc2 45165e59 4d8ee751 8c52f662"),
    (7, PI_COUNTER, PI_KEY, "4dfccaba 190a87f0 c47362ba b6b5242a"),
]
UNLIKELY = 1e-6


@pytest.fixture(scope="module")
def stream():
    return Stream(StreamKey(seed=2026, image=image_id_bits("faces/a.png"), variant=3), slot=5)


def key(**changes):
    return StreamKey(**{"seed": 7, "image": 0x0123456789ABCDEF, "variant": 2} | changes)


@pytest.mark.parametrize(("rounds", "counter", "keys", "words"), KNOWN_ANSWERS)
def test_philox_gives_the_published_known_answers(rounds, counter, keys, words):
    expected = tuple(int(word, 16) for word in words.split())
    assert philox4x32(counter, keys, rounds) == expected


def test_an_image_id_is_the_first_64_bits_of_the_sha256_of_its_path():
    digest = hashlib.sha256(b"people/a.png").hexdigest()
    assert image_id_bits("people/a.png") == int(digest[:16], 16)
    assert image_id_bits("a.png") == 0x7F071235805FBF58


def test_a_file_name_that_is_not_utf_8_still_has_an_id():
    name = b"caf\xe9.png"
    expected = int.from_bytes(hashlib.sha256(name).digest()[:8], "big")
    assert image_id_bits(name.decode("utf-8", "surrogateescape")) == expected


@pytest.mark.parametrize(
    "path",
    ["people/é.png", "people/e\u0301.png", "./people/é.png", "people//é.png", "people\\é.png"],
)
def test_every_way_to_write_a_path_normalises_to_the_same_name(path):
    assert normalise_path(path) == "people/é.png"


@pytest.mark.parametrize("path", ["/a.png", "\\a.png", "../a.png", "a/../b.png", "", ".", "./"])
def test_a_path_outside_the_dataset_is_refused_in_one_line(path):
    with pytest.raises(DatasetError, match="not a relative path"):
        normalise_path(path)


@pytest.mark.parametrize(
    "wrong", [{"seed": -1}, {"seed": 2**64}, {"variant": -1}, {"variant": 65536}]
)
def test_a_seed_or_variant_out_of_range_is_refused(wrong):
    with pytest.raises(DatasetError, match="is not between"):
        key(**wrong)


@pytest.mark.parametrize("slot", [-1, 256])
def test_a_slot_beyond_eight_bits_is_refused(slot):
    with pytest.raises(DatasetError, match="256 steps"):
        key().words(slot, PIXELS)


def test_the_counter_packs_slot_purpose_variant_and_image_as_documented():
    words = StreamKey(0x0123456789ABCDEF, 0xFEDCBA9876543210, 0x5678).words(0x12, 0x34)
    assert words == (0x89ABCDEF, 0x01234567, 0x12345678, 0xFEDCBA98, 0x76543210)


def test_numpy_integers_give_the_numbers_of_plain_integers():
    plain = [Stream(key(), 1).unit() for _ in range(3)]
    image = np.uint64(0x0123456789ABCDEF)
    typed = StreamKey(np.int64(7), image, np.uint16(2))
    assert [Stream(typed, np.int64(1)).unit() for _ in range(3)] == plain


def test_a_unit_is_made_of_exactly_two_words_in_order():
    k0, k1, *rest = key().words(9, PARAMETERS)
    stream = Stream(key(), 9)
    for block in range(3):
        words = philox4x32((block, *rest), (k0, k1))
        for high, low in (words[:2], words[2:]):
            assert stream.unit() == ((high >> 5) * 2**26 + (low >> 6)) / 2**53


def test_every_kind_of_draw_takes_the_same_two_words():
    reference = Stream(key(), 4)
    expected = [reference.unit() for _ in range(8)]
    draws = (
        lambda s: s.unit(),
        lambda s: s.uniform(3, 4),
        lambda s: s.log_uniform(1, 9),
        lambda s: s.integer(0, 255),
        lambda s: s.choice([1, 2]),
        lambda s: s.shuffled("ab"),
    )
    for draw in draws:
        stream = Stream(key(), 4)
        draw(stream)
        assert [stream.unit() for _ in range(7)] == expected[1:]


def test_streams_of_other_seeds_images_variants_slots_and_purposes_differ():
    streams = [
        Stream(key(), 0),
        Stream(key(seed=8), 0),
        Stream(key(seed=7 + 2**32), 0),
        Stream(key(image=1), 0),
        Stream(key(variant=3), 0),
        Stream(key(), 1),
        Stream(key(), 0, PIXELS),
    ]
    assert len({stream.unit() for stream in streams}) == len(streams)


def test_units_are_uniform(stream):
    sample = np.array([stream.unit() for _ in range(200_000)])
    assert sample.min() >= 0 and sample.max() < 1
    assert stats.kstest(sample, "uniform").pvalue > UNLIKELY
    correlation = np.corrcoef(sample[:-1], sample[1:])[0, 1]
    assert abs(correlation) < 5 / math.sqrt(sample.size)


def test_uniform_draws_follow_the_uniform_law(stream):
    sample = [stream.uniform(-3.0, 5.0) for _ in range(50_000)]
    assert min(sample) >= -3 and max(sample) < 5
    assert stats.kstest(sample, stats.uniform(-3, 8).cdf).pvalue > UNLIKELY


def test_a_uniform_draw_never_leaves_its_bounds_by_rounding(monkeypatch):
    monkeypatch.setattr(Stream, "unit", lambda self: 1 - 2**-53)
    for low, high in itertools.permutations([-0.1, 0.1, 0.3, 1.0, 7.0, 95.7, 1e9], 2):
        if low < high:
            assert low <= Stream(key(), 0).uniform(low, high) <= high


def test_log_uniform_draws_have_a_uniform_logarithm(stream):
    sample = np.array([stream.log_uniform(0.2, 50.0) for _ in range(50_000)])
    assert sample.min() >= 0.2 and sample.max() <= 50
    assert stats.kstest(sample, stats.loguniform(0.2, 50).cdf).pvalue > UNLIKELY


def test_a_range_of_one_value_gives_that_value(stream):
    assert stream.log_uniform(7.3, 7.3) == 7.3
    assert stream.uniform(7.3, 7.3) == 7.3
    assert stream.integer(5, 5) == 5


def test_integers_include_both_ends_and_are_equally_likely(stream):
    counts = np.bincount([stream.integer(-2, 10) + 2 for _ in range(130_000)], minlength=13)
    assert counts.size == 13
    assert stats.chisquare(counts).pvalue > UNLIKELY


def test_the_largest_unit_still_gives_the_highest_integer(monkeypatch):
    monkeypatch.setattr(Stream, "unit", lambda self: 1 - 2**-53)
    for count in (1, 2, 3, 5, 255, 256, 257, 65537, 2**31):
        assert Stream(key(), 0).integer(0, count - 1) == count - 1


def test_choices_follow_their_weights(stream):
    weights = [0.5, 0.0, 0.3, 0.2]
    counts = np.bincount([stream.choice(weights) for _ in range(100_000)], minlength=4)
    assert counts[1] == 0
    expected = np.array([0.5, 0.3, 0.2]) * counts.sum()
    assert stats.chisquare(counts[[0, 2, 3]], expected).pvalue > UNLIKELY


@pytest.mark.parametrize("unit", [0.0, 1 - 2**-53])
def test_a_choice_of_weight_zero_is_never_taken(unit, monkeypatch):
    monkeypatch.setattr(Stream, "unit", lambda self: unit)
    for weights in ([0, 1, 0], [0, 0.1, 0.2, 0.7, 0], [0] + [0.1] * 10 + [0]):
        assert weights[Stream(key(), 0).choice(weights)] > 0


def test_every_order_of_a_shuffle_is_equally_likely(stream):
    orders = list(itertools.permutations("abcd"))
    counts = np.zeros(len(orders))
    for _ in range(48_000):
        counts[orders.index(tuple(stream.shuffled("abcd")))] += 1
    assert stats.chisquare(counts).pvalue > UNLIKELY


def test_a_shuffle_leaves_its_argument_alone(stream):
    items = [1, 2, 3, 4, 5]
    assert sorted(stream.shuffled(items)) == items == [1, 2, 3, 4, 5]

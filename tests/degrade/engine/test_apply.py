import numpy as np
import pytest

from degrade.engine.apply import apply, apply_pair
from degrade.errors import ImageError
from degrade.ops.noise.gaussian import normal_field
from degrade.planner.plan import Plan, Step
from degrade.random import PIXELS, StreamKey, image_id_bits

SIZE = (40, 52)


@pytest.fixture
def source():
    return np.random.default_rng(3).integers(0, 256, (*SIZE, 3), np.uint8)


def noise(slot=0, target="lq", sigma=10.0):
    return Step("gaussian_noise", slot, target, {"sigma": sigma, "per_channel": True})


def shift(levels, slot=0, target="lq"):
    return Step("colour_shift", slot, target, dict.fromkeys(("red", "green", "blue"), levels))


def resize(height, width, slot=0, target="lq"):
    parameters = {"height": height, "width": width, "filter": "linear", "antialias": False}
    return Step("resize", slot, target, parameters)


def plan(*steps, size=SIZE, seed=7, image_id="people/a.png", variant=2):
    return Plan("test", "0" * 64, seed, image_id, variant, size, tuple(steps))


def test_a_plan_without_steps_gives_the_source_on_both_sides(source):
    hq, lq = apply_pair(plan(), source)
    np.testing.assert_array_equal(hq, source)
    np.testing.assert_array_equal(lq, source)


def test_only_the_low_quality_half_changes_by_default(source):
    hq, lq = apply_pair(plan(shift(5.0)), source)
    np.testing.assert_array_equal(hq, source)
    np.testing.assert_array_equal(lq, np.minimum(source.astype(int) + 5, 255))


def test_a_step_for_the_truth_changes_the_truth_alone(source):
    hq, lq = apply_pair(plan(shift(5.0, target="hq")), source)
    np.testing.assert_array_equal(hq, np.minimum(source.astype(int) + 5, 255))
    np.testing.assert_array_equal(lq, source)


def test_a_step_for_both_changes_both_alike_its_noise_included(source):
    hq, lq = apply_pair(plan(noise(target="both")), source)
    np.testing.assert_array_equal(hq, lq)
    assert (hq != source).any()


def test_the_halves_keep_the_order_of_the_plan(source):
    steps = (shift(100.0, 0, "both"), shift(-100.0, 1, "hq"), shift(-30.0, 2, "lq"))
    hq, lq = apply_pair(plan(*steps), source)
    bright = np.minimum(source.astype(int) + 100, 255)
    np.testing.assert_array_equal(hq, np.maximum(bright - 100, 0))
    np.testing.assert_array_equal(lq, np.maximum(bright - 30, 0))


def test_apply_is_the_low_quality_half_of_apply_pair(source):
    steps = plan(noise(0), shift(9.0, 1, "both"), resize(20, 30, 2))
    np.testing.assert_array_equal(apply(steps, source), apply_pair(steps, source)[1])


def test_applying_changes_no_input_and_repeats(source):
    before = source.copy()
    steps = plan(shift(3.0, 0, "both"), noise(1), resize(10, 10, 2), resize(*SIZE, 3))
    first = apply_pair(steps, source)
    np.testing.assert_array_equal(source, before)
    for once, again in zip(first, apply_pair(steps, source), strict=True):
        np.testing.assert_array_equal(once, again)


def test_a_picture_that_cannot_be_written_to_or_is_not_contiguous_gives_the_same(source):
    steps = plan(noise(0), shift(3.0, 1, "both"))
    expected = apply(steps, source)
    frozen = source.copy()
    frozen.setflags(write=False)
    np.testing.assert_array_equal(apply(steps, frozen), expected)
    strided = np.repeat(source, 2, axis=1)[:, ::2]
    assert not strided.flags.c_contiguous
    np.testing.assert_array_equal(apply(steps, strided), expected)
    backwards = np.ascontiguousarray(source[:, :, ::-1])[:, :, ::-1]
    np.testing.assert_array_equal(apply(steps, backwards), expected)


def test_pixel_noise_is_that_of_the_stream_of_image_variant_and_slot(source):
    grey = np.full_like(source, 128)
    words = np.array(StreamKey(7, image_id_bits("people/a.png"), 2).words(3, PIXELS), np.uint32)
    field = normal_field(source.size, words).reshape(3, *SIZE)
    expected = np.rint(128 + 10 * field).transpose(1, 2, 0)
    np.testing.assert_array_equal(apply(plan(noise(3)), grey), expected)


def test_the_noise_of_a_step_does_not_move_when_a_step_is_added_at_the_end(source):
    # The shift is by whole levels and clips nothing on mid grey: it can be taken back.
    grey = np.full_like(source, 120)
    alone = apply(plan(noise(0)), grey)
    followed = apply(plan(noise(0), shift(10.0, 1)), grey)
    np.testing.assert_array_equal(followed, alone + 10)
    np.testing.assert_array_equal(apply(plan(noise(0), noise(1, sigma=0.0)), grey), alone)


def test_noise_belongs_to_its_slot_and_not_to_its_place_in_the_order(source):
    grey = np.full_like(source, 120)
    first = apply(plan(noise(4), shift(10.0, 1)), grey)
    last = apply(plan(shift(10.0, 1), noise(4)), grey)
    np.testing.assert_array_equal(first, last)


@pytest.mark.parametrize("change", [{"seed": 8}, {"image_id": "people/b.png"}, {"variant": 3}])
def test_another_seed_image_or_variant_has_other_noise(source, change):
    ours, other = apply(plan(noise()), source), apply(plan(noise(), **change), source)
    assert (ours != other).mean() > 0.8


def test_two_steps_of_one_operation_have_their_own_noise(source):
    grey = np.full_like(source, 128)
    two = apply(plan(noise(0, sigma=8.0), noise(1, sigma=8.0)), grey).astype(float)
    assert two.std() == pytest.approx(8 * 2**0.5, rel=0.05)


def test_levels_are_rounded_once_at_the_end_halves_to_even():
    ramp = np.arange(200, dtype=np.uint8).reshape(10, 20, 1).repeat(3, 2)
    halves = apply(plan(shift(0.5), size=(10, 20)), ramp)
    np.testing.assert_array_equal(halves, np.rint(ramp + 0.5))
    two_quarters = apply(plan(shift(0.25, 0), shift(0.25, 1), size=(10, 20)), ramp)
    np.testing.assert_array_equal(two_quarters, halves)


def test_a_resize_changes_the_size_of_its_half_alone(source):
    hq, lq = apply_pair(plan(resize(20, 13)), source)
    assert hq.shape == (*SIZE, 3) and lq.shape == (20, 13, 3)
    assert lq.dtype == np.uint8 and lq.flags.c_contiguous


@pytest.mark.parametrize(
    ("shape", "kind", "message"),
    [
        ((*SIZE, 3), np.float32, "expected uint8"),
        ((*SIZE, 3), np.uint16, "expected uint8"),
        (SIZE, np.uint8, "expected uint8"),
        ((*SIZE, 4), np.uint8, "expected uint8"),
        ((1, *SIZE, 3), np.uint8, "expected uint8"),
        ((SIZE[1], SIZE[0], 3), np.uint8, "plan it again"),
        ((1, 1, 3), np.uint8, "plan it again"),
    ],
)
def test_a_picture_the_plan_was_not_drawn_for_is_refused_in_one_line(shape, kind, message):
    with pytest.raises(ImageError, match=message) as refusal:
        apply(plan(noise()), np.zeros(shape, kind))
    assert "\n" not in str(refusal.value)
    assert "people/a.png" in str(refusal.value)

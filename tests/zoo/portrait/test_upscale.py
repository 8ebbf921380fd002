import numpy as np
import pytest

from degrade.errors import UserError
from zoo.portrait import upscale
from zoo.portrait.upscale import lanczos, load_upscaler, target_size


def test_the_size_follows_a_factor_or_the_longest_side():
    assert target_size((30, 41)) == (30, 41)
    assert target_size((30, 41), 4) == (120, 164)
    assert target_size((30, 40), 1, longest_side=100) == (75, 100)


@pytest.mark.parametrize(
    ("longest_side", "cure"), [(39, "leave --longest-side out"), (161, "ask for 160 at most")]
)
def test_photos_are_not_made_smaller_nor_more_than_four_times_as_large(longest_side, cure):
    with pytest.raises(UserError, match=cure):
        target_size((30, 40), longest_side=longest_side)


def test_a_result_beyond_the_pixel_limit_is_refused(monkeypatch):
    monkeypatch.setattr(upscale, "PIXEL_LIMIT", 4799)
    with pytest.raises(UserError, match=r"60 × 80 .*upscale less"):
        target_size((30, 40), 2)


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 2), (9, 7, 3), (9, 7, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lanczos_keeps_dtype_channels_and_a_constant(shape, dtype):
    photo = np.full(shape, 201, dtype)
    enlarged = lanczos(photo, (18, 14))
    assert enlarged.dtype == dtype and enlarged.shape == (18, 14, *shape[2:])
    assert np.all(enlarged == 201)


def test_lanczos_is_centred():
    ramp = np.arange(40, dtype=np.uint8)[None].repeat(9, 0) * 5
    enlarged = lanczos(ramp, (18, 80)).astype(float)
    expected = 5 * ((np.arange(80) + 0.5) / 2 - 0.5)
    assert np.abs(enlarged[9] - expected)[8:-8].max() <= 1.0


def test_lanczos_is_no_upscaler_and_unknown_names_are_one_line():
    assert load_upscaler("lanczos") is None
    with pytest.raises(UserError, match="unheard-of"):
        load_upscaler("unheard-of")

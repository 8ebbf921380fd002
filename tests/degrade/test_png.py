import numpy as np
import pytest

from degrade.images.png_kernels import undo_filters


def filtered(levels, kinds):
    """Filter rows byte by byte as the PNG specification, 9.2 and 9.4, writes it down."""
    height, width = levels.shape
    rows = np.zeros((height, width + 1), np.uint8)
    at = lambda y, i: int(levels[y, i]) if y >= 0 and i >= 0 else 0  # noqa: E731
    for y, kind in enumerate(kinds):
        rows[y, 0] = kind
        for i in range(width):
            a, b, c = at(y, i - 3), at(y - 1, i), at(y - 1, i - 3)
            p = a + b - c
            pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
            paeth = a if pa <= pb and pa <= pc else b if pb <= pc else c
            predicted = (0, a, b, (a + b) // 2, paeth)[kind]
            rows[y, i + 1] = (at(y, i) - predicted) % 256
    return rows


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("width", [1, 2, 17])
def test_every_filter_is_undone(kind, width):
    random = np.random.default_rng(kind)
    for levels in (
        random.integers(0, 256, (9, 3 * width)),
        np.cumsum(random.integers(-2, 3, (9, 3 * width)), axis=1) + 128,
        random.choice([0, 255], (9, 3 * width)),
    ):
        levels = levels.astype(np.uint8)
        for kinds in ([kind] * 9, [*random.permutation([0, 1, 2, 3, 4]), kind, kind, kind, kind]):
            found = np.full_like(levels, 77)
            assert undo_filters(filtered(levels, kinds), found)
            assert np.array_equal(found, levels)


def test_a_filter_that_does_not_exist_is_told():
    rows = np.zeros((3, 7), np.uint8)
    rows[2, 0] = 5
    assert not undo_filters(rows, np.zeros((3, 6), np.uint8))

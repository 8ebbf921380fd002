"""Tiles: they cover a photo once, fade into each other, and see what lies around them."""

import numpy as np
import pytest

from zoo.restorers.tiles import Tiling, in_tiles


@pytest.fixture
def photo():
    return np.random.default_rng(2).integers(0, 256, (131, 203, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "tiling", [Tiling(32, 16, 16), Tiling(64, 16, 0), Tiling(64, 32, 32, threads=3), Tiling()]
)
def test_doing_nothing_returns_the_photo(photo, tiling):
    assert np.array_equal(in_tiles(photo, lambda tile: tile.astype(np.float32), tiling), photo)


def test_a_local_operation_is_that_of_the_whole_photo(photo):
    def mean_of_nine(image):
        wide = np.pad(image.astype(np.float32), ((1, 1), (1, 1), (0, 0)), mode="symmetric")
        rows, columns = image.shape[:2]
        return sum(wide[y : y + rows, x : x + columns] for y in range(3) for x in range(3)) / 9

    expected = np.rint(mean_of_nine(photo))
    tiled = in_tiles(photo, mean_of_nine, Tiling(48, 16, 16)).astype(float)
    assert np.abs(tiled - expected).max() <= 1.0  # a mean of nine may round either way at a half
    assert np.mean(tiled == expected) > 0.99


def test_an_enlargement_in_tiles_is_that_of_the_whole_photo(photo):
    def enlarge(image):
        return np.repeat(np.repeat(image, 3, axis=0), 3, axis=1).astype(np.float32)

    enlarged = in_tiles(photo, enlarge, Tiling(side=64, margin=16, feather=16), scale=3)
    assert np.array_equal(enlarged, enlarge(photo))


def test_tiles_that_disagree_fade_into_each_other():
    levels = iter([0.0, 160.0])
    photo = np.zeros((16, 128, 3), np.uint8)
    faded = in_tiles(
        photo, lambda tile: np.full(tile.shape, next(levels), np.float32), Tiling(64, 16, 32)
    )
    steps = np.diff(faded[0, :, 0].astype(int))
    assert faded[0, 0, 0] == 0
    assert faded[0, -1, 0] == 160
    assert steps.min() >= 0
    assert steps.max() <= 160 / 32 + 1


def test_tiles_begin_on_the_grid_of_jpeg(photo):
    rows, columns = np.meshgrid(np.arange(131) % 16, np.arange(203) % 16, indexing="ij")
    photo[..., 0], photo[..., 1] = rows, columns
    seen = []
    in_tiles(
        photo,
        lambda tile: seen.append(tile[16, 16, :2].tolist()) or tile.astype(np.float32),
        Tiling(32, 16, 16),
    )
    assert seen == [[0, 0]] * len(seen)
    assert len(seen) > 20


def test_a_photo_smaller_than_the_margin_is_mirrored_around():
    photo = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    seen = []
    in_tiles(photo, lambda tile: seen.append(tile) or tile.astype(np.float32), Tiling(64, 16, 16))
    expected = np.pad(photo, ((16, 16), (16, 16), (0, 0)), mode="symmetric")
    assert np.array_equal(seen[0], expected)


@pytest.mark.parametrize(
    "wrong", [{"side": 100}, {"margin": 20}, {"feather": 600}, {"threads": 0}, {"side": 0}]
)
def test_tiles_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError):
        Tiling(**wrong)


def test_an_error_in_a_tile_reaches_the_caller(photo):
    def fail(tile):
        raise RuntimeError("of the tile")

    with pytest.raises(RuntimeError, match="of the tile"):
        in_tiles(photo, fail, Tiling(64, 16, 16, threads=2))

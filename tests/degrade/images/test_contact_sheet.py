import numpy as np
import pytest

from degrade.images.contact_sheet import SheetCell, SheetRow, contact_sheet

PAPER = np.uint8([250, 250, 248])
MARGIN, GAP, TITLE, HEADING = 16, 12, 20, 26


def flat(height, width, colour):
    return np.full((height, width, 3), colour, np.uint8)


def test_a_sheet_shows_every_picture_at_its_place():
    red, blue = flat(10, 20, (255, 0, 0)), flat(20, 10, (0, 0, 255))
    sheet = contact_sheet(
        [SheetRow((SheetCell(red, "r"), SheetCell(blue, "b", ("one", "two"))))], side=100
    )
    assert sheet.dtype == np.uint8
    assert sheet.shape[1] == 2 * MARGIN + 2 * 100 + GAP
    assert np.all(sheet[MARGIN + TITLE : MARGIN + TITLE + 50, MARGIN : MARGIN + 100] == (255, 0, 0))
    assert np.sum(np.all(sheet == (255, 0, 0), axis=-1)) == 100 * 50
    assert np.sum(np.all(sheet == (0, 0, 255), axis=-1)) == 50 * 100


def test_a_long_text_stays_in_its_column():
    cell = SheetCell(flat(4, 4, 250), "a title " * 20, ("what was done " * 20,), "12.3 dB")
    sheet = contact_sheet(
        [SheetRow((cell, SheetCell(cell.image, "")), "heading " * 99, "note")], side=100
    )
    column = MARGIN + 100
    gap = sheet[MARGIN + HEADING :, column : column + GAP]
    assert np.array_equal(gap, np.broadcast_to(PAPER, gap.shape))
    assert np.array_equal(sheet[:, -8:], np.broadcast_to(PAPER, (len(sheet), 8, 3)))


def test_low_rows_take_no_more_room_than_they_need():
    row = SheetRow((SheetCell(flat(1, 50, 0), "flat"),))
    assert contact_sheet([row] * 3, side=200).shape[0] < 220


@pytest.mark.parametrize("shape", [(1, 1), (20000, 3), (3, 20000)])
def test_extreme_shapes_fit_on_a_sheet(shape):
    sheet = contact_sheet(
        [SheetRow((SheetCell(flat(*shape, 0), "x"), SheetCell(flat(5, 5, 0), "y")))], side=64
    )
    assert max(sheet.shape) < 400


def test_a_picture_shown_smaller_gets_a_detail_at_full_size():
    random = np.random.default_rng(0)
    large = random.integers(0, 256, (400, 300, 3)).astype(np.uint8)
    other = 255 - large
    sheet = contact_sheet([SheetRow((SheetCell(large, "a"), SheetCell(other, "b")))], side=100)
    down, left = round(0.44 * 400 - 20), 300 // 2 - 50
    for image, column in ((large, MARGIN), (other, MARGIN + 100 + GAP)):
        detail = image[down : down + 40, left : left + 100]
        top = MARGIN + TITLE + 100 + 5
        assert np.array_equal(sheet[top : top + 40, column : column + 100], detail)
    # The frame, on the first image alone: its outline is black, then white.
    first = sheet[MARGIN + TITLE :, MARGIN:]
    top, start = round(down / 400 * 100), round(left / 300 * 75)
    assert np.all(first[top, start : start + 20] == 0)
    assert np.all(first[top + 1, start + 1 : start + 19] == 255)


def test_the_detail_of_a_smaller_lq_is_the_same_part_of_the_face():
    hq = flat(400, 400, 0)
    hq[156:196, 150:250] = 255
    lq = hq[::4, ::4]
    sheet = contact_sheet([SheetRow((SheetCell(hq, ""), SheetCell(lq, "")))], side=100)
    top = MARGIN + TITLE + 100 + 5
    assert np.all(sheet[top : top + 40, MARGIN : MARGIN + 100] == 255)
    inner = sheet[top + 4 : top + 36, MARGIN + 100 + GAP + 4 : MARGIN + 200 + GAP - 4]
    assert np.mean(inner == 255) > 0.9


def test_a_picture_shown_whole_has_no_detail():
    small = contact_sheet([SheetRow((SheetCell(flat(100, 100, 0), "a"),))], side=100)
    assert small.shape[0] == 2 * MARGIN + TITLE + 100

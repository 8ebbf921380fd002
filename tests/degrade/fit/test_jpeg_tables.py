import io

import cv2
import numpy as np
import PIL.Image
import pytest

from degrade.fit.jpeg_tables import StoredJpeg, read_tables, stored_quality

IMAGE = np.random.default_rng(0).integers(0, 256, (24, 40, 3)).astype(np.uint8)


def encoded(image, **options):
    stream = io.BytesIO()
    PIL.Image.fromarray(image).save(stream, "JPEG", **options)
    return stream.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
def test_all_qualities_and_samplings_of_pillow_are_read_exactly(progressive):
    for quality in range(1, 101):
        for code, name in enumerate(("444", "422", "420")):
            data = encoded(IMAGE, quality=quality, subsampling=code, progressive=progressive)
            assert read_tables(data) == StoredJpeg(quality, True, name)
            assert stored_quality(data) == quality


def test_all_qualities_of_opencv_are_read_exactly():
    for quality in range(1, 101):
        _, data = cv2.imencode(".jpg", IMAGE, [cv2.IMWRITE_JPEG_QUALITY, quality])
        assert stored_quality(data.tobytes()) == quality


def test_a_grey_file_has_a_quality_and_no_subsampling():
    for quality in (1, 30, 75, 100):
        assert read_tables(encoded(IMAGE[..., 0], quality=quality)) == StoredJpeg(
            quality, True, None
        )


def test_other_tables_are_flagged_and_get_the_nearest_quality():
    doubled = [np.clip(np.array(table) * 2, 1, 255).tolist() for table in standard_tables(75)]
    reported = read_tables(encoded(IMAGE, qtables=doubled))
    assert not reported.standard
    assert (
        reported.quality == 50
    )  # Quality 75 halves the tables of 50, so twice these are about 50's.
    assert stored_quality(encoded(IMAGE, qtables=doubled)) == 50.5
    web = read_tables(encoded(IMAGE, quality="web_high"))  # Photoshop's, as Pillow has them
    assert not web.standard
    assert 70 < web.quality < 95


def standard_tables(quality):
    with PIL.Image.open(io.BytesIO(encoded(IMAGE, quality=quality))) as picture:
        return [list(table) for _, table in sorted(picture.quantization.items())]


def test_what_stands_before_the_tables_is_passed_over():
    data = encoded(IMAGE, quality=40, comment=b"\xff\xda not a scan", exif=b"Exif\0\0" + bytes(99))
    assert stored_quality(data) == 40
    # T.81 B.1.1.2: any marker may be preceded by fill bytes.
    assert stored_quality(data[:2] + b"\xff\xff\xff" + data[2:]) == 40


def test_tables_of_two_bytes_an_entry_count_as_clipped():
    plain = encoded(IMAGE[..., 0], quality=30)
    at = plain.index(b"\xff\xdb")
    body = plain[at + 4 : at + 4 + 65]
    wide = b"\xff\xdb" + (131).to_bytes(2, "big") + bytes([0x10 | body[0]])
    wide += b"".join(bytes([0, value]) for value in body[1:])
    assert stored_quality(plain[:at] + wide + plain[at + 69 :]) == 30


def test_other_files_and_damaged_ones_tell_nothing_and_raise_nothing():
    png = io.BytesIO()
    PIL.Image.fromarray(IMAGE).save(png, "PNG")
    for data in (b"", b"\xff", b"\xff\xd8", b"abc", png.getvalue()):
        assert stored_quality(data) is None
    whole = encoded(IMAGE, quality=60)
    reported = {stored_quality(whole[:size]) for size in range(len(whole))}
    assert reported == {None, 60.0}
    random = np.random.default_rng(1)
    header = whole.index(b"\xff\xda")
    for _ in range(2000):
        broken = bytearray(whole)
        broken[random.integers(2, header)] = random.integers(0, 256)
        told_of_broken = stored_quality(bytes(broken))
        assert told_of_broken is None or 1 <= told_of_broken <= 100

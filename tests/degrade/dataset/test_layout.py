import pytest

from degrade.dataset.layout import StorageFormat
from degrade.errors import DatasetError


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"layout": "zip"}, "layout 'zip' is not known: one of files, webdataset"),
        ({"lq_format": "jpg"}, "lq_format 'jpg' is not known: one of png, qoi, jxl"),
        ({"hq_format": ""}, "hq_format '' is not known"),
        ({"hq": "link"}, "hq 'link' is not known: one of store, copy, none"),
        ({"shard_images": 0}, "shard_images 0 is not between 1 and 65536"),
        ({"shard_images": "9"}, "shard_images '9' is not between"),
    ],
)
def test_values_that_are_not_known_are_refused(wrong, message):
    with pytest.raises(DatasetError, match=message):
        StorageFormat(**wrong)


def test_what_a_lock_keeps_is_read_back():
    for storage_format in (
        StorageFormat(),
        StorageFormat("webdataset", "qoi", "jxl", "none", True, 9),
    ):
        assert StorageFormat.from_record(storage_format.as_record()) == storage_format
    assert StorageFormat.from_record({"lq_format": "qoi", "unknown": 1}) == StorageFormat(
        lq_format="qoi"
    )


@pytest.mark.parametrize(
    ("layout", "images", "variants", "shard_images"),
    [
        ("files", 1_000_000, 1, 64),
        ("webdataset", 1_000_000, 1, 256),
        ("files", 1_000_000, 16, 4),
        ("files", 1_000_000, 65_536, 1),
        ("files", 160, 1, 10),
        ("webdataset", 7, 1, 1),
        ("files", 0, 1, 1),
    ],
)
def test_shards_are_chosen_by_what_is_built(layout, images, variants, shard_images):
    assert StorageFormat(layout).settled(images, variants).shard_images == shard_images
    assert StorageFormat(layout, shard_images=3).settled(images, variants).shard_images == 3


def test_columns_that_mean_nothing_are_left_out():
    assert StorageFormat().columns_left_out() == {"shard", "shard_offset", "lq_steps_left"}
    assert StorageFormat("webdataset", keep_small=True).columns_left_out() == frozenset()
    assert StorageFormat("webdataset", hq="none").columns_left_out() == {
        "hq_file_name",
        "lq_steps_left",
    }

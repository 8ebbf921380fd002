import dataclasses
import pickle

import numpy as np
import pytest

import degrade
from degrade.dataset.build import build
from degrade.dataset.layout import StorageFormat
from degrade.dataset.manifest import read_manifest
from degrade.dataset.paired_dataset import PairedDataset
from degrade.dataset.reader import StoredPairs, read_file
from degrade.dataset.storage import open_storage
from degrade.errors import DatasetError, ImageError
from degrade.images import read_image, write_png

WAYS = {
    "files": StorageFormat(),
    "tars": StorageFormat(layout="webdataset", shard_images=2),
    "qoi and jxl": StorageFormat(lq_format="qoi", hq_format="jxl"),
    "small": StorageFormat(keep_small=True),
    "small in tars": StorageFormat(layout="webdataset", keep_small=True, lq_format="jxl"),
    "copies": StorageFormat(hq="copy"),
    "copies in tars": StorageFormat(layout="webdataset", hq="copy", shard_images=3),
    "no hq": StorageFormat(hq="none", keep_small=True),
    "no hq in tars": StorageFormat(layout="webdataset", hq="none"),
}


def assert_equal(stored, virtual):
    expected = {pair.key: pair for pair in virtual}
    assert len(stored) == len(expected)
    for pair in stored:
        assert np.array_equal(pair.hq, expected[pair.key].hq)
        assert np.array_equal(pair.lq, expected[pair.key].lq)
        assert pair.plan == expected[pair.key].plan


@pytest.mark.parametrize("way", WAYS)
def test_stored_pairs_are_the_virtual_ones_however_they_are_stored(photos, tmp_path, way):
    virtual = PairedDataset(photos, "gfpgan-128", 7, variants=2)
    for position in (tmp_path / "out", f"memory://stored/{way.replace(' ', '-')}"):
        build(virtual, position, storage_format=WAYS[way])
        stored = pickle.loads(pickle.dumps(StoredPairs(position)))  # noqa: S301
        assert_equal(stored, virtual)


def test_an_lq_kept_small_is_small(photos, tmp_path):
    virtual = PairedDataset(photos, "gfpgan-128", 7, variants=8)
    build(virtual, tmp_path / "out", storage_format=StorageFormat(keep_small=True))
    smaller = 0
    for row in read_manifest(tmp_path / "out").rows:
        remaining = read_image(tmp_path / "out" / row.lq_file_name)
        assert (row.lq_height, row.lq_width) == (row.hq_height, row.hq_width)
        assert (row.lq_steps_left > 0) == (remaining.size < row.lq_height * row.lq_width * 3)
        smaller += row.lq_steps_left > 0
    assert smaller > 20


def sources_of_all_kinds(folder):
    """Write an image in files that may be copied and in files that may not."""
    import PIL.Image

    random = np.random.default_rng(1)
    image = PIL.Image.fromarray(random.integers(0, 256, (24, 20, 3)).astype(np.uint8))
    folder.mkdir()
    image.save(folder / "plain.png")
    image.save(folder / "photo.jpg")
    image.save(folder / "small.webp", lossless=True)
    image.save(folder / "other.bmp")
    image.convert("L").save(folder / "grey.png")
    image.convert("RGBA").save(folder / "clear.png")
    image.quantize(16).save(folder / "palette.png")
    image.save(folder / "profile.png", icc_profile=_profile())
    turned = PIL.Image.Exif()
    turned[0x0112] = 6
    image.save(folder / "turned.jpg", exif=turned)
    turned[0x0112] = 1
    image.save(folder / "upright.jpg", exif=turned)


def _profile():
    import PIL.ImageCms

    return PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()


def test_only_files_that_every_reader_sees_alike_are_copied(tmp_path):
    sources_of_all_kinds(tmp_path / "in")
    virtual = PairedDataset(tmp_path / "in", "gfpgan-128", 7)
    build(virtual, tmp_path / "out", storage_format=StorageFormat(hq="copy"))
    copied = set()
    for row in read_manifest(tmp_path / "out").rows:
        same = (tmp_path / "out" / row.hq_file_name).read_bytes() == (
            tmp_path / "in" / row.source
        ).read_bytes()
        copied |= {row.source} if same else set()
        assert row.hq_file_name.rpartition(".")[2] == (
            row.source.rpartition(".")[2] if same else "png"
        )
    assert copied == {"plain.png", "photo.jpg", "upright.jpg", "small.webp"}
    assert_equal(StoredPairs(tmp_path / "out"), virtual)


def test_in_tar_files_only_what_keeps_the_members_names_is_copied(tmp_path):
    sources_of_all_kinds(tmp_path / "in")
    virtual = PairedDataset(tmp_path / "in", "gfpgan-128", 7)
    build(virtual, tmp_path / "out", storage_format=StorageFormat(layout="webdataset", hq="copy"))
    storage = open_storage(tmp_path / "out")
    for row in read_manifest(tmp_path / "out").rows:
        assert row.hq_file_name == f"{row.key}.hq.png"
        same = (
            read_file(storage, row, row.hq_file_name) == (tmp_path / "in" / row.source).read_bytes()
        )
        assert same == (row.source == "plain.png")
    assert_equal(StoredPairs(tmp_path / "out"), virtual)


def test_a_source_that_was_shrunk_or_changed_is_not_copied(photos, tmp_path):
    source = degrade.open_source(photos, longest=20)
    virtual = PairedDataset(source, "gfpgan-128", 7)
    build(virtual, tmp_path / "out", storage_format=StorageFormat(hq="copy"))
    assert_equal(StoredPairs(tmp_path / "out"), virtual)
    (tmp_path / "grey.yaml").write_text("version: 1\nsteps:\n  - {operation: grey, target: hq}\n")
    virtual = PairedDataset(photos, tmp_path / "grey.yaml", 7)
    build(virtual, tmp_path / "grey", storage_format=StorageFormat(hq="copy"))
    assert_equal(StoredPairs(tmp_path / "grey"), virtual)


def test_an_hq_that_is_not_stored_comes_from_where_it_is_now(photos, tmp_path):
    virtual = PairedDataset(degrade.open_source(photos, longest=25), "gfpgan-128", 7)
    expected = list(virtual)
    build(virtual, tmp_path / "out", storage_format=StorageFormat(hq="none"))
    assert not (tmp_path / "out" / "hq").exists()
    photos.rename(tmp_path / "moved")
    with pytest.raises(DatasetError, match="say where they are with --source"):
        StoredPairs(tmp_path / "out")
    assert_equal(StoredPairs(tmp_path / "out", source=tmp_path / "moved"), expected)


@pytest.fixture
def tars(photos, tmp_path):
    storage_format = StorageFormat(layout="webdataset", shard_images=3)
    build(
        PairedDataset(photos, "gfpgan-128", 7, 2), tmp_path / "out", storage_format=storage_format
    )
    return tmp_path / "out"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shard": "../x.tar"}, "outside its folder: refused"),
        ({"shard": "/etc/passwd"}, "outside its folder: refused"),
        ({"shard_offset": 512}, "is damaged at 512|does not hold a-v00000.lq.png at 512"),
        ({"shard_offset": 3}, "does not hold a-v00000.lq.png at 3"),
        ({"shard_offset": 10**9}, "does not hold a-v00000.lq.png at 1000000000"),
        ({"shard_offset": -1}, "is damaged at -1"),
        ({"lq_file_name": "a-v00001.lq.png"}, "does not hold a-v00001.lq.png at 0"),
        ({"lq_file_name": "../a.lq.png"}, "outside its folder: refused"),
    ],
)
def test_places_in_tar_files_that_are_not_so_are_refused(tars, change, message):
    row = dataclasses.replace(read_manifest(tars).rows[0], **change)
    assert row.shard_offset or "shard_offset" not in change
    with pytest.raises((DatasetError, ImageError), match=message):
        read_file(open_storage(tars), row, row.lq_file_name)


def test_a_tar_file_that_was_cut_off_is_damaged(tars):
    path = tars / "shards" / "shard-000000.tar"
    row = read_manifest(tars).rows[0]
    data = path.read_bytes()
    for size in (0, 100, 512, 700):
        path.write_bytes(data[:size])
        with pytest.raises(ImageError, match=r"is damaged at 0|does not hold"):
            read_file(open_storage(tars), row, row.lq_file_name)


def test_a_plain_picture_of_another_size_is_no_pair(photos, tmp_path):
    build(PairedDataset(photos, "gfpgan-128"), tmp_path / "out")
    write_png(tmp_path / "out" / "lq" / "a.png", np.zeros((2, 2, 3), np.uint8))
    assert StoredPairs(tmp_path / "out")[0].lq.shape == (2, 2, 3)

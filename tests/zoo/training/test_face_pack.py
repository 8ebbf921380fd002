"""A pack holds what was put in, opens anywhere, and refuses what is not whole."""

import json
import os
import pickle
import struct
import time

import numpy as np
import pytest

pytest.importorskip("torch")

from training_stand_ins import striped, write_faces, write_template

from degrade.images import read_image, write_png
from zoo.labels import label_map
from zoo.mean_mask import template_mask
from zoo.portrait.parse.parsing import FaceMask
from zoo.training.base.config import TrainingError
from zoo.training.data import packing
from zoo.training.data.face_pack import FacePack, PackError, PackSource
from zoo.training.data.packing import PackOptions, is_fresh, pack_faces, prepare_pack


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_faces(tmp_path_factory.mktemp("here") / "faces")


@pytest.fixture
def striping(monkeypatch):
    """Make every face's mask stripes of its own, at twice the side of its label map."""

    class Parser:
        name = "striped"

        def parse(self, crop, landmarks68=None):
            labels = striped(int(crop[0, 0, 0]), crop.shape[0] // 2)
            places = np.arange(19)[:, None, None]
            half = np.asarray(labels == places, np.float32)
            return FaceMask(half.repeat(2, axis=1).repeat(2, axis=2), 1.0, self.name)

    monkeypatch.setattr(packing, "load_parser", lambda name, template: Parser())


@pytest.mark.parametrize("codec", ["raw", "jpeg"])
def test_a_pack_gives_back_faces_label_maps_and_boxes(folder, tmp_path, striping, codec):
    pack = pack_faces([folder], tmp_path / "a.pack", PackOptions(codec=codec))
    assert len(pack) == 16
    assert (pack.size, pack.template, pack.masked) == (64, "tight", True)
    assert pack.keys() == tuple(f"faces/{i:02d}.png" for i in range(16))
    for i, key in enumerate(pack.keys()):
        face = read_image(folder.parent / key)
        if codec == "raw":
            assert np.array_equal(pack.hq(i), face)
        else:
            assert np.abs(pack.hq(i).astype(int) - face).mean() < 3
        assert np.array_equal(pack.labels(i), striped(int(face[0, 0, 0]), 32))
        assert pack.parts(i).shape == (3, 3)


def test_the_template_is_the_mean_masks_label_map(folder, tmp_path):
    pack = pack_faces([folder], tmp_path / "a.pack", PackOptions(parser="template"))
    half = template_mask("tight", 64).reshape(19, 32, 2, 32, 2).mean(axis=(2, 4))
    assert np.array_equal(pack.labels(3), label_map(half))


def test_the_same_input_gives_the_same_bytes_and_another_option_others(folder, tmp_path):
    paths = [tmp_path / f"{i}.pack" for i in range(3)]
    pack_faces([folder], paths[0], PackOptions())
    pack_faces([folder], paths[1], PackOptions())
    pack_faces([folder], paths[2], PackOptions(parser="none"))
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert FacePack(paths[0]).digest == FacePack(paths[1]).digest != FacePack(paths[2]).digest


def test_larger_faces_are_shrunk_by_area_and_smaller_ones_refused(folder, tmp_path):
    pack = pack_faces([folder], tmp_path / "a.pack", PackOptions(size=32))
    face = read_image(folder / "00.png").astype(np.float64)
    mean = face.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(pack.hq(0) - mean).max() <= 0.51
    with pytest.raises(TrainingError, match=r"is 64 × 64, the pack takes squares of at least 128"):
        pack_faces([folder], tmp_path / "b.pack", PackOptions(size=128))
    assert not (tmp_path / "b.pack").exists()


def test_without_a_parser_nothing_is_known(folder, tmp_path):
    pack = pack_faces([folder], tmp_path / "a.pack", PackOptions(parser="none"))
    assert not pack.masked
    assert (pack.labels(0) == 255).all()


def test_a_limit_keeps_an_even_choice_that_fits_and_moves_no_face_to_another_split(
    folder, tmp_path
):
    options = {"codec": "jpeg", "parser": "none"}
    whole = pack_faces([folder], tmp_path / "a.pack", PackOptions(**options))
    limit = (tmp_path / "a.pack").stat().st_size // 2
    some = pack_faces([folder], tmp_path / "b.pack", PackOptions(limit=limit, **options))
    assert (tmp_path / "b.pack").stat().st_size <= limit
    assert 4 <= len(some) < 12
    splits = dict(zip(whole.keys(), whole.index.splits, strict=True))
    assert all(splits[k] == s for k, s in zip(some.keys(), some.index.splits, strict=True))
    with pytest.raises(TrainingError, match="not one face fits into 500 bytes"):
        pack_faces([folder], tmp_path / "c.pack", PackOptions(limit=500))


def test_a_pack_is_opened_anew_in_another_process_and_carries_no_faces(folder, tmp_path):
    pack = pack_faces([folder], tmp_path / "a.pack", PackOptions())
    data = pickle.dumps(pack)
    assert len(data) < 1000
    assert np.array_equal(pickle.loads(data).hq(5), pack.hq(5))  # noqa: S301


def test_the_source_gives_heavy_faces_under_names_of_their_own(folder, tmp_path):
    pack = pack_faces([folder], tmp_path / "a.pack", PackOptions(weights={folder: 3}))
    source = PackSource.of(pack)
    train = pack.keys("train")
    assert len(source) == len(set(source.keys)) == 3 * len(train)
    assert np.array_equal(source.read(f"{train[0]}~2"), source.read(train[0]))
    assert [source.number(f"{train[0]}{end}") for end in ("", "~1", "~2")] == [0, 0, 0]


def cut(data):
    return data[:-100]


def another_version(data):
    return data[:16] + struct.pack("<I", 9) + data[20:]


def damaged_index(data):
    return data[:-30] + b"x" + data[-29:]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (cut, r"is cut short \([\d,]+ of [\d,]+ bytes\)"),
        (another_version, "is a pack of version 9, this is version 1"),
        (damaged_index, "is damaged, its index is not the one written"),
        (lambda data: b"", "is no pack of faces"),
        (lambda data: b"PK" + data[2:], "is no pack of faces"),
        (lambda data: data[:72], "is cut short"),
    ],
)
def test_what_is_no_whole_pack_is_one_line(folder, tmp_path, spoil, told):
    path = tmp_path / "a.pack"
    pack_faces([folder], path, PackOptions())
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(PackError, match=told):
        FacePack(path)


def test_a_pack_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(PackError, match=r"none\.pack cannot be read: No such file"):
        FacePack(tmp_path / "none.pack")


@pytest.mark.parametrize(
    "change",
    [
        {"size": 66},
        {"size": -2},
        {"size": "64"},
        {"codec": "webp"},
        {"template": "loose"},
        {"weights": [0]},
        {"splits": ["all"]},
        {"records": [[72, 3 * 64 * 64, 10**12]]},
        {"records": [[-8, 3 * 64 * 64, 1024]]},
        {"keys": []},
    ],
)
def test_an_index_that_cannot_be_is_refused_before_anything_is_read_by_it(folder, tmp_path, change):
    import hashlib

    one = tmp_path / "one"
    write_png(one / "a.png", read_image(folder / "00.png"))
    path = tmp_path / "a.pack"
    pack_faces([one], path, PackOptions())
    data = path.read_bytes()
    _, _, _, offset, length, _ = struct.unpack("<16sIIQQ32s", data[:72])
    index = json.dumps(json.loads(data[offset : offset + length]) | change).encode()
    digest = hashlib.sha256(index).digest()
    header = struct.pack("<16sIIQQ32s", b"relume face pack", 1, 0, offset, len(index), digest)
    path.write_bytes(header + data[72:offset] + index)
    with pytest.raises(PackError, match="has an index that cannot be: run `zoo pack` again"):
        FacePack(path)


def test_folders_that_do_not_go_together_are_one_line(folder, tmp_path):
    other = write_faces(tmp_path / "faces")
    with pytest.raises(TrainingError, match=r"two of the folders have a face called faces/00\.png"):
        pack_faces([folder, other], tmp_path / "a.pack", PackOptions())
    write_template(other, "ffhq")
    with pytest.raises(TrainingError, match="aligned differently"):
        pack_faces([folder, other], tmp_path / "a.pack", PackOptions())
    with pytest.raises(TrainingError, match="is no folder"):
        pack_faces([tmp_path / "none"], tmp_path / "a.pack", PackOptions())
    odd = tmp_path / "odd"
    write_png(odd / "a.png", np.zeros((63, 63, 3), np.uint8))
    with pytest.raises(TrainingError, match="size 63 is odd"):
        pack_faces([odd], tmp_path / "a.pack", PackOptions())


def test_a_table_of_splits_names_photographs_and_decides(folder, tmp_path):
    table = tmp_path / "index.csv"
    rows = [f"{i:02d}.jpg,{'val' if i < 8 else 'train'}" for i in range(16)]
    table.write_text("file,split\n" + "\n".join(rows) + "\n")
    pack = pack_faces([folder], tmp_path / "a.pack", PackOptions(splits=(table,)))
    held_out = {*pack.keys("val"), *pack.keys("test")}
    assert {f"faces/{i:02d}.png" for i in range(8)} <= held_out
    assert pack.keys("val")
    assert pack.keys("test")
    table.write_text("file,split\nother/00.jpg,val\n")
    with pytest.raises(TrainingError, match="names none of the faces"):
        pack_faces([folder], tmp_path / "a.pack", PackOptions(splits=(table,)))


def test_a_folder_is_packed_once_and_again_when_it_has_changed(tmp_path):
    folder, out = write_faces(tmp_path / "faces"), tmp_path / "run" / "faces.pack"
    counts = []
    assert prepare_pack(folder, out, 64, "none", lambda *told: counts.append(told)) == out
    assert counts[-1] == (16, 16)
    before = out.stat().st_mtime_ns
    prepare_pack(folder, out, 64, "none")
    assert out.stat().st_mtime_ns == before
    options = PackOptions(size=64, parser="none")
    assert is_fresh(out, [folder], options)
    assert not is_fresh(out, [folder], PackOptions(size=64, parser="template"))
    os.utime(folder / "03.png", (time.time() + 100,) * 2)
    assert not is_fresh(out, [folder], options)
    os.utime(folder / "03.png", (1, 1))
    assert is_fresh(out, [folder], options)
    (folder / "03.png").unlink()
    assert not is_fresh(out, [folder], options)
    assert prepare_pack(out, tmp_path / "unused", 64, "none") == out
    with pytest.raises(
        TrainingError, match="is neither a folder that `zoo align` wrote nor a file"
    ):
        prepare_pack(tmp_path / "none", out, 64, "none")

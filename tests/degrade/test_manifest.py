import dataclasses
import hashlib
import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from degrade.errors import DatasetError
from degrade.manifest import (
    Manifest,
    Row,
    dataset_digest,
    inside,
    pixel_digest,
    read_manifest,
    write_jsonl,
    write_manifest,
)

ROW = Row("b", "b.png", "00", 0, "hq/b.png", "lq/b.png", 4, 5, 4, 5, "11", "22", "{}", "ok")
OTHER = dataclasses.replace(ROW, key="a", source="a.png")
FAILED = Row("c", "c.png", "", 0, "", "", 0, 0, 0, 0, "", "", "", "failed", "c.png is damaged")


def test_both_tables_are_read_back_sorted_by_key(tmp_path):
    write_manifest(tmp_path, Manifest((ROW, OTHER), (FAILED,)))
    assert read_manifest(tmp_path) == Manifest((OTHER, ROW), (FAILED,))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "failed.parquet",
        "metadata.parquet",
    ]


def test_the_columns_are_those_of_the_format(tmp_path):
    write_manifest(tmp_path, Manifest((ROW,), ()))
    columns = ["key", "source", "source_sha256", "variant", "hq_file_name", "lq_file_name"]
    columns += ["hq_height", "hq_width", "lq_height", "lq_width", "hq_sha256", "lq_sha256"]
    columns += ["plan", "status"]
    pairs = pyarrow.parquet.ParquetFile(tmp_path / "metadata.parquet").read()
    failed = pyarrow.parquet.ParquetFile(tmp_path / "failed.parquet").read()
    assert pairs.column_names == columns
    assert failed.column_names == [*columns, "error"]
    assert failed.num_rows == 0


def test_jsonl_holds_a_line_a_pair(tmp_path):
    write_jsonl(tmp_path, Manifest((OTHER, ROW), (FAILED,)))
    lines = (tmp_path / "pairs.jsonl").read_text().splitlines()
    assert [json.loads(line)["key"] for line in lines] == ["a", "b"]


def test_the_digest_is_over_canonical_rows_in_any_order():
    lines = "".join(row.canonical() + "\n" for row in (OTHER, ROW, FAILED))
    assert dataset_digest([FAILED, ROW, OTHER]) == hashlib.sha256(lines.encode()).hexdigest()
    assert Manifest((ROW, OTHER), (FAILED,)).digest() == dataset_digest([OTHER, ROW, FAILED])


@pytest.mark.parametrize("field", [entry.name for entry in dataclasses.fields(Row)])
def test_the_digest_sees_every_field_but_the_wording_of_an_error(field):
    old = getattr(ROW, field)
    changed = dataclasses.replace(ROW, **{field: old + (1 if isinstance(old, int) else "x")})
    assert (dataset_digest([changed]) == dataset_digest([ROW])) == (field == "error")


def test_the_pixel_digest_is_of_size_and_pixels():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    expected = hashlib.sha256(b"2x4x3:" + bytes(range(24))).hexdigest()
    assert pixel_digest(image) == expected
    assert pixel_digest(image.reshape(4, 2, 3)) != expected
    assert pixel_digest(np.asfortranarray(image)) == expected


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../a.png", "hq/../../a.png", "C:/a.png", "a\\b.png"]
)
def test_file_names_that_lead_outside_are_refused(tmp_path, name):
    with pytest.raises(DatasetError, match="outside its folder: refused"):
        inside(tmp_path, name)


def test_names_inside_are_joined(tmp_path):
    assert inside(tmp_path, "hq/a/b.png") == tmp_path / "hq" / "a" / "b.png"


def store(folder, **columns):
    write_manifest(folder, Manifest((ROW,), ()))
    table = pyarrow.parquet.ParquetFile(folder / "metadata.parquet").read()
    for name, value in columns.items():
        table = table.set_column(table.column_names.index(name), name, [pyarrow.array([value])])
    pyarrow.parquet.write_table(table, folder / "metadata.parquet")


def test_damaged_tables_are_one_line(tmp_path):
    with pytest.raises(DatasetError, match=r"holds no metadata\.parquet: give a folder from"):
        read_manifest(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(DatasetError, match="interrupted: run the same `degrade build` again"):
        read_manifest(tmp_path)
    for content in (b"", b"PAR1", b"text", b"PAR1" + bytes(100) + b"PAR1"):
        (tmp_path / "metadata.parquet").write_bytes(content)
        with pytest.raises(DatasetError, match="is damaged or no manifest") as caught:
            read_manifest(tmp_path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"plan": None}, {"variant": "x"}, {"key": 3}])
def test_columns_of_another_type_are_refused(tmp_path, wrong):
    store(tmp_path, **wrong)
    with pytest.raises(DatasetError, match="is damaged or no manifest"):
        read_manifest(tmp_path)


def test_tables_with_other_columns_are_refused(tmp_path):
    pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), tmp_path / "metadata.parquet")
    with pytest.raises(DatasetError, match="is damaged or no manifest"):
        read_manifest(tmp_path)


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path):
    folder = tmp_path / "seed=7"
    folder.mkdir()
    write_manifest(folder, Manifest((ROW,), ()))
    assert read_manifest(folder).rows == (ROW,)

import dataclasses
import hashlib
import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from degrade.dataset.manifest import (
    check_name,
    count_pairs,
    iter_rows,
    read_manifest,
    summarise,
    write_lines,
    write_manifest,
)
from degrade.dataset.rows import Manifest, ManifestRow, Summary, dataset_digest, pixel_digest
from degrade.errors import DatasetError

ROW = ManifestRow("b", "b.png", "00", 0, "hq/b.png", "lq/b.png", 4, 5, 4, 5, "11", "22", "{}", "ok")
OTHER = dataclasses.replace(ROW, key="a", source="a.png")
FAILED = ManifestRow(
    "c", "c.png", "", 0, "", "", 0, 0, 0, 0, "", "", "", "failed", "c.png is damaged"
)


def test_both_tables_are_read_back(tmp_path):
    written = write_manifest(tmp_path, [OTHER, ROW, FAILED])
    assert read_manifest(tmp_path) == Manifest((OTHER, ROW), (FAILED,))
    assert list(iter_rows(tmp_path)) == [OTHER, ROW]
    assert list(iter_rows(tmp_path, "failed.parquet")) == [FAILED]
    assert count_pairs(tmp_path) == 2
    assert (
        written
        == summarise(tmp_path)
        == Summary({"failed": 1, "ok": 2}, 1, dataset_digest([OTHER, ROW, FAILED]))
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "failed.parquet",
        "metadata.parquet",
    ]


def test_a_manifest_is_written_and_read_the_same_in_memory_of_a_store():
    write_manifest("memory://manifest/set", [OTHER, ROW, FAILED], jsonl=True)
    assert read_manifest("memory://manifest/set") == Manifest((OTHER, ROW), (FAILED,))
    assert summarise("memory://manifest/set").digest == dataset_digest([OTHER, ROW, FAILED])


def test_many_rows_pass_in_groups(tmp_path):
    rows = [dataclasses.replace(ROW, key=f"{number:05d}") for number in range(5000)]
    written = write_manifest(tmp_path, iter(rows))
    table = pyarrow.parquet.ParquetFile(tmp_path / "metadata.parquet")
    assert table.metadata.num_row_groups == 5
    assert tuple(iter_rows(tmp_path)) == tuple(rows)
    assert written.digest == dataset_digest(reversed(rows))
    assert written.copies == 4999


def test_columns_of_other_ways_of_storing_are_there_when_they_mean_something(tmp_path):
    row = dataclasses.replace(
        ROW, hq_file_name="", shard="shards/a.tar", shard_offset=2**40, lq_steps_left=2
    )
    write_manifest(tmp_path, [row], leave_out={"hq_file_name"})
    table = pyarrow.parquet.ParquetFile(tmp_path / "metadata.parquet").read()
    assert table.column_names[-3:] == ["shard", "shard_offset", "lq_steps_left"]
    assert "hq_file_name" not in table.column_names
    assert read_manifest(tmp_path).rows == (row,)


def test_the_digest_of_a_plain_row_does_not_know_of_later_columns():
    assert set(json.loads(ROW.canonical())) == {
        entry.name for entry in dataclasses.fields(ManifestRow)
    } - {
        "error",
        "shard",
        "shard_offset",
        "lq_steps_left",
    }


def test_a_table_that_somebody_shuffled_is_refused(tmp_path):
    write_manifest(tmp_path, [ROW, OTHER])
    with pytest.raises(DatasetError, match="is not sorted"):
        summarise(tmp_path)


def test_the_columns_are_those_of_the_format(tmp_path):
    write_manifest(tmp_path, [ROW])
    columns = ["key", "source", "source_sha256", "variant", "hq_file_name", "lq_file_name"]
    columns += ["hq_height", "hq_width", "lq_height", "lq_width", "hq_sha256", "lq_sha256"]
    columns += ["plan", "status"]
    pairs = pyarrow.parquet.ParquetFile(tmp_path / "metadata.parquet").read()
    failed = pyarrow.parquet.ParquetFile(tmp_path / "failed.parquet").read()
    assert pairs.column_names == columns
    assert failed.column_names == [*columns, "error"]
    assert failed.num_rows == 0


def test_jsonl_holds_a_line_a_pair(tmp_path):
    write_manifest(tmp_path, [OTHER, ROW, FAILED], jsonl=True)
    first = (tmp_path / "pairs.jsonl").read_text()
    write_lines(tmp_path)
    assert (tmp_path / "pairs.jsonl").read_text() == first
    lines = (tmp_path / "pairs.jsonl").read_text().splitlines()
    assert [json.loads(line)["key"] for line in lines] == ["a", "b"]


def test_the_digest_is_over_canonical_rows_in_any_order():
    lines = "".join(row.canonical() + "\n" for row in (OTHER, ROW, FAILED))
    assert dataset_digest([FAILED, ROW, OTHER]) == hashlib.sha256(lines.encode()).hexdigest()
    assert Manifest((ROW, OTHER), (FAILED,)).digest() == dataset_digest([OTHER, ROW, FAILED])


@pytest.mark.parametrize("field", [entry.name for entry in dataclasses.fields(ManifestRow)])
def test_the_digest_sees_every_field_but_an_error_s_wording_and_a_place_in_a_file(field):
    old = getattr(ROW, field)
    changed = dataclasses.replace(ROW, **{field: old + (1 if isinstance(old, int) else "x")})
    assert (dataset_digest([changed]) == dataset_digest([ROW])) == (
        field in ("error", "shard_offset")
    )


def test_the_pixel_digest_is_of_size_and_pixels():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    expected = hashlib.sha256(b"2x4x3:" + bytes(range(24))).hexdigest()
    assert pixel_digest(image) == expected
    assert pixel_digest(image.reshape(4, 2, 3)) != expected
    assert pixel_digest(np.asfortranarray(image)) == expected


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../a.png", "hq/../../a.png", "C:/a.png", "a\\b.png"]
)
def test_file_names_that_lead_outside_are_refused(name):
    with pytest.raises(DatasetError, match="outside its folder: refused"):
        check_name("pairs", name)


def test_names_inside_are_given_back():
    assert check_name("pairs", "hq/a/b.png") == "hq/a/b.png"


def store(folder, **columns):
    write_manifest(folder, [ROW])
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
    write_manifest(folder, [ROW])
    assert read_manifest(folder).rows == (ROW,)

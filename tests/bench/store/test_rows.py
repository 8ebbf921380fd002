from __future__ import annotations

import csv
import io
import json
import math

import pytest

from bench.store.rows import RowLog, ScoreRow, csv_text, format_number, read_rows, rows_csv
from degrade.errors import DatasetError


@pytest.mark.parametrize("value", [1 / 3, -0.0, 1e-300, math.inf, -math.inf, None])
def test_a_row_comes_back_from_its_line_as_it_was(fakes, value):
    row = fakes.row(value, key="föö/\ud800x", status="ok" if value is not None else "error")
    line = row.to_json()
    json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert ScoreRow.from_json(line) == row
    assert "\n" not in line


def test_rows_are_on_disk_the_moment_they_are_appended(tmp_path, fakes):
    path = tmp_path / "rows.jsonl"
    with RowLog(path) as log:
        log.append(fakes.row(1.0))
        assert read_rows(path) == [fakes.row(1.0)]


def test_a_torn_last_line_is_cut_off_and_the_rest_is_kept(tmp_path, fakes):
    path = tmp_path / "rows.jsonl"
    whole = fakes.row(1.0).to_json() + "\n"
    torn = fakes.row(2.0, key="ü").to_json().encode()
    for length in (1, 20, len(torn) - 1, len(torn)):
        path.write_bytes(whole.encode() + torn[:length])
        with RowLog(path) as log:
            assert list(log.rows.values()) == [fakes.row(1.0)]
            log.append(fakes.row(3.0, key="b"))
        assert read_rows(path) == [fakes.row(1.0), fakes.row(3.0, key="b")]


def test_a_damaged_line_in_the_middle_is_named(tmp_path, fakes):
    path = tmp_path / "rows.jsonl"
    good = fakes.row(1.0).to_json()
    for bad in ("{}", "[1]", "nonsense", '{"suite": 1}', good.replace('"ok"', '"fine"')):
        path.write_text(f"{good}\n{bad}\n{good}\n", encoding="utf-8")
        with pytest.raises(DatasetError, match="line 2: this is not a row"):
            read_rows(path)


def test_a_later_row_replaces_an_earlier_one_of_its_key(tmp_path, fakes):
    path = tmp_path / "rows.jsonl"
    failed, mended = fakes.row(None, status="error"), fakes.row(2.0)
    with RowLog(path) as log:
        log.append(failed)
        assert not log.settled(failed.row_key())
        log.append(mended)
        log.append(mended)
        assert log.settled(failed.row_key())
    assert read_rows(path) == [mended]
    assert len(path.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("status", "settled"),
    [
        ("ok", True),
        ("no_face", True),
        ("no_face_in_reference", True),
        ("weights_missing", False),
        ("package_missing", False),
        ("error", False),
    ],
)
def test_only_what_another_attempt_could_mend_is_tried_again(tmp_path, fakes, status, settled):
    row = fakes.row(1.0 if status == "ok" else None, status=status)
    with RowLog(tmp_path / "rows.jsonl") as log:
        log.append(row)
        assert log.settled(row.row_key()) is settled


def test_csv_spells_infinity_and_leaves_no_value_empty(fakes):
    rows = [fakes.row(math.inf), fakes.row(0.1 + 0.2), fakes.row(None, status="error")]
    table = list(csv.DictReader(io.StringIO(rows_csv(rows))))
    assert [line["value"] for line in table] == ["inf", "0.30000000000000004", ""]
    columns = "suite dataset recipe key variant restorer metric signature value status detail n"
    assert " ".join(table[0]) == columns


def test_a_cell_that_a_spreadsheet_would_run_becomes_text_and_numbers_stay_numbers():
    text = csv_text(["a"], [["=1+1"], ["+x"], ["-x"], ["@x"], ["\tx"], ["x=1"], [-0.5], [-3]])
    cells = [line[0] for line in csv.reader(io.StringIO(text))][1:]
    assert cells == ["'=1+1", "'+x", "'-x", "'@x", "'\tx", "x=1", "-0.5", "-3"]


def test_numbers_are_written_in_full_or_rounded():
    assert float(format_number(1 / 3)) == 1 / 3
    assert format_number(1 / 3, 4) == "0.3333"
    assert format_number(math.inf) == "inf"
    assert format_number(None) == ""

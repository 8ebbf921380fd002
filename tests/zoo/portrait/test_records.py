import json

import pytest

from degrade.errors import DatasetError
from zoo.portrait.files.records import FaceRecords, photo_row


def face(photo, number, status="restored"):
    return {"photo": photo, "face": number, "status": status, "reason": "ö; why"}


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_records_are_in_the_order_of_the_photos_one_line_a_face(tmp_path):
    path = tmp_path / "below" / "faces.jsonl"
    with FaceRecords(path, "abc") as journal:
        journal.add("b.png", [face("b.png", 0), face("b.png", 1)])
        journal.add("a.png", [photo_row("a.png", "skipped", "no face found")])
        assert not path.exists()
        journal.finish(["a.png", "b.png"])
    assert [(row["photo"], row["face"]) for row in lines(path)] == [
        ("a.png", None),
        ("b.png", 0),
        ("b.png", 1),
    ]
    assert {row["settings"] for row in lines(path)} == {"abc"}
    assert [entry.name for entry in path.parent.iterdir()] == ["faces.jsonl"]


def test_a_run_that_was_killed_is_known_to_the_next(tmp_path):
    path = tmp_path / "faces.jsonl"
    with FaceRecords(path, "abc") as journal:
        journal.add("a.png", [face("a.png", 0)])
        journal.add("b.png", [photo_row("b.png", "failed", "damaged")])
    part = tmp_path / "faces.jsonl.part"
    part.write_text(part.read_text(encoding="utf-8") + '{"photo": "c.png", "fa', encoding="utf-8")
    with FaceRecords(path, "abc", resume=True) as journal:
        assert [row["face"] for row in journal.earlier("a.png")] == [0]
        assert not journal.earlier("b.png"), "what failed is tried again"
        assert not journal.earlier("c.png"), "what was cut is done again"
        journal.add("c.png", [face("c.png", 0)])
        journal.finish(["a.png", "c.png"])
    assert [row["photo"] for row in lines(path)] == ["a.png", "c.png"]


def test_other_settings_and_a_fresh_start_know_nothing(tmp_path):
    path = tmp_path / "faces.jsonl"
    with FaceRecords(path, "abc") as journal:
        journal.add("a.png", [face("a.png", 0)])
        journal.finish(["a.png"])
    for settings, resume, known in (
        ("xyz", True, False),
        ("abc", True, True),
        ("abc", False, False),
    ):
        copy = tmp_path / f"{settings}-{resume}.jsonl"
        copy.write_bytes(path.read_bytes())
        with FaceRecords(copy, settings, resume=resume) as journal:
            assert bool(journal.earlier("a.png")) == known


@pytest.mark.parametrize("text", ["no json\n{}\n", "[1]\n", '{"photo": 3}\n'])
def test_a_file_of_something_else_is_refused(tmp_path, text):
    path = tmp_path / "faces.jsonl"
    path.write_text(text, encoding="utf-8")
    with (
        pytest.raises(DatasetError, match="holds no records of faces"),
        FaceRecords(path, "abc", resume=True),
    ):
        pass


def test_records_that_are_being_written_are_not_written_by_another(tmp_path):
    path = tmp_path / "faces.jsonl"
    with FaceRecords(path, "abc") as records:
        records.add("a.png", [face("a.png", 0)])
        with (
            pytest.raises(DatasetError, match="another process works"),
            FaceRecords(path, "xyz"),
        ):
            pass
        records.finish(["a.png"])
    assert [row["settings"] for row in lines(path)] == ["abc"]

import pytest

from zoo.portrait.files.records import photo_row
from zoo.portrait.files.summary import face_lines, photo_summary


def row(status, reason="", *, face=0, model="style-256", identity=0.021, blend=1.0, size=80.4):
    restored = status in ("restored", "blended")
    return {
        "face": face,
        "status": status,
        "reason": reason,
        "model": model if restored else "",
        "identity": identity if restored else None,
        "blend": blend,
        "size": size,
    }


SMALL = "too small: 14 pixels wide, at least 20"
UNCLEAR = "no face, or too unclear a one: its landmarks do not settle (spread 0.1)"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row("restored")], "1 face restored with style-256"),
        (
            [row("restored"), row("restored"), row("skipped", SMALL)],
            "2 faces restored with style-256; 1 skipped: too small",
        ),
        (
            [row("restored"), row("restored", model="style-128")],
            "1 face restored with style-256; 1 face restored with style-128",
        ),
        (
            [row("blended", blend=0.4)],
            "1 face restored with style-256; 1 of them blended back to stay the same person",
        ),
        (
            [row("skipped", SMALL), row("skipped", SMALL), row("skipped", UNCLEAR)],
            "2 faces skipped: too small; 1 face skipped: no face, or too unclear a one",
        ),
        (
            [row("failed", "left as it was: mine raised ValueError: no")],
            "1 face failed: mine raised ValueError: no",
        ),
        ([photo_row("a.jpg", "skipped", "no face found: copied as it was")], None),
    ],
)
def test_a_photo_is_one_line_in_plain_words(rows, told):
    assert photo_summary(rows) == (told or "no face found: copied as it was")


def test_each_face_has_its_number_size_and_identity_against_the_limit():
    rows = [row("restored"), row("blended", face=1, blend=0.4), row("skipped", SMALL, face=2)]
    assert face_lines(rows, 0.5) == [
        ("face 0", "restored with style-256", "80 px", "identity 0.02 (limit 0.5)"),
        (
            "face 1",
            "restored with style-256, 40% of the change",
            "80 px",
            "identity 0.02 (limit 0.5)",
        ),
        ("face 2", "skipped", "80 px", "too small"),
    ]
    unchecked = [row("restored", identity=None)]
    assert face_lines(unchecked, None)[0][3] == "identity not checked"
    assert face_lines([photo_row("a.jpg", "skipped", "no face found")], 0.5) == []

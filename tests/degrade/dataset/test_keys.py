from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from degrade.dataset.keys import LONGEST_PART, pair_key, printable_name, sort_out
from degrade.random import image_id_bits


def reference_stem(image_id):
    """The rule by pathlib: the path without its ending, dots, backslashes and colons replaced."""
    path = PurePosixPath(image_id)
    stem = (path.parent / path.stem).as_posix()
    return "".join("_" if letter in ".\\:" else letter for letter in stem)


SETTINGS = settings(max_examples=300, deadline=None, derandomize=True, database=None)
PARTS = st.text("ab.é\\: -", min_size=1, max_size=6).filter(lambda part: part.strip(".") == part)


@given(st.lists(PARTS, min_size=1, max_size=4).map("/".join))
@SETTINGS
def test_the_key_is_the_path_without_its_ending(image_id):
    assert pair_key(image_id, 0, 1) == reference_stem(image_id)
    assert pair_key(image_id, 3, 9) == reference_stem(image_id) + "-v00003"


@pytest.mark.parametrize("image_id", ["./a/b.png", "a//b.png", "a/./b.png"])
def test_detours_in_a_path_leave_its_key(image_id):
    assert pair_key(image_id, 0, 1) == reference_stem(image_id)


def test_names_without_a_problem_are_all_used_and_sorted():
    names = ["b.png", "sub/a.png", "a.png", "A.png", "é.png", "with space.jpg"]
    assert sort_out(names) == (tuple(sorted(names)), ())


def test_of_names_that_normalise_alike_the_first_is_used():
    composed, decomposed = "\u00e9.png", "e\u0301.png"
    for names in ([composed, decomposed], [decomposed, composed]):
        used, ((name, reason),) = sort_out(names)
        assert used == (min(names),)
        assert name == max(names)
        assert reason == (
            f"counts as the same image as {min(names)!r} once names are normalised: rename one"
        )


def test_a_backslash_is_a_slash_when_names_are_compared():
    used, unusable = sort_out(["a\\b.png", "a/b.png"])
    assert used == ("a/b.png",)
    assert "counts as the same image as 'a/b.png'" in dict(unusable)["a\\b.png"]


def test_of_names_that_would_be_stored_alike_the_first_is_used():
    used, unusable = sort_out(["a.jpg", "a.png", "a-1.png", "b_c.png", "b.c.png", "a.webp"])
    assert used == ("a-1.png", "a.jpg", "b.c.png")
    assert unusable == (
        ("a.png", "would be stored under 'a', as 'a.jpg' is: rename one"),
        ("a.webp", "would be stored under 'a', as 'a.jpg' is: rename one"),
        ("b_c.png", "would be stored under 'b_c', as 'b.c.png' is: rename one"),
    )


def test_a_name_that_is_not_utf8_is_shown_with_its_bytes():
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    assert printable_name(name) == "caf\\xe9.png"
    assert sort_out([name, "a.png"]) == (
        ("a.png",),
        (("caf\\xe9.png", "has a name that is not UTF-8: rename it"),),
    )


@pytest.mark.parametrize("letter", ["a", "é", "字"])
def test_the_longest_name_that_can_be_stored_is_counted_in_bytes(letter):
    most = (LONGEST_PART - 4) // len(letter.encode())
    fits, too_long = "x/" + letter * most + ".png", "x/" + letter * (most + 4) + ".png"
    used, ((name, reason),) = sort_out([fits, too_long])
    assert (used, name) == ((fits,), too_long)
    assert f"pairs can be stored to {LONGEST_PART}" in reason
    assert len(pair_key(fits.rpartition("/")[2], 65535, 65536).encode() + b".hq.png") <= 255


def test_long_paths_of_short_names_are_fine():
    name = "/".join(["folder"] * 100) + "/a.png"
    assert sort_out([name]) == ((name,), ())


@pytest.mark.parametrize("name", ["..\\a.png", "a/../b.png", "/a.png", "a\\..\\..\\b.png"])
def test_a_name_that_leads_out_of_its_folder_is_no_input(name):
    assert sort_out([name]) == ((), ((name, "has a name that leads out of its folder: rename it"),))


@given(st.lists(st.text("aé\u0301e\\/.b\udcff", min_size=1, max_size=7), unique=True, max_size=12))
@SETTINGS
def test_every_name_is_used_or_has_a_reason_and_no_two_clash(names):
    names = [name for name in names if name.strip("/.\\")]
    used, unusable = sort_out(names)
    assert len(used) + len(unusable) == len(names)
    assert {printable_name(name) for name in names} == {*used, *(name for name, _ in unusable)}
    assert len({image_id_bits(name) for name in used}) == len(used)
    assert len({pair_key(name, 0, 1) for name in used}) == len(used)
    assert all(reason for _, reason in unusable)

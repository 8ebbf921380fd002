import pytest

from degrade.dataset.named import (
    find_testset,
    list_datasets,
    list_testsets,
    read_testset,
)
from degrade.errors import DatasetError
from degrade.recipe.reader import load_recipe


def write(folder, text):
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


WHOLE = "summary: a\ndataset: ffhq:val\nrecipe: gfpgan\n"


def test_the_shipped_test_sets_name_recipes_and_splits_that_exist():
    assert "celeba-test-gfpgan" in list_testsets()
    for name in list_testsets():
        testset = find_testset(name)
        dataset, _, split = testset.dataset.partition(":")
        assert split in list_datasets()[dataset].splits
        assert load_recipe(testset.recipe).name
        assert testset.name == name
        assert testset.source
        assert testset.differs


def test_the_gfpgan_set_is_what_the_paper_says():
    testset = find_testset("celeba-test-gfpgan")
    assert testset.dataset == "celeba-hq:test"
    assert (testset.recipe, testset.longest_side) == ("gfpgan", 512)
    assert load_recipe(testset.recipe).size == (512, 512)


def test_a_file_of_ones_own_is_a_test_set(tmp_path):
    path = write(tmp_path, WHOLE + "longest_side: 128\n")
    testset = find_testset(str(path))
    assert (testset.name, testset.dataset, testset.longest_side) == ("mine", "ffhq:val", 128)
    assert read_testset(write(tmp_path, WHOLE)).longest_side is None


@pytest.mark.parametrize("text", ["ffhq", "photos/", "gone.yaml", "a.png", ""])
def test_other_texts_are_no_test_sets(text):
    assert find_testset(text) is None


@pytest.mark.parametrize(
    "text, reported",
    [
        (
            WHOLE + "recipes: x\n",
            r"mine\.yaml line 4: recipes: unknown key\. Did you mean 'recipe'",
        ),
        (WHOLE + "longest_side: 0\n", r"mine\.yaml line 4: longest_side: .*>= 1"),
        (WHOLE + "longest_side: true\n", "line 4: longest_side: .*bool"),
        (WHOLE.replace("gfpgan", "[a]"), r"mine\.yaml line 3: recipe: Expected `str`"),
        ("summary: a\nrecipe: b\n", "dataset"),
        ("[]", "expected keys and values"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path, text, reported):
    with pytest.raises(DatasetError, match=reported):
        read_testset(write(tmp_path, text))

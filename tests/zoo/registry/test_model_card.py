import pytest

import zoo
from zoo.model_card import CardError, ModelCard, card_as_yaml, read_model_card
from zoo.restorer import Card

CARD = Card(
    name="style-9",
    kind="network",
    summary="A test's: with a colon, and “signs” × 3.",
    licence_code="MIT",
    licence_weights="research",
    source="nowhere",
    input_size=(128, 128),
    trained_on="nothing",
    loss_networks=("efficientnet-lite0",),
    sha256="0" * 64,
    blind=True,
    limits="all.",
    template="tight",
    regions=("skin", "nose"),
)
MORE = {
    "training": {"steps": 4000, "learning rate": 0.0006, "on a GPU": False},
    "figures": [{"recipe": "gfpgan-128", "n": 240, "PSNR": "27.1 [26.9, 27.3]"}],
    "known failures": "A long text.\n\nOf two paragraphs.",
}


def written(tmp_path, text):
    path = tmp_path / "style-9.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("more", [MORE, {}])
def test_a_card_comes_back_as_it_was_written(tmp_path, more):
    text = card_as_yaml(ModelCard(CARD, more))
    assert read_model_card(written(tmp_path, text)) == ModelCard(CARD, more)
    assert "input_size: [128, 128]" in text and "×" in text


def test_every_card_of_the_zoo_can_be_written_and_read(tmp_path):
    for card in zoo.cards():
        path = written(tmp_path, card_as_yaml(ModelCard(card, {})))
        assert read_model_card(path).card == card


def test_what_later_versions_added_may_be_left_out(tmp_path):
    lines = card_as_yaml(ModelCard(CARD, MORE)).splitlines()
    old = [line for line in lines if not line.startswith(("template", "regions"))]
    card = read_model_card(written(tmp_path, "\n".join(old))).card
    assert (card.template, card.regions) == ("", ())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("kind: network\n", "", "`kind`"),
        ("kind: network", "knid: network", "knid: unknown key. Did you mean 'kind'?"),
        ("blind: true", "blind: maybe", "line 11: blind"),
        ("input_size: [128, 128]", "input_size: 128", "input_size"),
        ("input_size: [128, 128]", "input_size: [128, 128, 3]", "input_size"),
        ("regions: [skin, nose]", "regions: skin", "regions"),
        ("source: nowhere", "source: 7", "source"),
        ("source: nowhere", "source: [", "not valid YAML"),
        ("source: nowhere", "source: !!python/object/apply:os.getcwd []", "style-9.yaml"),
    ],
)
def test_a_card_that_cannot_be_read_is_one_line(tmp_path, old, new, words):
    text = card_as_yaml(ModelCard(CARD, {}))
    assert text.count(old) == 1
    with pytest.raises(CardError) as caught:
        read_model_card(written(tmp_path, text.replace(old, new)))
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a list", "more: [1]\n"])
def test_what_is_no_card_at_all_is_one_line(tmp_path, text):
    with pytest.raises(CardError):
        read_model_card(written(tmp_path, text))

import subprocess
import sys

import pytest

import zoo
from degrade.errors import UserError
from zoo.registry import registry

UNTRAINED = ["input", "bicubic-sharpen", "bilateral", "dejpeg", "nlmeans", "wiener"]


def test_the_restorers_that_need_no_training_come_first_with_input_on_top():
    assert list(zoo.names())[: len(UNTRAINED)] == UNTRAINED


def test_names_and_cards_agree():
    assert [card.name for card in zoo.cards()] == list(zoo.names())


def test_only_the_oracles_are_told_the_degradation():
    told = [card for card in zoo.cards() if not card.blind]
    # The second is there where its generator's weights are.
    assert [card.name for card in told] in (["wiener"], ["wiener", "image2stylegan-plan"])
    assert {card.kind for card in told} == {"oracle"}


def test_every_card_says_what_a_person_must_know():
    for card in zoo.cards():
        assert card.summary.endswith(".") and card.limits.endswith(".")
        assert card.licence_code and card.licence_weights and card.source and card.trained_on
        assert card.kind in {"reference", "classical", "oracle", "network"}


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("nlmaens", "nlmeans"), ("bicubic", "bicubic-sharpen"), ("weiner", "wiener")],
)
def test_an_unknown_name_is_answered_with_the_nearest(wrong, right):
    with pytest.raises(UserError, match=f"did you mean {right}"):
        zoo.load(wrong)


def test_a_name_like_no_other_is_answered_with_all():
    with pytest.raises(UserError, match="choose from input, bicubic-sharpen"):
        zoo.load("qqqqq")


def test_importing_and_listing_load_nothing_heavy():
    code = (
        "import sys, zoo, zoo.cli, zoo.commands.restore; zoo.cards();"
        "heavy = 'torch cv2 scipy numba pandas skimage PIL dlib timm imagecodecs'.split();"
        "sys.exit(','.join(name for name in heavy if name in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "use"),
    [("stylegan2-64", "zoo synth"), ("arcface-small", "bench run"), ("psp-64", "use psp")],
)
def test_a_network_that_restores_nothing_says_what_it_is_for(name, use):
    with pytest.raises(registry.UnknownRestorerError, match=use):
        registry.load(name)


def test_the_card_of_a_generator_s_file_says_that_it_is_one():
    from zoo.weights.builtin import weights_path

    card = registry.card(str(weights_path("stylegan2-64")))
    assert (card.kind, card.input_size) == ("generator", (64, 64))
    assert "bench generator" in card.limits

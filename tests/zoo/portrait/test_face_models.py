import dataclasses

import pytest

import zoo
from degrade.errors import UserError
from zoo.portrait.restore.face_models import (
    FaceModel,
    load_face_models,
    model_for,
    model_of_crop,
)


def stand_in(name, size, width):
    restorer = zoo.load("input")
    card = dataclasses.replace(restorer.card, name=name, input_size=size and (size, size))
    return FaceModel(dataclasses.replace(restorer, card=card), None, "ffhq", width)


MODELS = (stand_in("small", 128, 0), stand_in("middle", 256, 24), stand_in("large", 512, 200))


@pytest.mark.parametrize(
    ("width", "name"),
    [
        (1, "small"),
        (23.9, "small"),
        (24, "middle"),
        (199, "middle"),
        (200, "large"),
        (900, "large"),
    ],
)
def test_a_face_gets_the_last_model_whose_width_it_reaches(width, name):
    assert model_for(MODELS, width).name == name


@pytest.mark.parametrize(
    ("side", "name"),
    [
        (64, "small"),
        (128, "small"),
        (129, "middle"),
        (256, "middle"),
        (257, "large"),
        (999, "large"),
    ],
)
def test_a_crop_gets_the_smallest_model_that_holds_it(side, name):
    assert model_of_crop(MODELS, side).name == name
    assert model_of_crop((stand_in("any", None, 0),), side).name == "any"


def test_by_size_takes_the_shipped_models_each_with_its_own_alignment_and_parser():
    models = load_face_models("auto")
    assert [(model.name, model.template) for model in models] == [
        ("style-128", "tight"),
        ("style-256", "ffhq"),
    ]
    assert models[0].parser.name == "template"


def test_one_model_is_taken_for_every_size_with_what_is_given():
    (model,) = load_face_models("input", parser="template", template="tight")
    assert (model.name, model.template, model.from_width) == ("input", "tight", 0)


def test_a_device_that_is_not_here_is_one_line_and_classical_restorers_need_none():
    with pytest.raises(UserError, match="cuda:7"):
        load_face_models("style-128", device="cuda:7")
    with pytest.raises(UserError, match="tpu"):
        load_face_models("style-128", device="tpu")
    assert load_face_models("dejpeg", device="cpu")[0].name == "dejpeg"

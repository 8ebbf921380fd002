"""The four restorers by inversion, on a small generator with random weights."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from inversion_stand_ins import (  # noqa: E402
    as_images,
    drawn,
    loaded_generator,
    small_encoder,
    small_generator,
)

import degrade  # noqa: E402
from degrade.errors import ImageError  # noqa: E402
from zoo.restorer import (  # noqa: E402
    Card,
    Restorer,
    Stepwise,
)
from zoo.restorers.inversion import restorer as i2s  # noqa: E402
from zoo.restorers.inversion.code_space import measured_space  # noqa: E402
from zoo.restorers.inversion.descent import Descent  # noqa: E402
from zoo.restorers.inversion.objective import Weights  # noqa: E402
from zoo.restorers.inversion.psp import PspRestorer  # noqa: E402
from zoo.restorers.inversion.restorer import METHOD, InvertingRestorer, Method, stylegan_encoder  # noqa: E402  # noqa: E402

BLUR = ("gaussian_blur", {"sigma_x": 2.5, "sigma_y": 2.5, "angle": 0.0, "kernel_size": 0})
PIXELS = Weights(pixel=1.0, perceptual=0.0, leaving=1e-4)


def card(name="small", blind=True):
    told = {"name": name, "kind": "network", "summary": "", "licence_code": "MIT"}
    told |= {"licence_weights": "none", "source": "", "input_size": (64, 64), "trained_on": ""}
    told |= {"loss_networks": (), "sha256": "", "limits": "", "template": "tight"}
    return Card(**told, blind=blind)


def inverting(steps=4, with_plan=False, rate=0.2):
    method = Method(PIXELS, Descent(steps, rate), with_plan)
    return InvertingRestorer(card(blind=not with_plan), small_generator(), None, method)


def encoding():
    return PspRestorer(card(), loaded_generator(), small_encoder())


@pytest.fixture(scope="module")
def faces():
    return as_images(drawn(small_generator(), 3)[0])


@pytest.fixture(params=[inverting, encoding], ids=["descent", "psp"])
def restorer(request):
    return request.param()


def test_faces_come_back_changed_in_their_size_the_same_each_time(restorer, faces):
    assert isinstance(restorer, Restorer)
    before = [face.copy() for face in faces]
    first, second = restorer.restore(faces), restorer.restore(faces)
    for face, kept, one, two in zip(faces, before, first, second, strict=True):
        assert one.shape == (64, 64, 3) and one.dtype == np.uint8
        assert np.array_equal(one, two) and not np.array_equal(one, face)
        assert np.array_equal(face, kept)


def test_a_face_is_restored_alike_alone_and_in_a_batch(restorer, faces):
    assert np.array_equal(restorer.restore(faces)[1], restorer.restore(faces[1:2])[0])
    assert restorer.restore([]) == []


def test_what_the_caller_switched_off_or_seeded_does_not_matter(restorer, faces):
    first = restorer.restore(faces[:1])[0]
    torch.manual_seed(99)
    with torch.inference_mode():
        assert np.array_equal(restorer.restore(faces[:1])[0], first)
    with torch.no_grad():
        assert np.array_equal(restorer.restore(faces[:1])[0], first)


@pytest.mark.parametrize("shape", [(63, 64, 3), (128, 128, 3), (1, 1, 3)])
def test_a_face_of_another_size_is_refused_in_one_line(restorer, shape):
    with pytest.raises(ImageError, match="small takes aligned faces of 64 × 64 pixels") as caught:
        restorer.restore([np.zeros(shape, np.uint8)])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", [np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3))])
def test_anything_but_uint8_rgb_is_a_bug_of_the_caller(restorer, wrong):
    with pytest.raises(ValueError, match="uint8 HWC RGB"):
        restorer.restore([wrong])


def test_a_generators_own_face_is_recovered_through_levels_of_eight_bits(faces, psnr):
    (restored,) = inverting(steps=120).restore(faces[:1])
    assert psnr(restored, faces[0]) >= 25


def test_the_sharp_face_is_where_the_told_one_stays_and_the_blind_one_leaves(psnr, make_plan):
    """Both begin at the codes of the truth and are given it blurred."""
    plan = make_plan((64, 64), BLUR)
    (made, codes) = drawn(small_generator(), 1)
    (truth,) = as_images(made)
    lq = degrade.apply(plan, truth)
    found = []
    for told in (False, True):
        method = Method(Weights(pixel=1.0, perceptual=0.0), Descent(30, 0.02), told)
        restorer = InvertingRestorer(
            card(), small_generator(), None, method, lambda face, space: codes[:, None]
        )
        found.append(psnr(restorer.restore([lq], None, [plan])[0], truth))
    blind, told = found
    assert told > 40 and told > blind + 5


def test_a_blind_one_reads_no_plan(faces, make_plan):
    plan = make_plan((64, 64), BLUR)
    blind = inverting()
    given = blind.restore(faces[:1], None, [plan])[0]
    assert np.array_equal(given, blind.restore(faces[:1])[0])


def test_a_told_one_without_a_plan_takes_the_face_for_undamaged(faces):
    told = inverting(with_plan=True).restore(faces[:1], None, [None])[0]
    assert np.array_equal(told, inverting().restore(faces[:1])[0])


def test_steps_are_told_and_change_nothing(faces):
    restorer, steps = inverting(steps=5), []
    assert isinstance(restorer, Stepwise) and restorer.steps == 5
    watched = restorer.watched(steps.append)
    assert np.array_equal(watched.restore(faces[:2])[1], restorer.restore(faces[:2])[1])
    assert steps == [1, 2, 3, 4, 5] * 2
    assert watched.card == restorer.card and isinstance(watched, Restorer)


def test_psp_is_the_generators_face_at_the_encoders_codes(faces):
    generator, encoder = small_generator(), small_encoder()
    seen = torch.from_numpy(faces[0]).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        codes = measured_space(generator).codes(encoder(seen))
        made = generator.synthesise(codes).clamp(0, 1)
    (restored,) = encoding().restore(faces[:1])
    difference = restored.astype(int) - as_images(made)[0]
    assert np.abs(difference).max() <= 1


def test_stylegan_encoder_begins_where_the_encoder_guesses(faces, monkeypatch):
    monkeypatch.setattr("zoo.restorers.inversion.restorer.METHOD", Method(PIXELS, Descent(0, 0.1)))
    restorer = stylegan_encoder(card(), loaded_generator(), small_encoder(), None)
    difference = restorer.restore(faces[:1])[0].astype(int) - encoding().restore(faces[:1])[0]
    assert np.abs(difference).max() <= 1
    assert not np.array_equal(restorer.restore(faces[:1])[0], inverting(0).restore(faces[:1])[0])


def test_the_card_decides_whether_image2stylegan_is_told():
    told = i2s.image2stylegan(card(blind=False), loaded_generator(), None)
    blind = i2s.image2stylegan(card(), loaded_generator(), None)
    assert (told.steps, blind.steps) == (i2s.WITH_PLAN.descent.steps, i2s.BLIND.descent.steps)
    assert i2s.WITH_PLAN.with_plan and not i2s.BLIND.with_plan and not METHOD.with_plan
    assert METHOD.weights.leaving > 0 and METHOD.descent.steps < i2s.BLIND.descent.steps

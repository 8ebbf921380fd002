import numpy as np
import pytest

torch = pytest.importorskip("torch")

from degrade.random import FEEDING, Stream, StreamKey  # noqa: E402
from zoo.templates import template_points  # noqa: E402
from zoo.training.tasks.embedder.augmentation import Inner, draw_inner, set_into  # noqa: E402

PLAIN = (0.34, 0.40)


def noise(seed, mean, spread, count=1, size=64):
    drawn = torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))
    return mean + spread * (drawn - 0.5)


def test_a_face_that_is_not_swapped_is_itself():
    faces, others = noise(1, 0.5, 0.4, 2), noise(2, 0.5, 0.4, 2)
    found = set_into(faces, others, [Inner(False, PLAIN), Inner(True, PLAIN)])
    assert torch.equal(found[0], faces[0]) and not torch.equal(found[1], faces[1])


def test_inside_it_is_the_face_in_the_others_colours_and_outside_the_other():
    faces, others = noise(1, 0.3, 0.2), noise(2, 0.6, 0.4)
    found = set_into(faces, others, [Inner(True, PLAIN)])
    y, x = np.mgrid[:64, :64]
    far = torch.from_numpy(np.hypot(((x + 0.5) / 64 - 0.5) / 0.34, ((y + 0.5) / 64 - 0.5) / 0.40))
    assert torch.equal(found[:, :, far >= 1], others[:, :, far >= 1])
    deep = far < 0.84
    for channel in range(3):
        one, put = faces[0, channel][deep].numpy(), found[0, channel][deep].numpy()
        assert np.corrcoef(one, put)[0, 1] == pytest.approx(1, abs=1e-4)
        within = far < 1
        assert put.mean() == pytest.approx(float(others[0, channel][within].mean()), abs=0.01)
        assert put.std() == pytest.approx(float(others[0, channel][within].std()), rel=0.05)
    edge = (far > 0.86) & (far < 0.99)
    assert not torch.equal(found[:, :, edge], others[:, :, edge])


def test_eyes_nose_and_mouth_are_the_faces_in_both_templates():
    for template in ("tight", "ffhq"):
        faces = torch.zeros(1, 3, 128, 128)
        faces[:, :, ::2] = 1.0
        found = set_into(faces, 0 * faces + 0.5, [Inner(True, PLAIN)], template)
        # The other is flat: what is the face's takes its mean and no deviation at all.
        others = torch.zeros(1, 3, 128, 128)
        others[:, :, :, ::2] = 1.0
        assert torch.allclose(found, torch.full_like(found, 0.5), atol=1e-4)
        found = set_into(faces, others, [Inner(True, PLAIN)], template)[0, 0]
        for x, y in template_points(template, "eyes-nose-mouth", 128).round().astype(int):
            assert float(found[y, x - 1 : x + 2].std()) < 0.01
        assert float(found[2, :].std()) > 0.4 and float(found[:, 2].max()) == 1


def test_an_inner_face_is_drawn_by_its_chance_within_its_bounds():
    stream = Stream(StreamKey(2, 0, 0), 10, FEEDING)
    drawn = [draw_inner(0.4, stream) for _ in range(400)]
    assert 120 < sum(inner.swapped for inner in drawn) < 200
    for inner in drawn:
        for radius, plain in zip(inner.radii, PLAIN, strict=True):
            assert abs(radius / plain - 1) <= 0.15

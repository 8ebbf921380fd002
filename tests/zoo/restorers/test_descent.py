import itertools

import pytest

torch = pytest.importorskip("torch")

from inversion_stand_ins import drawn, small_generator  # noqa: E402

from zoo.restorers.inversion.code_space import measured_space  # noqa: E402
from zoo.restorers.inversion.descent import Descent, descend  # noqa: E402
from zoo.restorers.inversion.objective import Objective, Weights  # noqa: E402

PIXELS = Weights(pixel=1.0, perceptual=0.0)


@pytest.fixture(scope="module")
def generator():
    return small_generator()


@pytest.fixture(scope="module")
def space(generator):
    return measured_space(generator)


def start_at(space):
    return space.average.expand(1, 10, -1)


def psnr(one, other):
    return float(-10 * torch.log10((one.clamp(0, 1) - other.clamp(0, 1)).square().mean()))


def test_a_generators_own_faces_are_recovered_from_the_average_code(generator, space):
    faces, _ = drawn(generator, 2)
    for face in faces.split(1):
        start = generator.synthesise(start_at(space))
        found = descend(
            generator, space, start_at(space), Objective(face, PIXELS, None), Descent(120, 0.2)
        )
        assert psnr(start, face) < 23
        assert psnr(found.face, face) >= 25


def test_the_best_step_is_kept_and_is_the_face_of_its_codes(generator, space):
    (face,) = drawn(generator, 1)[0].split(1)
    told = []

    def objective(made, place):
        told.append(float(Objective(face, PIXELS, None)(made, place).detach()))
        return Objective(face, PIXELS, None)(made, place)

    # Steps far too long: the loss goes up and down.
    found = descend(generator, space, start_at(space), objective, Descent(12, 3.0))
    assert len(told) == 13
    assert found.loss == min(told) < told[-1]
    assert torch.equal(generator.synthesise(found.codes), found.face)


def test_no_steps_return_the_first_guess(generator, space):
    face, codes = drawn(generator, 1)
    start = codes[:, None].expand(-1, 10, -1)
    found = descend(generator, space, start, Objective(face, PIXELS, None), Descent(0, 0.1))
    torch.testing.assert_close(found.codes, start, rtol=0, atol=1e-4)
    assert found.loss < 1e-5


def test_two_descents_end_with_the_same_bytes_whatever_was_drawn_between(generator, space):
    (face,) = drawn(generator, 1)[0].split(1)
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        found.append(
            descend(
                generator, space, start_at(space), Objective(face, PIXELS, None), Descent(10, 0.1)
            )
        )
    assert torch.equal(found[0].codes, found[1].codes)
    assert torch.equal(found[0].face, found[1].face)


def test_every_step_is_told_from_one_on(generator, space):
    steps = []
    (face,) = drawn(generator, 1)[0].split(1)
    objective = Objective(face, PIXELS, None)
    descend(generator, space, start_at(space), objective, Descent(4, 0.1), steps.append)
    assert steps == [1, 2, 3, 4]


def test_the_generator_learns_nothing_from_it(generator, space):
    before = [value.clone() for value in generator.state_dict().values()]
    (face,) = drawn(generator, 1)[0].split(1)
    objective = Objective(face, PIXELS, None)
    descend(generator, space, start_at(space), objective, Descent(3, 0.1))
    after = generator.state_dict().values()
    assert all(torch.equal(one, two) for one, two in zip(before, after, strict=True))
    assert all(value.grad is None for value in generator.parameters())


def test_the_rate_rises_along_a_line_and_falls_along_half_a_cosine():
    descent = Descent(100, 0.2, warmup=0.1, decay=0.5)
    rates = [descent.rate(step) for step in range(100)]
    assert rates[4] == pytest.approx(0.2 * 0.45)
    assert rates[10:50] == pytest.approx([0.2] * 40)
    assert rates[74] + rates[75] == pytest.approx(0.2)  # a half, between the two
    assert rates[99] < 0.0001
    assert all(later <= earlier for earlier, later in itertools.pairwise(rates[50:]))

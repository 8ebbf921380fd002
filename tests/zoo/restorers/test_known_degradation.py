import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import cv2  # noqa: E402
from skimage import data  # noqa: E402

import degrade  # noqa: E402
from degrade.ops import OPERATIONS  # noqa: E402
from zoo.restorers.inversion.known_degradation import KnownDegradation  # noqa: E402

SIZE = (64, 64)
GAUSSIAN = ("gaussian_blur", {"sigma_x": 2.0, "sigma_y": 0.7, "angle": 30.0, "kernel_size": 0})
SMALLER = ("resize", {"height": 23, "width": 19, "filter": "linear", "antialias": False})
BACK = ("resize", {"height": 64, "width": 64, "filter": "cubic", "antialias": False})
LINEAR = {
    "gaussian": [GAUSSIAN],
    "motion": [("motion_blur", {"length": 4.2, "angle": 70.0})],
    "defocus": [("defocus_blur", {"radius": 1.2})],
    "there and back": [
        ("resize_blur", {"height": 20, "width": 31, "down": "area", "up": "linear"})
    ],
    "pixelate": [("pixelate", {"block": 3})],
    "shrink and enlarge": [SMALLER, BACK],
    "lanczos": [
        ("resize", {"height": 40, "width": 40, "filter": "lanczos3", "antialias": True}),
        ("resize", {"height": 64, "width": 64, "filter": "area", "antialias": False}),
    ],
}


@pytest.fixture(scope="module")
def face():
    photo = np.ascontiguousarray(data.astronaut()[0:200, 130:330])
    return cv2.resize(photo, SIZE, interpolation=cv2.INTER_AREA)


def tensor(image):
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


def levels(made):
    return (made[0] * 255).permute(1, 2, 0).detach().numpy()


@pytest.mark.parametrize("steps", LINEAR.values(), ids=LINEAR.keys())
def test_linear_steps_are_those_of_the_degradation_but_for_rounding(face, make_plan, steps):
    plan = make_plan(SIZE, *steps)
    made = levels(KnownDegradation(plan, SIZE)(tensor(face)))
    assert np.abs(made - degrade.apply(plan, face)).max() < 0.6


@pytest.mark.parametrize("recipe", ["gfpgan-64", "kuaishou-64"])
def test_a_recipe_without_its_noise_is_what_the_degradation_gives(face, recipe):
    told = degrade.load_recipe(recipe)
    for variant in range(12):
        plan = degrade.plan(told, seed=1, image_id="a.png", size=SIZE, variant=variant)
        quiet = [step for step in plan.steps if not OPERATIONS[step.operation].noisy]
        wanted = degrade.apply(dataclasses.replace(plan, steps=tuple(quiet)), face)
        made = levels(KnownDegradation(plan, SIZE)(tensor(face)))
        # A coefficient of JPEG that lies between two steps may fall to the other side.
        assert np.abs(made - wanted).mean() < 0.6


def test_gradients_pass_linear_steps_as_their_transpose(face, make_plan):
    """d/dx <y, A x> = A' y: by finite differences, which are exact for what is linear."""
    known = KnownDegradation(make_plan(SIZE, GAUSSIAN, SMALLER), (23, 19))
    x = (0.25 + 0.5 * tensor(face)).double().requires_grad_(True)
    random = torch.Generator().manual_seed(1)
    along = torch.randn(x.shape, generator=random, dtype=torch.float64) * 0.01
    y = torch.randn((1, 3, 23, 19), generator=random, dtype=torch.float64)
    (slope,) = torch.autograd.grad((known(x.float()).double() * y).sum(), x)
    with torch.no_grad():
        change = (known((x + along).float()) - known((x - along).float())).double() / 2
    assert float((change * y).sum()) == pytest.approx(
        float((slope * along).sum().detach()), rel=1e-2
    )


def test_gradients_pass_jpeg_as_if_it_did_nothing(face, make_plan):
    known = KnownDegradation(make_plan(SIZE, ("jpeg", {"quality": 30, "subsampling": "420"})), SIZE)
    x = (0.2 + 0.6 * tensor(face)).requires_grad_(True)
    made = known(x)
    assert not torch.allclose(made, x)
    inside = (made > 0) & (made < 1)
    (slope,) = torch.autograd.grad(made[inside].sum(), x)
    assert torch.equal(slope, inside.float())


def test_noise_and_what_changes_the_truth_too_are_left_out(face, make_plan):
    noise = ("gaussian_noise", {"sigma": 25.0, "per_channel": True})
    quiet = KnownDegradation(make_plan(SIZE, noise), SIZE)
    assert np.abs(levels(quiet(tensor(face))) - face).max() < 1e-3
    both = KnownDegradation(make_plan(SIZE, GAUSSIAN, target="both"), SIZE)
    assert np.abs(levels(both(tensor(face))) - face).max() < 1e-3


def test_a_face_left_smaller_is_enlarged_as_the_benchmark_enlarges_it(face, make_plan):
    plan = make_plan(SIZE, SMALLER)
    small = degrade.apply(plan, face)
    wanted = cv2.resize(small, SIZE, interpolation=cv2.INTER_CUBIC)
    made = levels(KnownDegradation(plan, SIZE)(tensor(face)))
    assert np.abs(made - wanted).max() < 1.5

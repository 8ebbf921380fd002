import pytest
import torch

from zoo.training.adversarial.augmentation import Augmentation, colour_matrices, geometry_matrices


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_no_chance_returns_the_faces():
    faces = torch.rand(4, 3, 16, 16)
    assert Augmentation.draw(4, 0.0, generator())(faces) is faces


def test_the_same_generator_augments_the_same_way():
    faces = torch.rand(4, 3, 16, 16)
    once, again = (Augmentation.draw(4, 0.8, generator(3))(faces) for _ in "12")
    assert torch.equal(once, again)
    assert not torch.equal(once, Augmentation.draw(4, 0.8, generator(4))(faces))


def test_of_a_small_chance_most_faces_keep_their_colours_and_place():
    chance = 0.02
    count = 4000
    kept = {
        "geometry": (geometry_matrices(count, chance, generator()), torch.eye(3)),
        "colour": (colour_matrices(count, chance, generator()), torch.eye(4)),
    }
    # Changes that happen: flip (half of them change nothing), quarter turns (3 of 4), shift,
    # scale, two rotations of together p, stretch, fine shift; brightness, contrast, luma flip
    # (half), hue, saturation.
    expected = {
        "geometry": (1 - chance / 2) * (1 - 0.75 * chance) * (1 - chance) ** 5,
        "colour": (1 - chance / 2) * (1 - chance) ** 4,
    }
    for name, (matrices, identity) in kept.items():
        same = (matrices - identity).abs().amax(dim=(1, 2)) < 1e-6
        assert same.float().mean().item() == pytest.approx(expected[name], abs=0.015), name


def test_geometry_moves_and_turns_but_does_not_shear():
    matrices = geometry_matrices(500, 1.0, generator())
    assert torch.allclose(matrices[:, 2], torch.tensor([0.0, 0.0, 1.0]), atol=1e-5)
    # log2 of the area's change: two standard deviations of 0.2 for one scale of both sides.
    area = torch.linalg.det(matrices[:, :2, :2]).abs().log2()
    assert area.mean().item() == pytest.approx(0, abs=0.06)
    assert area.std().item() == pytest.approx(0.4, rel=0.12)


def test_saturation_hue_and_luma_flip_leave_grey_grey():
    matrices = colour_matrices(200, 1.0, generator())
    grey = torch.tensor([0.3, 0.3, 0.3, 1.0])
    coloured = matrices @ grey
    assert (coloured[:, :3].amax(1) - coloured[:, :3].amin(1)).max() < 1e-5


def test_gradients_reach_the_faces():
    faces = torch.rand(2, 3, 8, 8, requires_grad=True)
    Augmentation.draw(2, 1.0, generator())(faces).sum().backward()
    assert faces.grad is not None
    assert faces.grad.abs().sum() > 0


def test_a_mask_moves_with_the_faces():
    # A face that is its own mask: where they end, after the colours are taken back, they agree.
    marks = (torch.rand(8, 1, 32, 32) > 0.7).float()
    augmentation = Augmentation.draw(8, 0.9, generator(5))
    plain = Augmentation(augmentation.geometry, torch.eye(4).repeat(8, 1, 1))
    moved = plain(marks.expand(-1, 3, -1, -1))
    torch.testing.assert_close(augmentation.mask(marks), moved[:, :1], atol=1e-5, rtol=0)
    assert Augmentation.draw(8, 0.0, generator()).mask(marks) is marks

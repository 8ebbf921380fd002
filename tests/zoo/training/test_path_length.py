import math

import pytest
import torch

from zoo.training.tasks.generator.trainer import path_lengths, path_penalty


def test_of_a_linear_generator_the_length_is_known():
    # faces = a · code in every pixel of the first layer's code: Jᵀy = a Σ y / side.
    codes = torch.randn(3, 2, 5, requires_grad=True)
    weight = torch.randn(5)
    faces = (codes[:, 0] @ weight)[:, None, None, None].expand(3, 3, 4, 4)
    lengths = path_lengths(faces, codes, torch.Generator().manual_seed(1))
    drawn = torch.randn(3, 3, 4, 4, generator=torch.Generator().manual_seed(1)) / 4
    expected = (weight.norm() * drawn.sum(dim=(1, 2, 3))).abs() / math.sqrt(2)
    torch.testing.assert_close(lengths, expected)


def test_a_change_that_keeps_lengths_keeps_them_at_any_size():
    means = []
    for side in (4, 16):
        codes = torch.randn(400, 1, 3 * side * side, requires_grad=True)
        faces = codes.reshape(400, 3, side, side)
        means.append(path_lengths(faces, codes, torch.Generator().manual_seed(2)).mean().item())
    assert means == pytest.approx([math.sqrt(3)] * 2, rel=0.03)


def test_the_penalty_is_the_mean_squared_distance_and_can_be_learned_from():
    codes = torch.randn(2, 1, 4, requires_grad=True)
    faces = (codes**2).reshape(2, 1, 2, 2)
    lengths = path_lengths(faces, codes, torch.Generator().manual_seed(3))
    penalty = path_penalty(lengths, torch.tensor(1.0))
    assert penalty.item() == pytest.approx(((lengths - 1) ** 2).mean().item())
    penalty.backward()
    assert codes.grad.abs().sum() > 0

import pytest
import torch

from zoo.networks.image_critic import ImageCritic, minibatch_deviation


def test_faces_get_one_score_each():
    torch.manual_seed(0)
    critic = ImageCritic({4: 8, 8: 6, 16: 4})
    assert critic(torch.rand(4, 3, 16, 16)).shape == (4,)
    assert critic(torch.rand(1, 3, 16, 16)).shape == (1,)


def test_the_last_channel_is_the_mean_deviation_over_the_group():
    x = torch.rand(8, 3, 4, 4, dtype=torch.float64).float()
    y = minibatch_deviation(x, 4)
    assert torch.equal(y[:, :3], x)
    # The groups are the faces i, i + 2, i + 4, i + 6.
    for face in range(8):
        group = x[face % 2 :: 2].double()
        deviation = ((group - group.mean(0)) ** 2).mean(0).sqrt().mean()
        assert y[face, 3].unique().item() == pytest.approx(deviation.item(), rel=1e-5)


def test_equal_faces_have_no_deviation():
    y = minibatch_deviation(torch.ones(4, 2, 3, 3), 4)
    assert y[:, 2].max() < 2e-4


def test_a_batch_that_the_group_does_not_divide_is_taken_in_smaller_groups():
    assert minibatch_deviation(torch.rand(6, 2, 3, 3), 4).shape == (6, 3, 3, 3)

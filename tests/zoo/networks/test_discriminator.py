import pytest

torch = pytest.importorskip("torch")

from zoo.networks.restoration.style import LABELS  # noqa: E402
from zoo.networks.stylegan.discriminator import Discriminator, minibatch_deviation  # noqa: E402


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        yield


@pytest.mark.parametrize("patch", [1, 2, 4])
def test_faces_get_one_score_each_whatever_the_patch(patch):
    network = Discriminator({4: 8, 8: 6, 16: 4}, patch=patch)
    assert network(torch.rand(4, 3, 16 * patch, 16 * patch)).shape == (4,)
    assert network(torch.rand(1, 3, 16 * patch, 16 * patch)).shape == (1,)


def test_a_new_network_tells_faces_apart():
    network = Discriminator({4: 32, 8: 32, 16: 16, 32: 16}, patch=2, masked=True)
    faces = torch.nn.functional.interpolate(torch.rand(16, 3, 8, 8), 64, mode="bilinear")
    with torch.no_grad():
        scores, features = network.score_and_features(faces, None)
    # Equalised layers keep the deviation; default ones lost thirteen parts of fourteen.
    assert float(features[-1].std()) > 0.4 * float(features[0].std()) > 0.05
    # A default Conv2d network of this depth has about .0004.
    assert float(scores.std()) > 0.01


def test_the_mask_counts_and_no_mask_is_a_mask_that_says_nothing():
    network, faces = Discriminator({4: 8, 8: 8, 16: 8}, masked=True), torch.rand(1, 3, 16, 16)
    mask = torch.zeros(1, LABELS, 16, 16)
    assert torch.equal(network(faces, None), network(faces, mask))
    mask[:, 3] = 1
    assert not torch.equal(network(faces, None), network(faces, mask))


def test_a_network_without_masks_does_not_look_at_them():
    network, faces = Discriminator({4: 8, 8: 8}), torch.rand(1, 3, 8, 8)
    assert torch.equal(network(faces, torch.ones(1, LABELS, 8, 8)), network(faces))


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
